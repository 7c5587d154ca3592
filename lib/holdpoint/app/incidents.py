"""The use cases of an incident's life: declare, note, change severity, tick the checklist, link a run, list and show.

Nobody is asked anything while a journal is open: it is shared, and everybody writes for an instant only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holdpoint.app import linked
from holdpoint.app.desk import Book, Desk, one_line, reason_of, some_text, something_left, state_of
from holdpoint.app.messages import render
from holdpoint.app.sending import places, settle
from holdpoint.app.team import lacking
from holdpoint.app.world import Kind, World
from holdpoint.document.model import Severity
from holdpoint.incident.events import (
    DataLossNoticed,
    Declared,
    Event,
    MessageRendered,
    Noted,
    OutputRecorded,
    OutputWithdrawn,
    Purpose,
    RunLinked,
    SeverityChanged,
    Trigger,
    UsersSawIt,
)
from holdpoint.incident.messages import Asked, slug
from holdpoint.incident.phases import item_of
from holdpoint.incident.severity import RULES, WHEN_UNSURE, proposed, severity_of
from holdpoint.incident.timeline import timeline
from holdpoint.journal.record import as_json
from holdpoint.problem import Exit, HoldpointError, Problem, did_you_mean
from holdpoint.store import page_file
from holdpoint.views import incident_data
from holdpoint.views import incidents as view
from holdpoint.views.inert import inert
from holdpoint.views.next_steps import next_steps

# --- declare ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What the person who declares it says; empty, None or False where nothing was said."""

    title: str
    severity: str | None = None
    services: tuple[str, ...] = ()
    trigger: str = Trigger.USER.value
    at: str | None = None
    data_loss: bool = False
    users_see: bool | None = None
    channel: str = ""
    language: str | None = None


def declare(world: World, told: Told, *, send: bool = False) -> int:
    """Open an incident: its record, its checklist and clocks, and the text of the first message."""
    desk = Desk(world)
    title = one_line(told.title, "the title")
    services = tuple(dict.fromkeys(one_line(name, "the name of a service") for name in told.services))
    trigger, happened, language = _trigger(told.trigger), desk.at(told.at), desk.language(told.language)
    severity = _asked_severity(world, told) if told.severity is None else severity_of(told.severity)
    others = desk.open_ones()
    desk = Desk(world.ready(Kind.REAL), desk.root, desk.said)
    draft = Declared(
        incident="",
        title=title,
        severity=severity,
        services=services,
        trigger=trigger,
        happened=happened,
        data_loss=told.data_loss,
        users_see=told.users_see,
        language=language,
    )
    book, messages = opened(desk, draft, Asked(channel=told.channel))
    if not world.json:
        _show_declared(desk, book, messages, others)
    settled = [settle(desk, book, one, send=send, by_hand=False) for one in messages]
    if world.json:
        desk.told(book, "", {"messages_written": [one.message for one in messages]})
    else:
        texts = [said.text for one, said in zip(messages, settled, strict=True) if places(desk, one)]
        width = desk.screen.width
        desk.screen.lines(
            [
                *view.settled(texts, width),
                *next_steps(book.state, desk.set_up, width, desk.named(book.folder.name, book.state)),
            ]
        )
    return max(one.exit for one in settled)


def opened(desk: Desk, draft: Declared, asked: Asked, *also: Event) -> tuple[Book, list[MessageRendered]]:
    """Begin an incident of a draft, which gets its name and who is on call; with the messages that it asks for.

    `also` is recorded behind the declaration. The book is closed when this returns.
    """
    if RULES[draft.severity].working and (lacks := lacking(desk.team)):
        desk.warn(lacks)
    principal, backup = desk.on_call(draft.happened)
    folder = desk.world.state.new_incident(slug(draft.title), desk.now)
    with desk.begun(folder) as book:
        book.note(replace(draft, incident=folder.name, principal=principal, backup=backup))
        for event in also:
            book.note(event)
        messages = [render(desk, book, Purpose.FIRST, asked)]
        if draft.data_loss:
            messages.append(render(desk, book, Purpose.DATA_LOSS, Asked()))
    return book, messages


def _show_declared(desk: Desk, book: Book, messages: Sequence[MessageRendered], others: Sequence[view.Listed]) -> None:
    """Draw what was declared, its messages, and what is open besides."""
    width = desk.screen.width
    drawn = view.declaration(desk.listed(book.folder, book.state), book.state, width, desk.zone)
    for one in messages:
        drawn += view.message(one.text, one.message, one.channel, width)
    for other in others:
        drawn += view.also_open(other, width)
    desk.screen.lines(drawn)


def _trigger(text: str) -> Trigger:
    try:
        return Trigger(text.strip().lower())
    except ValueError:
        names = [one.value for one in Trigger]
        expected = ", ".join(f"`{name}`" for name in names)
        problem = Problem(
            "trigger", f"`{text[:40]}` triggers nothing", expected=expected, hint=did_you_mean(text, names)
        )
        raise HoldpointError(problem) from None


def _asked_severity(world: World, told: Told) -> Severity:
    """Ask for the severity; for whoever is unsure, propose one, the graver where an answer is not known."""
    if not world.interactive:
        hint = f"add `--severity 1`, `2` or `3`; {WHEN_UNSURE}"
        problem = Problem("no-severity", "nobody is at a terminal to say how grave it is", hint=hint)
        raise HoldpointError(problem, exit_code=Exit.NEEDS_PERSON)
    world.out.write("How grave is it?\n")
    for severity, rules in RULES.items():
        world.out.write(f"  {severity.value[-1]}  {rules.meaning}\n")
    while True:
        word = world.prompt("Type 1, 2 or 3, or Enter when unsure:").strip()
        if word.upper().removeprefix("SEV") in {"1", "2", "3"}:
            return severity_of(word)
        if not word:
            break
    down = _yes(world, "Is the service down completely? yes, no, or Enter when unsure:")
    loses = True if told.data_loss else _yes(world, "Is data being lost? yes, no, or Enter when unsure:")
    open_still = down is False and loses is False
    around = None if not open_still else _yes(world, "Is it one bug, with a workaround? yes, no, or Enter when unsure:")
    severity = proposed(down=down, loses_data=loses, works_around=around)
    while True:
        word = world.prompt(f"Proposed: {severity}. Enter takes it, or type 1, 2 or 3:").strip()
        if not word:
            return severity
        if word.upper().removeprefix("SEV") in {"1", "2", "3"}:
            return severity_of(word)


def _yes(world: World, question: str) -> bool | None:
    while (word := world.prompt(question).strip().lower()) not in {"", "yes", "no"}:
        pass
    return {"yes": True, "no": False}.get(word)


LOST = "lost"
"""The item that asks what is lost. Its answer is a text for people; that data is lost is a record of its own."""

# --- while it lasts ---------------------------------------------------------------------------------------------


def note(world: World, text: str, *, at: str | None, incident: str | None, data_loss: bool, users_see: bool) -> int:
    """Keep what somebody saw or did, and when it happened; it can also say that data is lost, or that users see it."""
    desk = Desk(world)
    said, happened = some_text(text, "the note"), desk.at(at)
    with desk.writing(desk.chosen(incident, something_left), open_only=False) as book:
        book.note(DataLossNoticed(said, happened) if data_loss else Noted(said, happened))
        if users_see:
            book.note(UsersSawIt(sees=True, happened=happened))
        messages = [render(desk, book, Purpose.DATA_LOSS, Asked())] if data_loss else []
    text = f"Noted in {book.folder.name}, as record {book.written[0].seq}."
    desk.show_messages(messages)
    settled = [settle(desk, book, one, send=False) for one in messages]
    return desk.told(book, "\n".join([text, *(one.text for one in settled)])) or max(
        [0, *(one.exit for one in settled)]
    )


def change_severity(world: World, to: str, *, reason: str, at: str | None, incident: str | None) -> int:
    """Make it graver or less grave; clocks and checklist follow."""
    desk = Desk(world)
    severity, why, happened = severity_of(to), reason_of(reason), desk.at(at)
    with desk.writing(desk.chosen(incident)) as book:
        was = book.state.severity
        if was is severity:
            raise HoldpointError(Problem("same-severity", f"incident `{book.folder.name}` is {was} already"))
        book.note(SeverityChanged(was, severity, why, happened))
    return desk.told(book, f"{book.folder.name} is {severity} now; it was {was}.")


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a person says of an item of the checklist. `undo` is why it is not done after all."""

    item: str
    say: str = ""
    evidence: str = ""
    undo: str | None = None
    at: str | None = None


def done(world: World, told: Ticked, *, incident: str | None) -> int:
    """Tick an item of the checklist, with what was found out and what shows it; or take the tick back."""
    desk = Desk(world)
    wanted, happened, undo = item_of(told.item), desk.at(told.at), told.undo
    said = told.say
    folder = desk.chosen(incident, something_left)
    if undo is None and wanted.asks and not said.strip():
        if not world.interactive or world.json:
            hint = f'`inv incident.done {wanted.id} --say "..."`'
            problem = Problem("nothing-said", f"`{wanted.id}` needs an answer: {wanted.title}", hint=hint)
            raise HoldpointError(problem)
        said = world.prompt(wanted.title)
    if said.strip() or (wanted.asks and undo is None):
        said = some_text(said, f"the answer to `{wanted.id}`")
    evidence = one_line(told.evidence, "the evidence") if told.evidence.strip() else ""
    with desk.writing(folder, open_only=False) as book:
        if undo is not None:
            if wanted.id not in book.state.done:
                raise HoldpointError(Problem("not-done", f"`{wanted.id}` is not ticked, so there is nothing to undo"))
            book.note(OutputWithdrawn(wanted.id, some_text(undo, "the reason"), happened))
        else:
            book.note(OutputRecorded(wanted.id, said, evidence, happened))
    left = book.state.missing(wanted.phase)
    rest = f"{wanted.phase.upper()} still needs {', '.join(f'`{one.id}`' for one in left)}." if left else ""
    over = "" if left or undo is not None else f"{wanted.phase.upper()} is complete."
    text = f"`{wanted.id}` is {'open again' if undo is not None else 'done'}. {rest}{over}".rstrip()
    if wanted.id == LOST and undo is None and not book.state.loses_data:
        text += (
            "\nNo loss of data is on record by that. Where data is lost: "
            f'`inv incident.note "..." --data-loss{desk.named(folder.name, book.state)}` tells management, and the 72 hours begin.'
        )
    return desk.told(book, text)


def link(world: World, run: str, *, incident: str | None) -> int:
    """Make a run that was begun without it part of an incident."""
    desk = Desk(world)
    folder, chosen = world.state.find(run), desk.chosen(incident, something_left)
    runbook = view.runbook_of(folder.name)
    with desk.writing(chosen, open_only=False) as book:
        if folder.name not in book.state.runs:
            book.note(RunLinked(folder.name, runbook))
    return desk.told(book, f"Run {folder.name} belongs to {chosen.name}.")


# --- list, show -------------------------------------------------------------------------------------------------


def list_all(world: World) -> int:
    """Every incident, the oldest first."""
    desk = Desk(world)
    known = desk.all()
    if world.json:
        desk.print_json([incident_data.as_data(one, one.state) for one in known])
    else:
        desk.screen.lines(view.listing(known, desk.screen.width, desk.zone))
    return Exit.OK


def show(world: World, incident: str | None, html: str | None = None) -> int:
    """One incident, whole, with what happened in its runs; into a page of its own, where a file is named."""
    desk = Desk(world)
    folder = desk.chosen(incident, something_left)
    records, state = state_of(folder)
    runs, unread = linked.records_of(world, tuple(state.runs), folder)
    of = view.Page(
        desk.listed(folder, state),
        state,
        timeline(records, runs),
        unread,
        desk.proposals(state, records),
        desk.named(folder.name, state),
    )
    if html is not None:
        _write_html(desk, of, Path(html))
    if world.json:
        data = {
            **incident_data.as_data(of.listed, state),
            "proposals": [incident_data.proposal_data(one) for one in of.proposals],
            "timeline": [incident_data.row_data(row) for row in of.rows],
            "unread": dict(unread),
            **({"html": html} if html is not None else {}),
        }
        desk.print_json({**data, "records": [as_json(record) for record in records]})
    elif html is None:
        desk.screen.lines(view.page(of, desk.screen.width, desk.zone))
    else:
        world.out.write(f"{inert(html)}: incident {folder.name}, on one page; it needs no network\n")
    return Exit.OK


def _write_html(desk: Desk, of: view.Page, file: Path) -> None:
    from holdpoint.views import incident_html  # noqa: PLC0415 - only where a page is written

    text = incident_html.page(of, desk.now, desk.zone)
    page_file.replace(file, text.encode("utf-8", "replace"), begins=incident_html.BEGINS.encode(), what="page")
