"""The issue that a SEV3 becomes: filed in the team's tracker over its API, or printed for pasting.

It carries an invisible mark with the incident's name, and a tracker is searched for that before anything is filed; so
an issue whose filing was cut off is found, and not filed twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from holdpoint.app.desk import Book, Desk, some_text, something_left
from holdpoint.app.sending import busy, note_again, secret_of
from holdpoint.app.world import World
from holdpoint.incident.effects import Standing
from holdpoint.incident.messages import Asked, words
from holdpoint.incident.outside_events import IssueFailed, IssueFiled, IssueFiling
from holdpoint.incident.state import State
from holdpoint.oncall.outside import Tracker
from holdpoint.outside import job
from holdpoint.problem import Exit, HoldpointError, Problem
from holdpoint.store.crash import crash_point
from holdpoint.views import sending as view

_EARLIER = timedelta(days=1)
"""How much before the incident issues are looked for: clocks differ, and what is noticed late is written down late."""


@dataclass(frozen=True, slots=True)
class _Draft:
    title: str
    body: str

    @property
    def text(self) -> str:
        return f"{self.title}\n\n{self.body}"


def file(world: World, *, say: str, send: bool, language: str | None, incident: str | None) -> int:
    """Show the issue of an incident and, after a yes or with `send`, file it; without a tracker it is for pasting."""
    desk = Desk(world)
    said = some_text(say, "`--say`") if say.strip() else ""
    speaks = desk.language(language) if language else None
    folder = desk.chosen(incident, something_left)
    with desk.writing(folder, open_only=False) as book:
        _refuse_twice(desk, book)
        draft = _draft(desk, book.state, said, speaks)
    tracker = desk.team.outside.tracker
    where = f"{tracker.url}/{tracker.repository}" if tracker else ""
    labels = tracker.labels if tracker else ("bug", "low")
    if not world.json:
        desk.screen.lines(view.issue_draft(draft.title, draft.body, labels, where, desk.screen.width))
    more = {"title": draft.title, "body": draft.body, "labels": list(labels)}
    paste = "`inv incident.done issue --evidence URL` once it is filed."
    if tracker is None:
        text = f"`team.yaml` names no tracker, so nothing is filed: paste it. {paste}"
        return desk.told(book, text, more) or (Exit.FAILED if send else Exit.OK)
    if not send and not _agreed(desk, where):
        return desk.told(book, f"Nothing is filed. `inv incident.issue --send` files it; {paste}", more)
    code = _filed(desk, book, tracker, where, draft)
    return desk.told(book, _told(book.state, paste), more) or code


def _refuse_twice(desk: Desk, book: Book) -> None:
    """Raise where the issue is there, or is being filed by somebody else."""
    issue = book.state.issue
    if issue is None:
        return
    if issue.url:
        hint = "what is new is better written there"
        raise HoldpointError(Problem("filed-already", f"the issue is there: {issue.url}", hint=hint))
    if issue.effect.now(desk.now) is Standing.BEGUN:
        raise busy(desk, f"the issue is being filed by {issue.effect.person}", issue.effect)


def _draft(desk: Desk, state: State, said: str, language: str | None) -> _Draft:
    speaks = language or state.opening.language
    rendered = desk.texts.render("issue", speaks, words(state, "issue", Asked(said), desk.now, desk.zone))
    if rendered.warning:
        desk.warn(rendered.warning)
    title, _, body = rendered.text.partition("\n")
    return _Draft(title, body.strip("\n"))


def _agreed(desk: Desk, where: str) -> bool:
    if not desk.world.interactive or desk.world.json:
        return False
    word = ""
    with suppress(HoldpointError):  # nobody answers: nothing is filed
        while word not in {"send", "later"}:
            word = desk.world.prompt(f"It goes to {where}, exactly as shown.\nType `send`, or `later`:").strip().lower()
    return word == "send"


def _filed(desk: Desk, book: Book, tracker: Tracker, where: str, draft: _Draft) -> int:
    """File it: on record before, and after."""
    try:
        token = secret_of(desk, "token", tracker.token, tracker.place)
    except HoldpointError as error:
        note_again(
            desk, book, IssueFiling(where, draft.text, 0, desk.now), IssueFailed(error.problems[0].message, desk.now)
        )
        return Exit.FAILED
    with desk.writing(book.folder, open_only=False) as fresh:
        _refuse_twice(desk, fresh)
        fresh.note(IssueFiling(where, draft.text, ceil(tracker.within.total_seconds()), desk.now))
    book.state = fresh.state
    book.written += fresh.written
    crash_point("issue:begun")
    mark = f"<!-- holdpoint incident {book.folder.name} -->"
    since = book.state.opening.happened - _EARLIER
    asked = {
        "tracker": tracker.kind.value,
        "url": tracker.url,
        "repository": tracker.repository,
        "token": token,
        "labels": list(tracker.labels),
        "milestone": tracker.milestone,
        "mark": mark,
        "since": f"{since:%Y-%m-%dT%H:%M:%SZ}",
        "title": draft.title,
        "body": f"{draft.body}\n\n{mark}\n",
    }
    outcome = job.carry_out("issue", asked, environ=desk.world.environ, within=tracker.within, secrets=(token,))
    crash_point("issue:answered")
    match outcome:
        case job.Done(data):
            lacking = ", ".join(f"`{name}`" for name in data["lacking"])
            if lacking:
                desk.warn(f"the issue does not have {lacking}: the token may not set labels; set them by hand")
            how = "found there by its mark" if data["found"] else "over the API"
            note_again(desk, book, IssueFiled(str(data["url"]), how, desk.now))
            return Exit.OK
        case job.Failed(why, doubt):
            note_again(desk, book, IssueFailed(why, desk.now, doubt))
            return Exit.UNKNOWN if doubt else Exit.FAILED


def _told(state: State, paste: str) -> str:
    issue = state.issue
    if issue is None or issue.url:
        return f"The issue is filed: {issue.url if issue else ''}"
    if issue.effect.standing is Standing.IN_DOUBT:
        return f"It is IN DOUBT whether the issue is filed: {issue.effect.why}. `inv incident.issue` looks for it before it files anything."
    return f"The issue is NOT filed: {issue.effect.why}. `inv incident.issue` tries again; or paste it, and {paste}"
