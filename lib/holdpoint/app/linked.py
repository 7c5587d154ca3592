"""The runs that belong to an incident, as far as they can be read here."""

from __future__ import annotations

from collections.abc import Sequence

from holdpoint.app.world import World
from holdpoint.incident.timeline import timeline
from holdpoint.journal.record import Record
from holdpoint.problem import Exit, HoldpointError
from holdpoint.store.incident_folder import IncidentFolder
from holdpoint.store.journal_folder import DAMAGED, JournalFolder


def records_of(
    world: World, names: Sequence[str], incident: IncidentFolder
) -> tuple[dict[str, tuple[Record, ...]], tuple[tuple[str, str], ...]]:
    """The records of the runs that can be read here, also of those that were made on another machine; of the others, why not."""
    here: dict[str, JournalFolder] = {folder.name: folder for folder in world.state.runs()} if names else {}
    elsewhere = (incident.evidence_of(name) for name in names if name not in here)
    here |= {folder.name: folder for folder in elsewhere if folder.journal.exists()}
    found: dict[str, tuple[Record, ...]] = {}
    unread: list[tuple[str, str]] = []
    for name in names:
        if name not in here:
            unread.append((name, "it is not recorded in this state folder"))
            continue
        try:
            records = here[name].records()
            timeline((), {name: records})
            found[name] = records
        except HoldpointError as error:
            unread.append((name, DAMAGED if error.exit_code == Exit.DAMAGED else str(error)))
        except ValueError as error:
            unread.append((name, str(error)))
    return found, tuple(unread)
