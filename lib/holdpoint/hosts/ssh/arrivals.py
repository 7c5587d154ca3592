"""What arrived in one stream of a channel and was not taken yet: packets as they came, joined when they are taken.

Takes the place of paramiko's buffer, which copies every byte twice more and moves what is left at each reading. As
there, one thread feeds it and another one reads; the window of the channel bounds what it holds.
"""

from __future__ import annotations

import threading
from collections import deque


class Arrivals:
    """What paramiko asks of a channel's buffer. Rings `bell` whenever something comes, or nothing more will."""

    def __init__(self, bell: threading.Event) -> None:
        self._bell = bell
        self._packets: deque[bytes] = deque()

    def __len__(self) -> int:
        return sum(map(len, tuple(self._packets)))

    def feed(self, data: bytes) -> None:
        if data:  # nothing at all would be taken for the end
            self._packets.append(data)
            self._bell.set()

    def read_ready(self) -> bool:
        return bool(self._packets)

    def read(self, nbytes: int, timeout: float | None = None) -> bytes:
        """Give whole packets: so many bytes at most, though one packet at least, unless none is there."""
        del timeout
        taken: list[bytes] = []
        left = nbytes
        while self._packets and (not taken or len(self._packets[0]) <= left):
            taken.append(self._packets.popleft())
            left -= len(taken[-1])
        return b"".join(taken)

    def empty(self) -> bytes:
        return self.read(len(self))

    def close(self) -> None:
        self._bell.set()
