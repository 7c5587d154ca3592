"""The tasks about people and time: who is on call, the rota, its calendar."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import collection, offered, opened
from holdpoint.tasks.words import JSON, PLAIN


@offered(
    "oncall.who",
    help={
        "at": "Another time than now: `14:05`, `2026-11-25 14:05`, or ISO with an offset.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def who(_context: Context, at: str | None = None, json: bool = False, plain: bool = False) -> int:
    """Say who is on call, until when, and who is next."""
    from holdpoint.app import oncall  # noqa: PLC0415 - see the package

    return oncall.who(oncall.board(json=json, plain=plain), at)


@offered(
    "oncall.rota",
    help={
        "weeks": "How many weeks; without it, 8.",
        "from": "The first day, as `2026-11-25`; without it, this week, and for `--days` this month.",
        "to": "The last day, which is included.",
        "days": "Count the days on call of each person, for compensation.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def rota(
    _context: Context,
    weeks: str | None = None,
    from_: str | None = None,
    to: str | None = None,
    *,
    days: bool = False,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Show the rota week by week, or count days on call."""
    from holdpoint.app import oncall, typed  # noqa: PLC0415 - see the package

    board = oncall.board(json=json, plain=plain)
    typed.one_of({"--weeks": weeks is not None, "--days": days}, default="")
    return oncall.count_days(board, from_, to) if days else oncall.weekly(board, weeks, from_, to)


@offered(
    "oncall.calendar",
    help={
        "weeks": "How many weeks from this one on; without it, 26.",
        "out": "The file to write; without it, standard output.",
        "person": "The shifts of one person alone.",
        "json": JSON,
    },
)
def calendar(
    _context: Context,
    weeks: str | None = None,
    out: str | None = None,
    person: str | None = None,
    json: bool = False,
) -> int:
    """Write the shifts as iCalendar, for calendars to fetch."""
    from holdpoint.app import oncall  # noqa: PLC0415 - see the package

    return oncall.calendar(oncall.board(json=json), weeks, out, person)


@offered(
    "oncall.handoff",
    help={"out": "A Markdown file to write it to as well.", "json": JSON, "plain": PLAIN},
)
def handoff(_context: Context, out: str | None = None, json: bool = False, plain: bool = False) -> int:
    """Recap for the handoff: what is open, late, in doubt."""
    from holdpoint.app import handoff as recap  # noqa: PLC0415 - see the package

    return recap.handoff(opened(json=json, plain=plain), out)


TASKS = collection("oncall", who, rota, handoff, calendar)
