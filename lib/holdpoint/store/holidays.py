"""Public holidays, by the package `holidays`, which is an extra: where it is missing, none are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import cast

from holdpoint.oncall.model import Holidays
from holdpoint.oncall.working import DayOff, every_day
from holdpoint.problem import HoldpointError, Problem, did_you_mean

MISSING = (
    "the package `holidays` is not installed, so no public holidays are counted: `pip install 'holdpoint[incident]'`"
)


def installed() -> bool:
    """Whether public holidays can be known."""
    try:
        import holidays  # noqa: F401, PLC0415 - takes half a second, and need not be there
    except ImportError:
        return False
    return True


def public(of: Holidays, language: str = "en") -> DayOff:
    """Name the public holidays of a country; none are known where the package is missing.

    Raises `HoldpointError` at the place of the document for a country or a region that the package does not know.
    """
    if not of.country or not installed():
        return every_day
    _check(of)

    @cache
    def year(number: int) -> Mapping[date, str]:
        return _year(of.country, of.region, number, language)

    return lambda day: year(day.year).get(day, "")


def off(of: Holidays, language: str = "en") -> DayOff:
    """Name the days off of a team: its own, then the public holidays. Raises as `public`."""
    known = public(of, language)
    return lambda day: of.own.get(day) or known(day)


def _check(of: Holidays) -> None:
    import holidays  # noqa: PLC0415 - see `installed`

    countries = cast("Mapping[str, list[str]]", holidays.list_supported_countries(include_aliases=True))
    if of.country not in countries:
        problem = Problem(
            "country", f"no public holidays are known of `{of.country}`", hint="for example `FR`, or `none`"
        )
    elif of.region and of.region not in countries[of.country]:
        regions = countries[of.country]
        expected = ", ".join(f"`{one}`" for one in regions) or "no region"
        hint = did_you_mean(of.region, regions)
        problem = Problem(
            "region", f"`{of.country}` has no region `{of.region}` of its own", expected=expected, hint=hint
        )
    else:
        return
    raise HoldpointError(replace(problem, place=of.place))


def _year(country: str, region: str, year: int, language: str) -> Mapping[date, str]:
    import holidays  # noqa: PLC0415 - see `installed`

    make = cast("Callable[..., Mapping[date, str]]", holidays.country_holidays)
    known = getattr(holidays.country_holidays(country), "supported_languages", ())
    spoken = next((one for one in known if one.startswith(language)), None)
    return dict(make(country, subdiv=region or None, years=year, language=spoken, expand=False))
