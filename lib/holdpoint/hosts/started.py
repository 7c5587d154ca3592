"""A program under way on a target with three streams of its own, whatever carries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ended:
    """Both streams are at their end. `code` is below zero for a signal, None where it is not known."""

    code: int | None


Event = tuple[str, bytes] | Ended
"""A piece of `stdout` or `stderr`, or the end."""


class Started(Protocol):
    """A program under way."""

    def send(self, data: bytes) -> None:
        """Send bytes to its standard input; one that is gone shows in its answer."""

    def next(self, patience: float) -> Event | None:
        """Give what came; None if nothing did in `patience` seconds. Raises `LinkFailed` where the link broke."""

    def exited(self) -> Ended | None:
        """How the program itself ended, though what it started may hold its streams still; None while it runs."""

    def complaint(self) -> str:
        """Give the end of what it printed on standard error and nobody took, in one line."""

    def close(self) -> None:
        """Let go; its standard input is at its end from then on."""
