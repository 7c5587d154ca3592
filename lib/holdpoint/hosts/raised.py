"""Becoming another user through `sudo -n`, and what it means where that is refused, or where the agent does not start."""

from __future__ import annotations

import re
from typing import Protocol

from holdpoint.hosts.agent import Channel, LinkFailed, LinkRefused

GREETING = b"HOLDPOINT "
NOISE = 2000
USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?", re.ASCII)


def user_name(become: str) -> str:
    """Give the user's name if it is one. Raises `LinkRefused`."""
    if USER.fullmatch(become) is None:
        raise LinkRefused(f"`{become}` is no name of a user")
    return become


def refused(complaint: str, host: str, become: str) -> str:
    """Say what a complaint of sudo means and what to do; empty where it is none."""
    if "sudo:" not in complaint and "sudo" not in complaint.partition(":")[0]:
        if "sudo" in complaint and "not found" in complaint:
            return f"`sudo` is not installed on `{host}`, so nobody can become `{become}`: install it, or log in as `{become}`"
        return ""
    if "password" in complaint or "not allowed" in complaint or "not in the sudoers" in complaint:
        return (
            f"`sudo -n` on `{host}` as `{become}` asks for a password, or does not allow it: allow it with NOPASSWD in "
            f"sudoers, or log in as `{become}`"
        )
    if "not found" in complaint:
        return (
            f"`sudo` is not installed on `{host}`, so nobody can become `{become}`: install it, or log in as `{become}`"
        )
    return f"`sudo -n` on `{host}` as `{become}` was refused: {complaint}"


def with_remedy(complaint: str) -> str:
    """Give a complaint of what was to start a shell, with what to do where that is known."""
    if "restricted" not in complaint:
        return complaint
    return (
        f"{complaint}. The log-in shell there is restricted, and lets nothing be started: give the account a shell that "
        "is not (`chsh`), or log in as another user (`User` in ~/.ssh/config)"
    )


class Complaining(Channel, Protocol):
    """A channel that can say what came on standard error."""

    def complaint(self) -> str: ...


class AgentChannel:
    """The agent's channel; says why the agent did not start, where it did not."""

    def __init__(self, channel: Complaining, name: str, become: str | None) -> None:
        self._channel = channel
        self._name = name
        self._become = become
        self._heard = False
        self._noise = b""

    def send(self, data: bytes) -> None:
        self._channel.send(data)

    def receive(self, patience: float) -> bytes | None:
        data = self._channel.receive(patience)
        if data == b"" and not self._heard:
            complaint = " ".join([*self._noise.decode("utf-8", "replace").split(), self._channel.complaint()]).strip()
            if self._become is not None and (why := refused(complaint, self._name, self._become)):
                raise LinkRefused(why)
            raise LinkFailed(
                f"the agent did not start on `{self._name}`: {with_remedy(complaint) or 'it ended at once'}"
            )
        if data and not self._heard:
            self._noise = (self._noise + data)[-NOISE:]
            self._heard = GREETING in self._noise
        return data

    def close(self) -> None:
        self._channel.close()
