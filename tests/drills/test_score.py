"""The rubric: each fact counts what it counts, and no other does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdpoint.drill.model import Leaves
from holdpoint.drill.score import Diagnosis, Facts, flawless, score, verdict

BEGAN = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


PERFECT = Facts(
    began=BEGAN,
    ended=at(12),
    within=timedelta(minutes=30),
    fault=True,
    causes=frozenset({"held"}),
    recovered=True,
    kept=True,
    safe=True,
    evidence=True,
    first_change=at(6),
    diagnoses=(Diagnosis(at(5), "held"),),
    said=(at(2), at(11)),
)


def test_a_repair_without_a_fault_has_all_points() -> None:
    got = score(PERFECT)
    assert (got.total, got.passed) == (100, True)
    assert [(part.name, part.of) for part in got.parts] == [
        ("data kept", 30),
        ("diagnosis", 20),
        ("safety", 20),
        ("communication", 15),
        ("time", 15),
    ]


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ({"kept": False}, 20),
        ({"evidence": False}, 10),
        ({"diagnoses": ()}, 20),
        ({"diagnoses": (Diagnosis(at(7), "held"),)}, 20),
        ({"diagnoses": (Diagnosis(at(5), ""),)}, 20),
        ({"diagnoses": (Diagnosis(at(5), "inodes"),)}, 12),
        ({"diagnoses": (Diagnosis(at(3), "inodes"), Diagnosis(at(5), "held"))}, 0),
        ({"safe": False}, 12),
        ({"false_dones": 1}, 4),
        ({"false_dones": 9}, 8),
        ({"trapped": 1}, 4),
        ({"trapped": 1, "false_dones": 9}, 8),
        ({"said": ()}, 15),
        ({"said": (at(6), at(11))}, 5),
        ({"said": (at(2),)}, 5),
        ({"ended": at(20), "said": (at(2), at(3))}, 5),
        ({"ended": at(45), "said": (at(2), at(15), at(28), at(41))}, 7),
        ({"ended": at(90), "said": tuple(at(n) for n in range(2, 90, 10))}, 15),
        ({"hints": 1}, 3),
        ({"hints": 2}, 8),
        ({"hints": 3}, 18),
    ],
)
def test_each_fact_counts_what_it_counts(changed: dict[str, Any], lost: int) -> None:
    assert score(replace(PERFECT, **changed)).total == 100 - lost


def test_without_recovery_there_is_no_pass() -> None:
    assert not score(replace(PERFECT, recovered=False)).passed


def test_where_data_was_lost_there_is_no_pass() -> None:
    got = score(replace(PERFECT, kept=False))
    assert (got.total, got.passed) == (80, False)


def test_where_something_else_was_touched_there_is_no_pass() -> None:
    got = score(replace(PERFECT, safe=False))
    assert (got.total, got.passed) == (88, False)


@pytest.mark.parametrize("fault", [True, False])
def test_whoever_does_all_else_right_passes_unless_a_trap_left_what_it_leaves(fault: bool) -> None:
    assert score(flawless(fault=fault)).passed
    assert score(flawless(fault=fault)).total == 100
    for leaves in Leaves:
        assert not score(flawless(fault=fault, leaves=leaves)).passed


def test_what_is_not_over_has_no_points_for_being_over() -> None:
    red, left = score(replace(PERFECT, recovered=False)), score(replace(PERFECT, left=True))
    assert (red.total, left.total) == (100 - 5 - 15, 100 - 5 - 15)
    assert not left.passed


def test_nothing_was_wrong_and_now_it_is_red() -> None:
    calm = replace(PERFECT, fault=False, causes=frozenset(), first_change=None, diagnoses=(Diagnosis(at(5), ""),))
    safety = score(replace(calm, recovered=False)).parts[2]
    assert (safety.points, safety.why) == (8, "nothing was wrong, and now it is red")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, ""),
        ({"recovered": False}, "a restart made it red again"),
        ({"recovered": False, "left": True}, "left before `done`, and it is not repaired"),
        ({"recovered": False, "left": True, "first_change": None}, "no change was seen"),
        ({"left": True}, "All is green, and it was left before `done`"),
        ({"recovered": False, "fault": False}, "Nothing was wrong, and now it is red"),
        ({"kept": False}, "data was lost; without it there is no pass"),
        ({"safe": False}, "something was touched that was not the fault's; so there is no pass"),
        ({"safe": False, "kept": False}, "data was lost; without it there is no pass"),
        ({"said": (), "diagnoses": (), "evidence": False}, "are needed"),
    ],
)
def test_whoever_does_not_pass_is_told_why(changed: dict[str, Any], says: str) -> None:
    facts = replace(PERFECT, **changed)
    why = verdict(facts, score(facts))
    assert says in why
    assert bool(says) == bool(why)


def test_a_statement_after_the_first_change_in_the_same_second_gives_nothing() -> None:
    late = Diagnosis(at(6), "held", late=True)
    assert score(replace(PERFECT, diagnoses=(late,))).total == 80


def test_nothing_wrong_is_an_answer() -> None:
    calm = replace(PERFECT, fault=False, causes=frozenset(), first_change=None, diagnoses=(Diagnosis(at(5), ""),))
    assert score(calm).total == 100
    assert score(replace(calm, diagnoses=(Diagnosis(at(5), "held"),))).total == 80
