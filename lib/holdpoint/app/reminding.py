"""What is said at the end of any command: what did not reach people, and a clock or an action item that is due. Never a failure."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from holdpoint.store.state_path import has_incidents

if TYPE_CHECKING:
    from holdpoint.views.incidents import Listed


def remind() -> None:
    """Say on standard error what did not reach people, and which clock and which action item is the most urgent, each with what to type."""
    with suppress(Exception):  # whatever is wrong with an incident, the command that ends here did its work
        if has_incidents(os.environ):
            from holdpoint.views.console import columns  # noqa: PLC0415 - only where there is an incident
            from holdpoint.views.reminders import fitted  # noqa: PLC0415 - as above

            width = columns(sys.stderr, os.environ)
            for text in _lines():
                sys.stderr.write("".join(f"{line}\n" for line in fitted(text, width)))
            sys.stderr.flush()


def _lines() -> list[str]:
    from holdpoint.app.desk import Desk  # noqa: PLC0415 - only where there is an incident
    from holdpoint.app.world import World  # noqa: PLC0415 - as above
    from holdpoint.incident.actions import chased  # noqa: PLC0415 - as above
    from holdpoint.incident.clocks import owes_last_notice, pressing  # noqa: PLC0415 - as above
    from holdpoint.views import actions, breaches  # noqa: PLC0415 - as above
    from holdpoint.views.inert import inert  # noqa: PLC0415 - as above
    from holdpoint.views.reminders import outcry, reminder, short  # noqa: PLC0415 - as above

    desk = Desk(World.here(), quiet=True)
    known = desk.all()
    names = [one.incident for one in known]

    def called(one: Listed) -> tuple[str, str]:
        """An incident by the end of its name, and the option that means it: one that is over is always named."""
        end = short(one.incident, names)
        given = desk.named(one.incident, one.state, known) if one.state and one.state.is_open else f" --incident {end}"
        return end, given

    lines = [outcry(loud, *called(one)) for one in known for loud in one.loud if loud.urgent]
    found = [(urgent[0].left, one, urgent) for one in known if one.state and (urgent := pressing(one.clocks))]
    if found:
        _, most, clocks = min(found, key=lambda pair: pair[0])
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        lines.append(f"{reminder(most, clocks, *called(most), desk.zone)}{more}")
    today = desk.now.astimezone(desk.zone).date()
    items = chased((item for one in known if one.state for item in one.state.actions.values()), today)
    lines += [actions.reminder(items, today)] if items else []
    owing = [called(one)[0] for one in known if one.state and owes_last_notice(one.state, desk.now)]
    lines += [breaches.reminder(owing)] if owing else []
    return [inert(text) for text in lines]
