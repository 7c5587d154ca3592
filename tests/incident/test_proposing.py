"""What is proposed: by what runs found, by what was written down, by the service; the best first, and few."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdpoint.document.search import card_of
from holdpoint.incident.events import CheckAnswered, Event, OutputRecorded, Resolved
from holdpoint.incident.fold import replay
from holdpoint.incident.proposing import Found, Material, Proposal, Stands, proposals
from holdpoint.incident.state import State
from holdpoint.oncall.model import Probe, WayBack
from holdpoint.store.library import Library, shipped
from tests.case import DOOR, Case
from tests.incident.support import NOON, declared, recorded

BOOKS = [card_of(book) for book in Library((shipped("runbooks"),)).load_all()[0].values()]
SEEN = ("scope", "since", "lost", "severity", "backup", "announced")
ID = " --incident ID"


def ticked(*items: str, say: str = "x") -> list[Event]:
    return [OutputRecorded(item, say, "", NOON) for item in items]


def state(*events: Event, title: str = "the wiki is down", services: tuple[str, ...] = ("docmost",)) -> State:
    """An incident in INVESTIGATE, with more that happened."""
    opening = declared(NOON)
    opening = type(opening)(
        **{**{f: getattr(opening, f) for f in opening.__slots__}, "title": title, "services": services}
    )
    every = [opening, *ticked(*SEEN), *events]
    return replay(recorded(*((NOON + timedelta(seconds=n), one) for n, one in enumerate(every))))


def commands(at: State, **of: Any) -> list[str]:
    return [one.command.removesuffix(ID) for one in proposals(at, Material(BOOKS, **of))]


def why(at: State, command: str, **of: Any) -> str:
    found = {one.command.removesuffix(ID): one for one in proposals(at, Material(BOOKS, **of))}
    return found[command].why


@pytest.mark.parametrize(
    ("said", "runbook"),
    [
        ("No space left on device", "disk-full"),
        ("invalid page in block 7 of relation base/1", "postgres-corrupted"),
        ("password authentication failed for user wiki", "rotate-secrets"),
    ],
)
def test_a_text_of_matches_that_was_written_down_leads_to_its_runbook(said: str, runbook: str) -> None:
    assert commands(state(), said=[said])[0] == f"inv runbook {runbook}"
    at = state(*ticked("cause", say=said))
    assert commands(at)[0] == f"inv runbook {runbook}"
    assert "matches" in why(at, f"inv runbook {runbook}")


def test_the_service_that_is_hit_counts() -> None:
    assert commands(state(title="it is odd", services=("baserow",)))[0] == "inv runbook baserow-down"
    assert "inv runbook docmost-down" in commands(state(title="zzz"))


def test_what_a_run_found_leads_to_what_it_uses_until_it_is_well() -> None:
    found = Found("RUN", "docmost-down", Stands.OVER, causes=("Docker's disk is full: 99 %",), leads=("disk-full",))
    assert commands(state(), found=[found])[0] == "inv runbook disk-full"
    assert why(state(), "inv runbook disk-full", found=[found]) == "docmost-down found: Docker's disk is full: 99 %"
    assert "inv runbook docmost-down" not in commands(state(), found=[found])
    well = Found("RUN", "docmost-down", Stands.OVER, well=True, causes=("a disk is full",), leads=("disk-full",))
    assert commands(state(title="zzz", services=()), found=[well]) == []


def test_a_check_that_found_a_cause_leads_to_the_run_itself() -> None:
    found = Found("RUN", "docmost-down", Stands.OVER, real=False, causes=("the wiki runs, and does not answer",))
    assert commands(state(), found=[found])[0] == "inv runbook docmost-down"


def test_a_run_that_can_go_on_comes_first() -> None:
    found = Found("RUN", "disk-full", Stands.LEFT)
    assert commands(state(), found=[found], said=["No space left on device"])[0] == "inv run.resume RUN"
    goes_on = Found("RUN", "disk-full", Stands.GOES_ON)
    told = commands(state(), found=[goes_on], said=["No space left on device"])
    assert not {"inv run.resume RUN", "inv runbook disk-full"} & set(told)


WAYS = {"docmost": WayBack(run="deploy", before=Probe("cat version")), "baserow": WayBack(runbook="base-back")}


def test_a_way_back_is_proposed_with_the_version_that_ran_before() -> None:
    back = "inv runbook team-rollback-docmost"
    at = state()
    assert "incident.check --name version" in why(at, back, rollbacks=WAYS)
    read = CheckAnswered("version", "docmost", green=True, said="0.8.4", run="RUN", happened=NOON)
    assert why(state(read), back, rollbacks=WAYS) == "back to 0.8.4, which ran before"
    assert commands(state(), rollbacks=WAYS, said=["since the deploy of this morning"])[0] == back
    assert commands(state(services=("baserow",)), rollbacks=WAYS, said=["a regression"])[0] == "inv runbook base-back"


@pytest.mark.parametrize("said", ["signs of an intrusion", "un pirate est entré", "the token leaked"])
def test_after_a_compromise_it_is_isolated_and_secrets_are_changed(said: str) -> None:
    assert commands(state(), said=[said]) == [
        'inv incident.note "isolated: ..."',
        "inv runbook rotate-app-secret",
        "inv runbook rotate-secrets",
    ]


def test_there_are_three_at_most_and_none_before_or_after_its_time() -> None:
    assert len(commands(state(), said=["disk database password"])) == 3
    assert len(proposals(state(), Material(BOOKS))) == 3
    early = replay(recorded((NOON, declared(NOON))))
    assert proposals(early, Material(BOOKS)) == ()
    verified = state(*ticked("cause", "restored"))
    assert proposals(verified, Material(BOOKS)) == ()
    assert proposals(state(Resolved("c", "i", False, NOON, NOON, NOON, "w")), Material(BOOKS)) == ()


def test_each_says_why() -> None:
    every: tuple[Proposal, ...] = proposals(state(), Material(BOOKS, rollbacks=WAYS))
    assert all(one.why for one in every)


# --- from outside ---


def test_commands_end_with_what_to_run(case: Case) -> None:
    case.runbook("door", DOOR)
    (case.folder / "door").write_text("x\n")
    declared = case.run("incident.declare", "cold", "--severity", "1", "--service", "house", "--json").expect(0, ...)
    end = declared.json()["incident"][-4:]
    assert declared.json()["proposals"] == []
    for item in SEEN:
        ran = case.run("incident.done", item, "--say", "x").expect(0, ..., ...)
    assert f"propose    inv runbook door --incident {end}\n             " in ran.raw
    noted = case.run("incident.note", "a draught in the hall", "--json").expect(0, ..., ...).json()
    assert noted["proposals"][0] == {
        "command": f"inv runbook door --incident {end}",
        "why": "what is written fits its matches: a draught in the hall; it is for house",
    }
    words = ("runbook", "door", "--param", f"door={case.folder / 'door'}", "--incident", "last")
    case.run(*words, answers="shut: stop").expect(3, ..., ...)
    page = case.run("incident.show").expect(0, ..., ...)
    assert "propose    inv run.resume RUN-door\n" in page.stdout
    assert max(len(line) for line in page.raw.splitlines()) <= 80
    case.write("team.yaml", "[")
    case.write("runbooks/door.yaml", "[")
    case.run("incident.note", "nothing here fails").expect(0, ..., ...)


def test_nothing_of_it_is_loaded_where_no_incident_is_open(case: Case) -> None:
    code = (
        "import sys; from holdpoint.cli import main; sys.argv = ['holdpoint', 'run.list']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name.endswith(('proposing', 'document.search'))])"
    )
    assert (
        case.run("-c", code, program="python3", environ={"PATH": str(Path(sys.executable).parent)})
        .expect(0, ..., ...)
        .stdout.endswith("[]\n")
    )


def test_nothing_is_proposed_once_the_service_is_back() -> None:
    assert commands(state())
    back = state(*ticked("restored"))
    assert back.phase == "investigate"  # the cause is not known yet
    assert commands(back) == []
