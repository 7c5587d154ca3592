"""What is told, written and done about an incident, mostly after its end: notices, the post-mortem, action items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class AuthorityTold:
    """One of several notices to the data protection authority; the item `authority` is the last. `late` is why so late."""

    kind: ClassVar[str] = "authority.told"
    what: str
    late: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class CodeBugFound:
    """The cause is a bug in code of one's own."""

    kind: ClassVar[str] = "bug.found"
    happened: datetime


@dataclass(frozen=True, slots=True)
class PostMortemNamed:
    """The file of the post-mortem in the repository, from now on."""

    kind: ClassVar[str] = "postmortem.named"
    path: str


@dataclass(frozen=True, slots=True)
class PostMortemAsked:
    """It is to have a post-mortem although its severity asks for none."""

    kind: ClassVar[str] = "postmortem.asked"
    why: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class PostMortemPublished:
    """The post-mortem is published; `digest` is the SHA-256 of what it says."""

    kind: ClassVar[str] = "postmortem.published"
    path: str
    digest: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class ActionAdded:
    """An action item. `number` counts from 1 within the incident; `about` names the incidents of a strategic one."""

    kind: ClassVar[str] = "action.added"
    number: int
    title: str
    owner: str
    due: date
    happened: datetime
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionChanged:
    """It is another person's, or due on another day, or reads differently; all three as they are now."""

    kind: ClassVar[str] = "action.changed"
    number: int
    title: str
    owner: str
    due: date
    reason: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class ActionClosed:
    """It is done, as `evidence` shows; or it was given up, for the reason `dropped`. One of the two is empty."""

    kind: ClassVar[str] = "action.closed"
    number: int
    evidence: str
    dropped: str
    happened: datetime


@dataclass(frozen=True, slots=True)
class ActionReopened:
    kind: ClassVar[str] = "action.reopened"
    number: int
    reason: str
    happened: datetime


Afterwards = (
    AuthorityTold
    | CodeBugFound
    | PostMortemNamed
    | PostMortemAsked
    | PostMortemPublished
    | ActionAdded
    | ActionChanged
    | ActionClosed
    | ActionReopened
)
"""What is told, written and done about it, mostly after its end."""
