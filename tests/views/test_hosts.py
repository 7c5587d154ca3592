"""What a look at hosts found, drawn: whole words in every width, and no more lines than there is to say."""

from __future__ import annotations

import pytest

from holdpoint.document.inventory import Host, Identity
from holdpoint.engine.target import Target, Tier
from holdpoint.problem import Exit
from holdpoint.views.hosts import Checked, Finding, Listed, State, Weight, checked_data, exit_of, listing, results
from holdpoint.views.lines import as_text, cells

FOUND = Identity("web1", "abc")
LONG = "db2-with-a-rather-long-name.example.org"


def listed(name: str, expect: Identity | None = None) -> Listed:
    entry = Host(name, "prod", ("web",), (), expect)
    return Listed(Target(name, Tier.PROD), entry, (f"ada@{name}:22",))


def reached(name: str, *findings: Finding, expect: Identity | None = FOUND) -> Checked:
    return Checked(
        listed(name, expect),
        State.WELL,
        findings,
        0.2,
        FOUND,
        "ada",
        "/usr/bin/dash",
        "asks for a password",
        room=80000,
    )


def dead(name: str) -> Checked:
    return Checked(listed(name), State.UNREACHED, (Finding("NOT REACHED", "it is \x1b[31mgone\n", Weight.FAILS),))


LACKS = Finding("missing", "jq (lab)", Weight.LACKS)
TOLD = Finding("lock", "held by ann", Weight.TOLD)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_word_of_the_table_is_broken_but_a_name_that_is_too_long(width: int) -> None:
    drawn = [as_text(line) for line in results([reached("web1"), reached(LONG, LACKS), dead("db1")], width)]
    assert max(map(cells, drawn)) <= width
    text = "\n".join(drawn)
    if width >= 80:
        assert "web1" in drawn[1]
        assert all(word in text for word in ("well", "lacking", "NOT REACHED", "password", "81.9 MB"))
    assert "\x1b" not in text
    assert "3 hosts: 1 well, 1 lacking, 1 NOT REACHED" in text


def test_a_well_host_has_no_block_and_one_with_a_lock_is_well_all_the_same() -> None:
    text = "\n".join(as_text(line) for line in results([reached("web1"), reached("web2", TOLD)], 80))
    assert text.count("──  ") + text.count("── web") == 1
    assert "2 hosts: 2 well" in text


def test_the_worst_of_all_hosts_is_the_exit_code() -> None:
    assert exit_of([reached("web1", TOLD)]) is Exit.OK
    assert exit_of([reached("web1", LACKS), reached("web2")]) is Exit.FAILED
    assert exit_of([reached("web1", LACKS), dead("web2")]) is Exit.UNKNOWN


def test_what_was_found_is_held_against_what_is_expected() -> None:
    wrong = reached("web1", expect=Identity("other", None))
    assert (wrong.state, wrong.as_expected) == (State.WRONG, False)
    assert reached("web1", expect=None).as_expected is None
    assert checked_data(reached("web1"))["as_expected"] is True
    assert checked_data(dead("web1"))["found"] is None


def test_a_list_shows_names_as_they_are_typed() -> None:
    text = "\n".join(as_text(line) for line in listing([listed("web1", FOUND)], 80))
    assert "role:web" in text
    assert "web1, machine id abc" in text
