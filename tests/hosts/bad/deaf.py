"""Ignores TERM, HUP and INT, notes its id in the file it is given, and never ends."""

import os
import signal
import sys

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\n")
print("ready", flush=True)
while True:
    signal.pause()
