"""Where a team is reached from outside, as its `team.yaml` says: channels for messages, the banner, the tracker.

Owns the form of these three parts. No secret stands in the document: it names the places that secrets come from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import cast

from yaml.events import Event

from holdpoint.document import duration
from holdpoint.document.model import FromCommand, FromEnv
from holdpoint.document.source import Lines
from holdpoint.document.yaml import Map, Seq, place
from holdpoint.problem import Place, Problem

WITHIN = timedelta(seconds=30)
"""How long one destination may take, where the team says nothing else."""
FILED_WITHIN = timedelta(minutes=1)
"""How long the filing of an issue may take, with all that is looked for before."""
LONGEST = timedelta(minutes=5)
_PASSWORD = re.compile(r"://[^/?@\s\"']*:[^/?@\s\"']+@|[?&](?:pass|password|token)=")


class Audience(StrEnum):
    """Who a message is for."""

    OPS = "ops"
    MANAGEMENT = "management"
    EVERYBODY = "everybody"


Source = FromCommand | FromEnv
"""Where a secret comes from."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One place that messages go to, by an address of Apprise. `name` is what records and screens have of it."""

    name: str
    address: str | Source
    place: Place
    within: timedelta = WITHIN
    """After so long an answer is not waited for any more."""


@dataclass(frozen=True, slots=True)
class BannerPlace:
    """Where the banner of a status page is: a file, a command that is told, or both; the file is empty where there is none."""

    file: str = ""
    run: tuple[str, ...] = ()
    within: timedelta = WITHIN
    """How long the command may take."""


class Forge(StrEnum):
    """What kind of tracker it is."""

    FORGEJO = "forgejo"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Tracker:
    """Where issues are filed. `milestone` is a title, `next` for the open one that is due first, or empty."""

    kind: Forge
    url: str
    repository: str
    token: Source
    place: Place
    labels: tuple[str, ...] = ("bug", "low")
    milestone: str = ""
    within: timedelta = FILED_WITHIN


@dataclass(frozen=True, slots=True)
class Outside:
    """What a team has of them; a channel that is not named has no destinations."""

    channels: Mapping[Audience, tuple[Destination, ...]] = field(default_factory=dict)
    banner: BannerPlace | None = None
    tracker: Tracker | None = None

    def to(self, audience: Audience) -> tuple[Destination, ...]:
        return self.channels.get(audience, ())

    @property
    def secret_names(self) -> frozenset[str]:
        """The variables of the environment that hold its secrets."""
        every = [one.address for to in self.channels.values() for one in to]
        every += [self.tracker.token] if self.tracker else []
        return frozenset(one.name for one in every if isinstance(one, FromEnv))


def read(tree: Map, lines: Lines) -> tuple[Outside, tuple[Problem, ...]]:
    """Read the three parts of a tree that fits the schema, and say what is wrong with them."""
    reading = _Reading(lines)
    outside = Outside(
        reading.channels(tree.get("channels")), reading.banner(tree.get("banner")), reading.tracker(tree.get("tracker"))
    )
    return outside, tuple(reading.problems)


class _Reading:
    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.problems: list[Problem] = []

    def channels(self, tree: object) -> Mapping[Audience, tuple[Destination, ...]]:
        if not isinstance(tree, Map):
            return {}
        found: dict[Audience, tuple[Destination, ...]] = {}
        for audience, entries in tree.items():
            named: dict[str, Destination] = {}
            for one in cast("list[Map]", entries):
                name = str(one["name"])
                if name in named:
                    self._say("twice", f"`{name}` is given twice in `{audience}`", one.marks["name"])
                named[name] = self._destination(one)
            found[Audience(audience)] = tuple(named.values())
        return found

    def _destination(self, one: Map) -> Destination:
        source, url = _source(one.get("from")), str(one.get("url", ""))
        if (source is None) == (not url):
            message = "a destination has both `from` and `url`" if url else "a destination has neither `from` nor `url`"
            hint = "`from: {env: NAME}` where the address holds a secret, else `url:`"
            self._say("address", message, one.marks["name"], hint=hint)
        if _PASSWORD.search(url):
            message = "this address holds a password, and a secret stands in no file"
            hint = "`from: {env: NAME}` or `from: {command: [...]}` takes it from where secrets are"
            self._say("secret-value", message, one.marks["url"], hint=hint)
        at = place(self.lines, one.marks["name"])
        return Destination(str(one["name"]), source or url, at, self._within(one))

    def _within(self, one: Map, default: timedelta = WITHIN) -> timedelta:
        if "within" not in one:
            return default
        within = duration.parse(str(one["within"]))
        if not timedelta(0) < within <= LONGEST:
            expected = f"more than nothing, and at most {duration.show(LONGEST)}"
            self._say("within", "this is no time to wait for an answer", one.marks["within"], expected=expected)
        return within

    def banner(self, tree: object) -> BannerPlace | None:
        if not isinstance(tree, Map):
            return None
        run = tree.get("run")
        command = tuple(str(word) for word in run) if isinstance(run, Seq) else ()
        file = str(tree.get("file", ""))
        if not file and not command:
            self._say("banner", "a banner has neither `file` nor `run`", tree.mark, expected="one of them, or both")
        return BannerPlace(file, command, self._within(tree))

    def tracker(self, tree: object) -> Tracker | None:
        if not isinstance(tree, Map):
            return None
        kind = Forge(str(tree["kind"]))
        url = str(tree.get("url", "https://github.com" if kind is Forge.GITHUB else ""))
        if not url:
            self._say("tracker", "a Forgejo has a `url`", tree.marks["kind"], expected="`url: https://git.example.org`")
        token = _source(tree["token"]) or FromEnv("")
        labels = tree.get("labels")
        names = tuple(str(one) for one in labels) if isinstance(labels, Seq) else ("bug", "low")
        at = place(self.lines, tree.marks["repository"])
        milestone = str(tree.get("milestone", ""))
        return Tracker(
            kind,
            url.rstrip("/"),
            str(tree["repository"]),
            token,
            at,
            names,
            milestone,
            self._within(tree, FILED_WITHIN),
        )

    def _say(self, code: str, message: str, mark: Event, *, expected: str = "", hint: str = "") -> None:
        at = place(self.lines, mark)
        if _PASSWORD.search(at.text):
            at = replace(at, text="")  # the line would show it
        self.problems.append(Problem(code, message, at, expected=expected, hint=hint))


def _source(tree: object) -> Source | None:
    if not isinstance(tree, Map):
        return None
    if "command" in tree:
        return FromCommand(tuple(str(word) for word in cast("Seq", tree["command"])))
    return FromEnv(str(tree["env"]))
