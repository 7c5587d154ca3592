"""Something that is being opened, in a thread, so that who waits for it can ask what the person wants meanwhile.

To dial a host, or to find that a connection is silent, takes up to a minute; nobody is to wait so long for an answer to
Ctrl-C. What is not wanted any more is closed, now or once it is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

from holdpoint.engine.ports import Watch, Wish

ASK_EVERY = 0.05


class Closing(Protocol):
    """What can be let go of."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closing)


def opened(begin: Callable[[], C], watch: Watch, leaves: Collection[Wish]) -> C | None:
    """Give what `begin` gives, or None where the person wished for one of `leaves` before. Raises what `begin` raises."""
    opening = _Opening(begin)
    while not opening.over(ASK_EVERY):
        if watch.wish() in leaves:
            opening.give_up()
            return None
    return opening.given()


class _Opening(Generic[C]):
    """One that is under way."""

    def __init__(self, begin: Callable[[], C]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._given_up = False
        self._given: C | None = None
        self._failure: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def over(self, patience: float) -> bool:
        return self._done.wait(patience)

    def given(self) -> C:
        if self._given is None:
            raise self._failure or RuntimeError("it was given up")
        return self._given

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._given is not None:
                self._given.close()

    def _run(self) -> None:
        try:
            given = self._begin()
        except BaseException as failure:  # noqa: BLE001 - raised again where it is waited for
            self._failure = failure
        else:
            with self._lock:
                self._given = given
                if self._given_up:
                    given.close()
        self._done.set()
