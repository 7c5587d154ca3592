"""The post-mortem as a file: what the record fills in, what people wrote and keep, and what publishing wants."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdpoint.app import actions, incidents, postmortem
from holdpoint.incident.sections import generated, written
from holdpoint.journal.chain import Chain, read
from holdpoint.problem import HoldpointError
from tests.case import LIMIT, Case
from tests.incident.runs import planted
from tests.incident.support import Room, json_of

PATH = "docs/post-mortems/2026-11-25-the-wiki-is-down.md"
OWN = {
    "cost": "Three hours of forty people.",
    "factors": "Backups and data share a disk.",
    "monitoring": "Nobody watches the disk.",
    "lucky": "It was a quiet hour.",
    "lessons": "Backups need a limit.",
}
PEOPLE = ("ada", "bob")


class Pen:
    """Writes post-mortems in a room, as a person does with an editor."""

    def __init__(self, room: Room) -> None:
        self.room = room

    @property
    def path(self) -> Path:
        (path,) = (self.room.case.repository / "docs/post-mortems").glob("*.md")
        return path

    @property
    def text(self) -> str:
        return self.path.read_text()

    def write(self, person: str = "ada", **options: Any) -> Any:
        given = {"incident": "last", "publish": False, "language": None, "code_bug": False, **options}
        world = self.room.world(json=True, person=person)
        return json_of(self.room.said(lambda: postmortem.postmortem(world, **given)))

    def refused(self, **options: Any) -> HoldpointError:
        given = {"incident": "last", "publish": True, "language": None, "code_bug": False, **options}
        with pytest.raises(HoldpointError) as raised:
            postmortem.postmortem(self.room.world(json=True), **given)
        return raised.value

    def edit(self, change: Callable[[str], str]) -> None:
        before = self.text
        self.path.write_text(change(before))
        assert self.text != before

    def fill(self, **own: str) -> None:
        for name, text in {**OWN, **own}.items():
            marker = re.search(rf"<!-- write(, if needed)?: {name} -->\n", self.text)
            assert marker, name
            found = marker[0]
            self.edit(lambda now, found=found, text=text: now.replace(found, f"{found}{text}\n"))

    def row(self, text: str) -> None:
        """Add a row to the table of action items."""
        self.edit(lambda now: now.replace("<!-- end: actions -->", f"{text}\n<!-- end: actions -->"))


@pytest.fixture
def pen(room: Room) -> Pen:
    return Pen(room)


def resolved(room: Room, title: str = "the wiki is down", **more: Any) -> str:
    declared = room.declare(title, **{"services": ("docmost",), "trigger": "user", **more})
    room.clock.on(minutes=10)
    room.done("since", at="12:40")
    room.update("looking", sent=True)
    room.clock.on(minutes=30)
    room.resolve("backups filled the disk", "40 people without the wiki", without_verify="nobody has the account")
    return str(declared["incident"])


# --- drafts ---


def test_a_draft_is_filled_from_the_record(room: Room, pen: Pen) -> None:
    resolved(room)
    told = pen.write()["postmortem"]
    assert told["path"] == PATH
    assert (told["published"], told["kept"], told["gone"]) == (False, [], [])
    assert [one["section"] for one in told["to_write"]] == ["cost", "factors", "monitoring", "lucky", "lessons"]
    lines = pen.text.splitlines()
    for one in told["to_write"]:
        assert lines[one["line"] - 1] == f"<!-- write: {one['section']} -->"
    assert "- Downtime: 1 h 0 min, from 2026-11-25 12:40 CET to 2026-11-25 13:40 CET\n" in pen.text
    assert "- A user told of it, 20 min after it began; no monitor did before.\n" in pen.text
    assert "- Response target: kept (due 2026-11-25 13:15 CET)\n" in pen.text
    assert "- It was resolved without being verified: nobody has the account (record 5)\n" in pen.text
    since = "| 2026-11-25 12:40:00 CET; written 2026-11-25 13:10 CET | **done** Since when? | ada | record 2 |\n"
    assert since in pen.text


def test_a_byte_order_mark_that_an_editor_put_at_the_head_hides_nothing(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.edit(lambda now: f"\ufeff{now}")
    pen.fill()
    pen.row("|  | Fit a spring | ops | 14d |  |")
    pen.write(publish=True)
    assert pen.text.startswith("\ufeff<!-- post-mortem of ")
    assert [
        one["title"] for one in json_of(room.said(lambda: actions.list_all(room.world(json=True), everything=False)))
    ] == ["Fit a spring"]


@pytest.mark.parametrize("link", ["docs", "docs/post-mortems"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_leads_out_of_the_repository_takes_no_post_mortem(room: Room, link: str, *, there: bool) -> None:
    """Neither is anything written out there, nor is the link followed to what is not there yet."""
    elsewhere = room.case.folder / "elsewhere"
    place = room.case.repository / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(elsewhere)
    if there:
        elsewhere.mkdir()
    resolved(room)
    with pytest.raises(HoldpointError, match="leads out of the repository"):
        postmortem.postmortem(room.world(), incident="last", publish=False, language=None, code_bug=False)
    assert place.is_symlink()
    assert list(elsewhere.iterdir()) == [] if there else not elsewhere.exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_the_place_of_the_file_is_not_written_through(room: Room, pen: Pen, *, there: bool) -> None:
    elsewhere, place = room.case.folder / "elsewhere.md", room.case.repository / PATH
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    if there:
        elsewhere.write_text("theirs\n")
    resolved(room)
    assert pen.write()["postmortem"]["path"] == PATH.replace(".md", "-2.md")  # that name is taken
    named = room.case.repository / PATH.replace(".md", "-2.md")
    if there:
        named.rename(elsewhere)
    else:
        named.unlink()
    named.symlink_to(elsewhere)
    before = elsewhere.read_text() if there else None
    with pytest.raises(HoldpointError, match="leads out of the repository"):
        postmortem.postmortem(room.world(), incident="last", publish=False, language=None, code_bug=False)
    assert (elsewhere.read_text() if elsewhere.exists() else None) == before


def test_a_link_within_the_repository_is_followed(room: Room, pen: Pen) -> None:
    (room.case.repository / "handbook").mkdir()
    (room.case.repository / "docs").symlink_to("handbook")
    resolved(room)
    assert pen.write()["postmortem"]["path"] == PATH
    assert (room.case.repository / "handbook/post-mortems").is_dir()


def test_a_repository_within_another_one_keeps_its_own(case: Case) -> None:
    """Its end is its `.git`, of a clone or of a worktree: the runbooks of an outer folder do not make it theirs."""
    inner = case.repository / "inner"
    below = inner / "src"
    below.mkdir(parents=True)
    (inner / ".git").write_text("gitdir: elsewhere\n")
    case.run("incident.declare", "down", "--severity", "1", "--json", cwd=below).expect(0, ..., ...)
    told = case.run("incident.postmortem", "--json", cwd=below).expect(0, ..., ...).json()["postmortem"]
    assert (inner / told["path"]).is_file()
    assert not (case.repository / "docs").exists()


def test_a_draft_can_be_begun_while_it_lasts_and_is_published_only_after_the_end(room: Room, pen: Pen) -> None:
    room.declare()
    pen.write()
    assert "**Draft** of an incident that is still open." in pen.text
    pen.fill()
    assert [problem.code for problem in pen.refused().problems] == ["open", "no-actions"]
    room.clock.on(minutes=10)
    room.resolve("c", "i", without_verify="w")
    pen.write()
    assert "**Draft**, to be published by 2026-12-02 13:10 CET." in pen.text
    assert all(text in pen.text for text in OWN.values())


@pytest.mark.parametrize("section", ["status", "timeline", "impact", "causes", "factors", "monitoring", "actions"])
def test_what_a_person_wrote_into_any_section_stays(room: Room, pen: Pen, section: str) -> None:
    room.declare()
    pen.write()
    pen.edit(lambda now: now.replace(f"<!-- end: {section} -->", f"| by | hand |\n<!-- end: {section} -->"))
    body = generated(pen.text)[section].body
    room.clock.on(minutes=40)
    room.resolve("backups filled the disk", "40 people", without_verify="nobody")
    actions.add(room.world(), "Fit a spring", owner="ops", due="14d", incident=None)
    room.capsys.readouterr()
    told = pen.write()["postmortem"]
    assert generated(pen.text)[section].body == body
    changes = section != "monitoring"  # which says the same as before
    assert [(one["section"], one["line"]) for one in told["kept"]] == (
        [(section, generated(pen.text)[section].line)] if changes else []
    )
    assert section not in told["refreshed"]
    after = pen.text
    assert pen.write()["postmortem"]["kept"] == []
    assert pen.text == after


def test_sections_for_people_and_text_of_their_own_are_never_touched(room: Room, pen: Pen) -> None:
    room.declare()
    pen.write()
    pen.fill(loss="nothing")
    pen.edit(lambda now: now.replace("# Post-mortem: the wiki is down", "# The day of the disk\n\nA foreword."))
    pen.edit(lambda now: now + "\n## An annex\n\nOf one's own.\n")
    outside = _outside(pen.text)
    room.clock.on(minutes=40)
    room.resolve("backups filled the disk", "40 people", without_verify="nobody")
    assert set(pen.write()["postmortem"]["refreshed"]) == {"status", "timeline", "impact", "causes", "factors"}
    assert _outside(pen.text) == outside


def _outside(text: str) -> str:
    return re.sub(r"<!-- generated: (\S+) .*?<!-- end: \1 -->", r"[\1]", text, flags=re.DOTALL)


def test_a_file_that_is_saved_meanwhile_is_not_written_over(room: Room, pen: Pen, monkeypatch: Any) -> None:
    """The editor saves between the reading and the replacing: what it saved is brought up to date in its place."""
    from holdpoint.store import disk

    room.declare()
    pen.write()
    room.clock.on(minutes=40)
    room.resolve("backups filled the disk", "40 people", without_verify="nobody")
    write_new, saved = disk.write_new, []

    def write_late(path: Path, data: bytes) -> None:
        write_new(path, data)
        if not saved:
            saved.append(path)
            pen.edit(lambda now: now + "saved meanwhile\n")

    monkeypatch.setattr(disk, "write_new", write_late)
    pen.write()
    assert saved
    assert pen.text.endswith("saved meanwhile\n")
    assert "- backups filled the disk (record 3)\n" in pen.text
    assert [path.name for path in pen.path.parent.iterdir()] == [pen.path.name]


def test_the_second_incident_of_a_day_with_one_title_has_a_file_of_its_own(room: Room, pen: Pen) -> None:
    first = resolved(room)
    room.clock.on(minutes=5)
    second = resolved(room)
    assert pen.write(incident=second)["postmortem"]["path"] == PATH.replace(".md", "-2.md")
    assert pen.write(incident=first)["postmortem"]["path"] == PATH
    assert pen.write(incident=second)["postmortem"]["path"] == PATH.replace(".md", "-2.md")


def test_the_message_of_the_end_names_the_file_that_it_will_be(room: Room, pen: Pen) -> None:
    texts = []
    for _ in range(3):
        room.declare()
        room.clock.on(minutes=5)
        texts.append(room.resolve("c", "i", without_verify="w")["messages"][-1]["text"])
    for number, text in enumerate(texts, 1):
        path = PATH if number == 1 else PATH.replace(".md", f"-{number}.md")
        assert f"Post-mortem, within 7 days: {path}\n" in text
    assert pen.write()["postmortem"]["path"] == PATH.replace(".md", "-3.md")


def test_a_small_bug_has_one_once_somebody_begins_it(room: Room, pen: Pen) -> None:
    resolved(room, severity="3")
    assert "post-mortem" not in [clock["clock"] for clock in room.show(json=True)["clocks"]]
    told = pen.write()
    assert [record["kind"] for record in told["recorded"]] == ["postmortem.asked", "postmortem.named"]
    assert "post-mortem" in [clock["clock"] for clock in told["clocks"]]


def test_a_file_that_is_not_ours_is_never_written_over(room: Room, pen: Pen) -> None:
    incident = resolved(room)
    room.case.write(PATH, "# By hand\n")
    assert pen.write(incident=incident)["postmortem"]["path"] == PATH.replace(".md", "-2.md")
    assert (room.case.repository / PATH).read_text() == "# By hand\n"
    second = room.case.repository / PATH.replace(".md", "-2.md")
    second.write_text(second.read_text().partition("\n")[2])
    error = pen.refused(publish=False)
    assert error.problems[0].message == "the file is not this incident's post-mortem"
    assert f"<!-- post-mortem of {incident}, in en -->" in error.problems[0].expected


@pytest.mark.parametrize(
    "title",
    [
        "<script>alert(1)</script>",
        "<!-- end: timeline --> | # *x* [a](javascript:b)",
        "| a | b |",
        "../../etc/passwd",
        "`code` $x$ ~~s~~",
        "# heading",
    ],
)
def test_hostile_titles_and_texts_are_harmless(room: Room, pen: Pen, title: str) -> None:
    from markdown_it import MarkdownIt

    room.declare(title)
    room.done("scope", f"{title}\n\n<!-- end: timeline -->\n# {title}\n")
    room.clock.on(minutes=1)
    room.resolve(title, title, without_verify=title)
    pen.write()
    assert pen.path.resolve().parent == (room.case.repository / "docs/post-mortems").resolve()
    assert list(generated(pen.text)) == [
        "status",
        "timeline",
        "impact",
        "causes",
        "factors",
        "monitoring",
        "actions",
    ]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(pen.text)
    html = {token.content.strip() for token in tokens if token.type == "html_block"}
    assert all(re.fullmatch(r"(<!--.*-->\s*)+", one, re.DOTALL) for one in html)
    inner = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inner} <= {"text", "strong_open", "strong_close", "softbreak", "html_inline"}
    assert all(child.content.startswith("<!--") for child in inner if child.type == "html_inline")
    assert [token.tag for token in tokens if token.type == "heading_open"].count("h1") == 1
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) == len([line for line in pen.text.splitlines() if line.startswith("| ") and "---" not in line])
    seen = "".join(child.content for child in inner if child.type == "text")
    assert title in seen
    assert pen.write()["postmortem"]["refreshed"] == []


def test_another_language_is_refused_once_it_is_begun(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write(language="fr")
    assert pen.text.splitlines()[1] == "# Post-mortem : the wiki is down"
    pen.write()
    assert "**Brouillon**, à publier avant le" in pen.text
    assert pen.refused(publish=False, language="en").problems[0].code == "language"


def test_a_template_of_ones_own(room: Room, pen: Pen) -> None:
    template = (
        "# {{ title }}\n<!-- generated: facts -->\n{{ down }}\n<!-- end: facts -->\n## Why\n<!-- write: why -->\n"
    )
    room.case.write("templates/en/post-mortem.md", template)
    resolved(room)
    told = pen.write()["postmortem"]
    assert [one["section"] for one in told["to_write"]] == ["why"]
    assert "\n1 h 0 min\n" in pen.text
    assert [problem.code for problem in pen.refused().problems] == ["no-table", "empty-section"]


@pytest.mark.parametrize(
    ("language", "known", "settled"),
    [("en", "none that we know of", "none"), ("fr", "aucune à notre connaissance", "aucune")],
)
def test_no_loss_is_said_only_where_somebody_said_so(
    room: Room, pen: Pen, language: str, known: str, settled: str
) -> None:
    room.declare()
    pen.write(language=language)
    what = {"en": "Data lost: ", "fr": "Données perdues : "}[language]
    assert f"- {what}{known}\n" in pen.text
    room.done("lost", "looked at all tables")
    pen.write()
    assert f"- {what}{settled} (looked at all tables)\n" in pen.text


# --- publishing ---


def test_everything_that_is_missing_is_told_at_once_with_its_line(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.row("| | No owner | | 2026-12-09 | |")
    pen.row("| | No day | ops | TBD | |")
    pen.row("| | A strange day | ops | soon | |")
    pen.row("| 0000-9 | An id of nothing | ops | 14d | |")
    pen.fill(lucky="TODO")
    error = pen.refused()
    lines = pen.text.splitlines()
    told = [(problem.code, lines[problem.place.line - 1]) for problem in error.problems if problem.place]
    assert told == [
        ("empty-section", "<!-- write: lucky -->"),
        ("action-owner", "| | No owner | | 2026-12-09 | |"),
        ("action-due", "| | No day | ops | TBD | |"),
        ("action-due", "| | A strange day | ops | soon | |"),
        ("action-id", "| 0000-9 | An id of nothing | ops | 14d | |"),
    ]
    assert all(problem.place and problem.place.file == PATH for problem in error.problems)
    assert "published" not in room.show(json=True)["records"][-1]["kind"]


def test_published_it_is_on_record_with_its_action_items(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.fill()
    pen.row("| | Fit a `spring`, or \\| two | ops | 14d | |")
    pen.row("|  | Watch the disk|bob|2026-12-01|")
    told = pen.write(publish=True)
    assert [record["kind"] for record in told["recorded"]] == ["action.added", "action.added", "postmortem.published"]
    assert told["postmortem"]["published_now"] is True
    assert next(item for item in told["checklist"] if item["item"] == "published")["done"]
    assert "**Published** 2026-11-25 13:40 CET by ada." in pen.text
    assert all(text in pen.text for text in OWN.values())
    listed = _listed(room)
    assert [(one["title"], one["owner"], one["due"]) for one in listed] == [
        ("Watch the disk", "bob", "2026-12-01"),
        ("Fit a spring, or | two", "ops", "2026-12-09"),
    ]
    assert [one["id"] for one in listed] == ["0000-2", "0000-1"]
    assert "| 0000-1 | Fit a `spring`, or \\| two | ops | 14d | |\n" in pen.text  # as it was written
    assert "| 0000-2 | Watch the disk|bob|2026-12-01|\n" in pen.text
    before = pen.text
    again = pen.write(publish=True, person="bob")
    assert (again["recorded"], again["postmortem"]["published_now"], pen.text) == ([], False, before)


def test_rows_that_say_no_more_than_the_record_are_kept_up_to_date_by_it(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.fill()
    pen.row("|  | Watch the disk | bob | 2026-12-01 |  |")
    pen.write(publish=True)
    assert "| 0000-1 | Watch the disk | bob | 2026-12-01 | open |\n" in pen.text
    actions.done(room.world(), "0000-1", evidence="commit 1234", dropped=None, undo=None)
    room.capsys.readouterr()
    assert pen.write()["postmortem"]["refreshed"] == ["actions"]
    assert "| 0000-1 | Watch the disk | bob | 2026-12-01 | done: commit 1234 |\n" in pen.text


def test_an_edited_table_never_takes_back_what_the_record_says_later(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.fill()
    pen.row("|  | Watch the disk | bob | 2026-12-01 |  |")
    pen.row("why only this: because")
    pen.write(publish=True)
    change = actions.Changes(owner="eve", reason="bob is away")
    actions.change(room.world(), "0000-1", change)
    room.capsys.readouterr()
    assert pen.write(publish=True)["recorded"] == []
    assert _listed(room)[0]["owner"] == "eve"
    pen.edit(lambda now: now.replace("| bob | 2026-12-01 |", "| bob | 2026-12-24 |"))
    kinds = [record["kind"] for record in pen.write(publish=True)["recorded"]]
    assert kinds == ["action.changed", "postmortem.published"]
    assert (_listed(room)[0]["owner"], _listed(room)[0]["due"]) == ("bob", "2026-12-24")
    assert "why only this: because\n" in pen.text


@pytest.mark.parametrize(
    "row",
    [
        "|  | Watch the disk | bob | 2026-12-01 | waits for the vendor |",
        "|  | Watch the disk | bob | 2026-12-01 |  | a sixth cell |",
        "|  | Watch [the disk](https://example.org) | bob | 2026-12-01 |  |",
    ],
)
def test_what_else_a_row_says_stays(room: Room, pen: Pen, row: str) -> None:
    resolved(room)
    pen.write()
    pen.fill()
    pen.row(row)
    pen.write(publish=True)
    assert row.replace("|  |", "| 0000-1 |", 1) in pen.text
    pen.write()
    assert row.replace("|  |", "| 0000-1 |", 1) in pen.text


def test_drafts_are_listed_until_they_are_records(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.row("|  | Watch the disk |  | soon |  |")
    (draft,) = _listed(room)
    assert (draft["status"], draft["title"], draft["owner"], draft["due"]) == ("draft", "Watch the disk", "", "soon")
    assert pen.text.splitlines()[draft["line"] - 1] == "|  | Watch the disk |  | soon |  |"
    pen.edit(lambda now: now.replace("|  | soon |", "| bob | 14d |"))
    pen.fill()
    pen.write(publish=True)
    assert [one["status"] for one in _listed(room)] == ["open"]


def test_no_action_item_needs_a_word(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.fill()
    assert [problem.code for problem in pen.refused().problems] == ["no-actions"]
    pen.fill(actions="None: the disk was replaced during the repair.")
    pen.write(publish=True)


def test_a_code_bug_proposes_a_regression_test(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    assert "regression" not in pen.text
    pen.write(code_bug=True)
    row = "|  | Write a regression test that fails with the bug: backups filled the disk | tester | 2026-12-09 | proposed |\n"
    assert row in pen.text
    pen.fill()
    pen.write(publish=True)
    assert [one["owner"] for one in _listed(room)] == ["tester"]


@pytest.mark.parametrize("proposes", [{"title": "x"}, {"title": "x", "owner": "o", "due": "soon"}, {"title": ""}])
def test_a_proposal_that_cannot_be_read_is_left_out(room: Room, pen: Pen, proposes: dict[str, str]) -> None:
    room.declare()
    planted(room, "restart", "x", proposes=proposes)
    pen.write()
    assert "proposed by" not in pen.text


ROLLBACKS = """\
schema: holdpoint/team/1
rollbacks:
  docmost: {run: "echo back"}
  baserow: {runbook: back-to-old}
"""


@pytest.mark.parametrize(
    ("runbook", "bug"), [("team-rollback-docmost", True), ("back-to-old", True), ("restart", False)]
)
def test_a_rollback_of_a_version_is_a_code_bug_by_itself(room: Room, pen: Pen, runbook: str, bug: bool) -> None:
    room.case.write("team.yaml", ROLLBACKS)
    room.declare()
    planted(room, runbook, "x")
    pen.write()
    assert ("Write a regression test" in pen.text) is bug
    assert "| Give the backups a limit | ops | 2026-12-09 |" in pen.text


def test_a_cause_that_names_a_version_is_a_code_bug_too(room: Room, pen: Pen) -> None:
    room.declare()
    planted(room, "restart", "x", bug=True)
    pen.write()
    row = "| Write a regression test that fails with the bug: The new version does not start (web1) | tester |"
    assert row in pen.text


def test_a_reopened_incident_is_written_up_and_published_anew(room: Room, pen: Pen) -> None:
    from holdpoint.app import messages

    resolved(room)
    pen.write()
    pen.fill(actions="None.")
    pen.write(publish=True)
    room.clock.on(hours=1)
    room.said(lambda: messages.reopen(room.world(json=True), reason="down again", at=None, incident=None))
    assert pen.write()["postmortem"]["published"] is False
    room.clock.on(hours=1)
    room.resolve("the disk again", "40 people", without_verify="nobody")
    assert pen.write(publish=True)["postmortem"]["published_now"] is True
    assert "- It was resolved too early, and reopened: down again" in pen.text


def test_wording_that_blames_is_told_and_hinders_nothing(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.fill(lessons="Bob should have known better.", actions="None.")
    (found,) = pen.write(publish=True)["postmortem"]["advice"]
    assert found["words"] == "should have"
    assert "Bob should have" in pen.text.splitlines()[found["line"] - 1]


def test_it_is_chased_from_the_fifth_day_on(room: Room, pen: Pen) -> None:
    resolved(room)
    room.clock.on(days=7, hours=1)
    (clock,) = [one for one in room.show(json=True)["clocks"] if one["clock"] == "post-mortem"]
    assert (clock["standing"], clock["left_seconds"]) == ("over", -3600)
    assert clock["due"] == "2026-12-02T12:40:00.000000Z"
    listed = " ".join(room.said(lambda: incidents.list_all(room.world())).split())
    assert "(post-mortem OVERDUE by 1 h)" in listed
    pen.write()
    pen.fill(actions="None.")
    pen.write(publish=True)
    (clock,) = [one for one in room.show(json=True)["clocks"] if one["clock"] == "post-mortem"]
    assert clock["standing"] == "missed"


def _listed(room: Room, *, everything: bool = False) -> Any:
    return json_of(room.said(lambda: actions.list_all(room.world(json=True), everything=everything)))


# --- from outside: killed, two at once, damaged ---

DECLARE = ("incident.declare", "the wiki is down", "--severity", "1", "--json")
END = ("incident.resolve", "--cause", "c", "--impact", "i", "--data-loss", "no", "--without-verify", "w", "--json")
WRITE = ("incident.postmortem", "--incident", "last", "--json")


def _ready(case: Case) -> Path:
    case.run(*DECLARE).expect(0, ..., ...)
    case.run(*END).expect(0, ..., ...)
    return _write_own(case)


def _write_own(case: Case) -> Path:
    case.run(*WRITE).expect(0, ..., ...)
    (path,) = (case.repository / "docs/post-mortems").glob("*.md")
    text = path.read_text()
    for one in reversed(written(text)):
        if one.required:
            lines = text.splitlines(keepends=True)
            text = "".join([*lines[: one.line], f"own words on {one.name}\n", *lines[one.line :]])
    path.write_text(text.replace("<!-- end: actions -->", "|  | Fit a spring | ops | 14d |  |\n<!-- end: actions -->"))
    return path


def _kinds(case: Case) -> list[str]:
    (path,) = case.state.glob("incidents/*/journal.jsonl")
    chain = read(path.read_bytes())
    assert isinstance(chain, Chain)
    return [record.kind for record in chain.records]


def test_two_rows_that_read_alike_are_two_items(room: Room, pen: Pen) -> None:
    resolved(room)
    pen.write()
    pen.fill()
    pen.row("|  | Watch the disk | ops | 14d |  |")
    pen.row("|  | Watch the disk | dev | 2026-12-01 |  |")
    pen.row("|  | Watch the disk | ops | 14d |  |")
    before = pen.text
    pen.write(publish=True)
    for _ in range(2):
        assert [re.findall(r"^\| [0-9a-f]{4}-(\d) \| Watch the disk \| (\w+)", pen.text, re.MULTILINE)] == [
            [("1", "ops"), ("2", "dev"), ("3", "ops")]
        ]
        pen.write(publish=True)
    pen.path.write_text(before)  # as it stands where publishing was cut off before the file was written
    pen.write(publish=True)
    listed = json_of(room.said(lambda: actions.list_all(room.world(json=True), everything=True)))
    assert len(listed) == 3


@pytest.mark.parametrize(
    "point",
    [
        *(f"record:{seq}:{how}" for seq in (5, 6) for how in ("before", "torn", "durable")),
        "document:before",
        "document:written",
        "document:placed",
    ],
)
def test_killed_while_it_was_published(case: Case, point: str) -> None:
    """What people wrote is there, whole, and publishing again goes on: one item, one publication."""
    path = _ready(case)
    before = path.read_text()
    ran = case.run(*WRITE, "--publish", environ={"HOLDPOINT_KILL_AT": point})
    assert ran.status == -signal.SIGKILL, ran.raw_error
    for line in before.splitlines():
        assert line in path.read_text() or line.startswith(("<!-- generated", "**Draft**", "|  | Fit a spring"))
    case.run(*WRITE, "--publish").expect(0, ..., ...)
    kinds = _kinds(case)
    assert (kinds.count("action.added"), kinds.count("postmortem.published")) == (1, 1)
    text = path.read_text()
    assert "**Published**" in text
    assert re.search(r"^\| [0-9a-f]{4}-1 \| Fit a spring \| ops \| \S+ \|", text, re.MULTILINE)
    assert text.count("own words on") == before.count("own words on") > 3
    assert [one.name for one in path.parent.iterdir() if one.suffix == ".md"] == [path.name]


@pytest.mark.parametrize("point", ["record:4:durable", "document:before", "document:written", "document:placed"])
def test_killed_while_it_was_first_written(case: Case, point: str) -> None:
    case.run(*DECLARE).expect(0, ..., ...)
    case.run(*END).expect(0, ..., ...)
    assert case.run(*WRITE, environ={"HOLDPOINT_KILL_AT": point}).status == -signal.SIGKILL
    case.run(*WRITE).expect(0, ..., ...)
    assert _kinds(case).count("postmortem.named") == 1
    (path,) = (case.repository / "docs/post-mortems").glob("*.md")
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_two_people_publish_at_once(case: Case) -> None:
    path = _ready(case)
    running = [
        subprocess.Popen(
            case.command((*WRITE, "--publish"), "holdpoint"),
            cwd=case.repository,
            env=case.environ({"HOLDPOINT_PERSON": person}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for person in PEOPLE
    ]
    outs = [process.communicate(timeout=LIMIT)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    now = sorted(json_of(out.decode())["postmortem"]["published_now"] for out in outs)
    assert now == [False, True]
    kinds = _kinds(case)
    assert (kinds.count("action.added"), kinds.count("postmortem.published")) == (1, 1)
    assert path.read_text().count("Fit a spring") == 1


def test_a_damaged_incident_is_refused_and_its_document_stands(case: Case) -> None:
    path = _ready(case)
    before = path.read_bytes()
    (journal,) = case.state.glob("incidents/*/journal.jsonl")
    journal.write_bytes(journal.read_bytes().replace(b"the wiki", b"thy wiki"))
    case.run(*WRITE, "--publish").expect(10, ..., ...)
    case.run(*WRITE).expect(10, ..., ...)
    assert path.read_bytes() == before
    ran = case.run("action.list").expect(0, ..., ...)
    assert "is damaged, so its action items are not known" in ran.raw_error


def test_a_path_that_a_record_names_leads_nowhere_else(room: Room, pen: Pen) -> None:
    """A record that somebody forged, or handed over, cannot have another file written."""
    from holdpoint.app.desk import Desk
    from holdpoint.incident.learning_events import PostMortemNamed

    resolved(room)
    desk = Desk(room.world())
    with desk.writing(room.world().state.find_incident("last"), open_only=False) as book:
        book.note(PostMortemNamed("docs/post-mortems/../../x.md"))
    assert pen.refused(publish=False).problems[0].message == "the record names no file of a post-mortem"
    assert not (room.case.repository / "x.md").exists()


def test_the_steps_of_prevention_are_proposed(case: Case) -> None:
    case.runbook()
    (case.folder / "door").write_text("x\n")
    case.run(*DECLARE).expect(0, ..., ...)
    door = f"door={case.folder / 'door'}"
    case.run("runbook", "door", "--param", door, "--incident", "last", answers="shut: run").expect(0, ..., ...)
    case.run(*END).expect(0, ..., ...)
    case.run(*WRITE).expect(0, ..., ...)
    (path,) = (case.repository / "docs/post-mortems").glob("*.md")
    (row,) = [line for line in path.read_text().splitlines() if "Fit a spring" in line]
    run = case.journals()[0].parent.name
    assert re.fullmatch(rf"\|  \| Fit a spring \| ops \| \d{{4}}-\d\d-\d\d \| proposed by run {run} \|", row)
    assert f"- Somebody left it open ({_host()}): 1 hands wide (run {run}, record 6)" in path.read_text()


def _host() -> str:
    import socket

    return socket.gethostname()


def test_it_is_told_at_the_end_of_every_command_once_it_is_due(case: Case) -> None:
    case.run("incident.declare", "x", "--severity", "1", "--at", "9d ago", "--json").expect(0, ..., ...)
    case.run("incident.sent", "--at", "9d ago").expect(0, ..., ...)
    case.run(*END, "--at", "8d ago").expect(0, ..., ...)
    case.run("incident.sent", "--at", "8d ago").expect(0, ..., ...)
    incident = next((case.state / "incidents").iterdir()).name
    said = case.run("run.list").expect(0, ..., ...).raw_error
    assert said.startswith(f"incident {incident}: OVERDUE by 1 d: the post-mortem was due ")
    assert said.endswith(f"; `inv incident.postmortem --incident {incident}`\n")
    _write_own(case)
    case.run(*WRITE, "--publish").expect(0, ..., ...)
    case.run("run.list").expect(0, ..., "")
