"""Leaves children: one in its group, one in a session of its own, one of those deaf; notes their ids and ends."""

import os
import signal
import sys


def child(*, session: bool, deaf: bool) -> None:
    reading, writing = os.pipe()
    if os.fork() == 0:
        if session:
            os.setsid()
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(sys.argv[1], "a") as file:
            file.write(f"{os.getpid()}\n")
        os.write(writing, b"x")
        if session:
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(null, descriptor)
        while True:
            signal.pause()
    os.read(reading, 1)


child(session=False, deaf=False)
child(session=True, deaf=False)
child(session=True, deaf=True)
print("left three", flush=True)
if sys.argv[2:] == ["stay"]:
    while True:
        signal.pause()
