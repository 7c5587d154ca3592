"""The use case of the post-mortem: written from the record, brought up to date beside what people wrote, published."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from holdpoint.app import linked, review, writeup_files
from holdpoint.app.desk import Book, Desk
from holdpoint.app.world import World
from holdpoint.incident import sections
from holdpoint.incident.blame import Advice, advice
from holdpoint.incident.learning_events import CodeBugFound, PostMortemAsked, PostMortemPublished
from holdpoint.incident.postmortem import gathered
from holdpoint.incident.publishing import empty, lacking, news, placed
from holdpoint.incident.sections import Merged
from holdpoint.incident.state import Done, State
from holdpoint.incident.timeline import timeline
from holdpoint.oncall import documents
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store import repository_file
from holdpoint.store.texts import LONGEST
from holdpoint.views import postmortem as view
from holdpoint.views import writeups


def postmortem(world: World, *, incident: str | None, publish: bool, language: str | None, code_bug: bool) -> int:
    """Write a post-mortem, or bring it up to date; with `publish`, check it, take its action items up and publish it."""
    desk = Desk(world)
    speaks = desk.language(language) if language else None
    folder = desk.chosen(incident, lambda state: state.published is None and state.resolved is not None)
    with desk.writing(folder, open_only=False) as book:
        if code_bug and not book.state.code_bug:
            book.note(CodeBugFound(desk.now))
        if not any(item.id == "published" for item in book.state.items):
            book.note(PostMortemAsked(f"{world.person} began one", desk.now))
        path = writeup_files.file_of(desk, book)
        merged, fresh = _refreshed(desk, book, path, speaks)
        text, is_new = _publish(desk, book, path, merged.text) if publish else (merged.text, False)
    opened = review.follow_up(desk, review.look(desk, review.USUAL), review.USUAL) if is_new else []
    told = writeups.Told(
        path=book.state.document,
        file=str(path),
        state=book.state,
        is_new=is_new,
        refreshed=merged.refreshed,
        kept=merged.kept,
        gone=merged.gone,
        empty=empty(text, fresh),
        advice=_advice(desk, book, text),
        opened=tuple(opened),
    )
    if not world.json:
        desk.screen.lines(writeups.postmortem(told, desk.screen.width, desk.zone))
    return desk.told(book, "", {"postmortem": writeups.postmortem_data(told)}) if world.json else Exit.OK


def _advice(desk: Desk, book: Book, text: str) -> tuple[Advice, ...]:
    people = desk.team.people
    return advice(text, [*book.state.people, *people, *(one.name for one in people.values())])


# --- the file ---------------------------------------------------------------------------------------------------


def _refreshed(desk: Desk, book: Book, path: Path, speaks: str | None) -> tuple[Merged, str]:
    """Write what the record says now, and leave what people wrote; give what became of it, and what a new one would be."""
    result: list[tuple[Merged, str]] = []

    def change(document: str | None) -> str:
        fresh = _fresh(desk, book, _language(book, document, speaks))
        merged = Merged(sections.sealed(fresh)) if document is None else sections.merged(document, fresh)
        result.append((merged, fresh))
        return merged.text

    repository_file.rewrite(path, change)
    return result[-1]


def _language(book: Book, document: str | None, speaks: str | None) -> str:
    """The language of a document is the one that it was begun in."""
    if document is None:
        return speaks or book.state.opening.language
    incident, language = sections.belongs_to(document)
    if incident != book.state.opening.incident:
        found = f"its first line names `{incident[:80]}`" if incident else "its first line names no incident"
        expected = f"`{sections.head(book.state.opening.incident, speaks or book.state.opening.language)}`"
        hint = f"put that line back at the top of `{book.state.document}`, or move the file away"
        raise HoldpointError(
            Problem("document", "the file is not this incident's post-mortem", None, found, expected, hint)
        )
    if speaks and speaks != language:
        hint = f"move `{book.state.document}` away, and it is begun anew in `{speaks}`"
        raise HoldpointError(
            Problem("language", f"the post-mortem was begun in `{language}`", found=f"`--lang {speaks}`", hint=hint)
        )
    return language


def _fresh(desk: Desk, book: Book, language: str, state: State | None = None) -> str:
    """What a whole new document would be; `state` takes the place of the record's."""
    now = state or book.state
    records = tuple(book.journal.records)
    runs, unread = linked.records_of(desk.world, tuple(now.runs), book.folder)
    read = desk.clocks(now)
    material = view.Material(
        state=now,
        records=records,
        runs=runs,
        unread=unread,
        rows=timeline(records, runs),
        clocks=read,
        found=gathered(now, records, runs, read, desk.zone, _rollbacks(desk)),
        language=language,
        zone=desk.zone,
        today=desk.now.astimezone(desk.zone).date(),
    )
    rendered = desk.texts.render("post-mortem.md", language, view.words(material), LONGEST)
    if rendered.warning:
        desk.warn(rendered.warning)
    return f"{sections.head(now.opening.incident, language)}\n{rendered.text}\n"


def _rollbacks(desk: Desk) -> frozenset[str]:
    """The runbooks by which the team goes back to the version before."""
    ways = desk.team.rollbacks.items()
    return frozenset(way.runbook or documents.rollback(service) for service, way in ways)


# --- publishing -------------------------------------------------------------------------------------------------


def _publish(desk: Desk, book: Book, path: Path, document: str) -> tuple[str, bool]:
    """Check a draft, record its action items, and publish it. Gives the text, and whether anything is new.

    Raises `HoldpointError` with everything that is missing. All is recorded before the file says so.
    """
    language = sections.belongs_to(document)[1]
    file, today = book.state.document, desk.now.astimezone(desk.zone).date()
    wanted, problems = lacking(book.state, document, _fresh(desk, book, language), file, today)
    if problems:
        raise HoldpointError(problems)
    for item in news(book.state, tuple(book.journal.records), wanted, desk.now):
        book.note(item)

    def whole(now: str | None, state: State) -> str:
        return placed(now or document, _fresh(desk, book, language, state), state).text

    was = book.state.published
    is_new = was is None or _digest(whole(document, book.state)) != was.digest
    if is_new:
        event = PostMortemPublished(file, "", desk.now)
        person = desk.world.person
        done = {**book.state.done, "published": Done("", file, event.happened, person, book.state.seq + 1)}
        people = tuple(dict.fromkeys((*book.state.people, person)))
        then = replace(book.state, published=event, done=done, people=people)
        book.note(replace(event, digest=_digest(whole(document, then))))
    return repository_file.rewrite(path, lambda now: whole(now, book.state)), is_new


def _digest(text: str) -> str:
    return hashlib.sha256(sections.said(text).encode()).hexdigest()
