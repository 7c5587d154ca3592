"""The use case of the door that monitors send alerts to: each is taken as `inv alert` takes it, and shown as it comes.

An answer of 2xx means that it is durable. What may go better another time is 5xx, so that Alertmanager sends it again;
4xx, after which it does not, is only for what shows no alert.
"""

from __future__ import annotations

import json
import select
import shlex
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus

from holdpoint.app import alerts
from holdpoint.app.desk import Desk
from holdpoint.app.ending import kept_defect
from holdpoint.app.listening import LOOPBACK, Answer, Door, Limits, listening, port_of
from holdpoint.app.team import team_of
from holdpoint.app.world import World
from holdpoint.document.model import FromCommand, FromEnv, FromPrompt, Param, SecretSource, ValueType
from holdpoint.incident.alert_joining import Became
from holdpoint.incident.alert_reading import ALERTMANAGER
from holdpoint.incident.payload import LARGEST
from holdpoint.operators.interrupts import Interrupts
from holdpoint.problem import Exit, HoldpointError, Place, Problem, draw
from holdpoint.store import secrets
from holdpoint.store.alert_maps import maps
from holdpoint.views import alerts as view
from holdpoint.views.console import columns
from holdpoint.views.inert import inert
from holdpoint.views.lines import rule
from holdpoint.views.problems import as_data as problem_data

PORT = 9095
PATH = "/alert"
TOKEN = "HOLDPOINT_ALERT_TOKEN"  # noqa: S105 - the name of a variable
SHORTEST = 16
"""Characters of a token."""
_LATER = {"Retry-After": "10"}


def serve(world: World, *, port: str | None, token_from: str | None) -> int:
    """Take alerts until Ctrl-C or SIGTERM; what is being worked on then is finished."""
    number = port_of(port, PORT)
    token = _token(world, token_from)
    taker = _Taker(replace(world, alone=True))
    maps(team_of(Desk(world).root))  # a team.yaml that is wrong is said now, and not with the first alert
    door = Door(taker.work, taker.knows, token, Limits(LARGEST), taker.refused)
    with Interrupts() as interrupts:
        with listening(door, number) as at:
            taker.listens(at)
            select.select([interrupts], [], [])
        taker.say_in_words(f"no longer listening; {taker.taken} taken")
    return Exit.OK


def _token(world: World, text: str | None) -> str:
    """Get the token from its source. Raises `HoldpointError` where there is none, or one that is guessed too soon."""
    source = _source(text or f"env:{TOKEN}")
    param = Param("token", ValueType.SECRET, Place("--token-from", 0, 0), source=source, prompt="The token: ")
    token = secrets.resolve(param, environ=world.environ, prompt=world.prompt_secret).reveal()
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        expected = f"at least {SHORTEST} letters, digits and signs of ASCII, without blanks"
        hint = "`openssl rand -hex 32` makes one"
        raise HoldpointError(Problem("token", "this is no token to trust", expected=expected, hint=hint))
    return token


def _source(text: str) -> SecretSource:
    kind, _, rest = text.partition(":")
    with suppress(ValueError):
        match kind:
            case "env" if rest.strip():
                return FromEnv(rest.strip())
            case "command" if words := tuple(shlex.split(rest)):
                return FromCommand(words)
            case "prompt" if not rest:
                return FromPrompt()
            case _:
                pass
    found = f"`{kind[:20]}`" if kind in {"env", "command", "prompt"} else "something else"
    expected = "`env:NAME`, `command:pass show holdpoint/alert`, or `prompt`"
    hint = "the token itself stands on no command line, where every user of the machine reads it"
    raise HoldpointError(
        Problem("token-from", "this is no source of a token", found=found, expected=expected, hint=hint)
    )


@dataclass
class _Taker:
    """Takes what comes in, one after the other, and shows it."""

    world: World
    taken: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def knows(self, path: str) -> bool:
        """Whether something is taken at a path; where the team's file cannot be read now, anything may be."""
        if path == PATH:
            return True
        try:
            return path.startswith(f"{PATH}/") and self._map(path) in {ALERTMANAGER, *maps(team_of(self._desk().root))}
        except HoldpointError:
            return True

    def work(self, path: str, body: bytes) -> Answer:
        with self._turn:
            try:
                return self._work(path, body)
            except Exception as error:  # noqa: BLE001 - a defect is kept, said, and answered so that it is sent again
                return self._failed((kept_defect(error),), HTTPStatus.INTERNAL_SERVER_ERROR)

    def _work(self, path: str, body: bytes) -> Answer:
        try:
            by = self._map(path)
            if by not in (None, ALERTMANAGER):
                team_of(self._desk().root)
            desk = self._desk(by or ALERTMANAGER)
            came = alerts.understood(desk, body, by=by)
        except HoldpointError as error:
            wrong = all(one.code in {"payload", "payload-size", "no-alerts"} for one in error.problems)
            return self._failed(error.problems, HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            taken = alerts.take(desk, came)
        except HoldpointError as error:
            return self._failed(error.problems, HTTPStatus.SERVICE_UNAVAILABLE)
        except OSError as error:
            problem = Problem("system", f"the system refused: {(error.strerror or str(error)).lower()}")
            return self._failed((problem,), HTTPStatus.SERVICE_UNAVAILABLE)
        self.taken += 1
        self._show(desk, taken)
        return Answer(HTTPStatus.OK, {"became": taken.told.became.value, "incident": _name(taken)})

    def _desk(self, source: str = ALERTMANAGER) -> Desk:
        """A desk of this moment: a team's file and runbooks may have changed since the last alert."""
        return Desk(alerts.watching(self.world, source))

    @staticmethod
    def _map(path: str) -> str | None:
        return path.removeprefix(PATH).removeprefix("/") or None

    # --- saying it

    def listens(self, port: int) -> None:
        address = f"http://{LOOPBACK}:{port}{PATH}"
        if self.world.json:
            self._print({"listening": address})
        self.say_in_words(f"listening on {address}; Ctrl-C ends it")

    def say_in_words(self, text: str) -> None:
        self._quietly(lambda: (self.world.out.write(f"{inert(text)}\n"), self.world.out.flush()))

    def refused(self, answer: Answer, sender: str) -> None:
        """Say that a request was refused before it was looked at."""
        message = answer.data["problems"][0]["message"]
        self.say_in_words(f"refused {sender}: {int(answer.status)} {answer.status.phrase}: {message}")

    def _failed(self, problems: tuple[Problem, ...], status: HTTPStatus) -> Answer:
        again = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        rest = "it is to be sent again" if again else "it is not recorded"
        self.say_in_words(f"NOT TAKEN: {int(status)} {status.phrase}; {rest}")
        for problem in problems:
            self.say_in_words(draw(problem, columns(self.world.out, self.world.environ)))
        return Answer(status, {"problems": [problem_data(one) for one in problems]}, _LATER if again else {})

    def _show(self, desk: Desk, taken: alerts.Taken) -> None:
        if self.world.json:
            self._print(alerts.as_data(desk, taken))
            return
        if taken.book is not None and taken.told.became is Became.AGAIN:
            again = view.again(taken.told, taken.book.state, desk.screen.width)
            self._quietly(partial(desk.screen.lines, again))
            return
        heading = f"{desk.now.astimezone(desk.zone):%Y-%m-%d %H:%M:%S %Z}"
        self._quietly(partial(desk.screen.lines, [rule(desk.screen.width, text=heading)]))
        self._quietly(partial(alerts.show, desk, taken))

    def _print(self, data: object) -> None:
        self._quietly(lambda: (sys.stdout.write(json.dumps(data) + "\n"), sys.stdout.flush()))

    @staticmethod
    def _quietly(write: Callable[[], object]) -> None:
        """A screen that is gone hinders no alert."""
        with suppress(OSError, ValueError):
            write()


def _name(taken: alerts.Taken) -> str | None:
    return taken.book.folder.name if taken.book else None
