"""Records, each durable before the next: `journal.py FOLDER COUNT ours|plain|sqlite`. All keep the same bytes."""

import itertools
import os
import sqlite3
import sys
from pathlib import Path

from serving import serve

from holdpoint.store.clock import SystemClock
from holdpoint.store.journal_file import JournalFile

DATA = {"key": "space@web1", "status": "ok", "reason": "", "exit": 0, "values": {"used": "91"}, "output": 2}


def main():
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    make = {"ours": ours, "plain": plain, "sqlite": sqlite}[sys.argv[3]]
    names = (folder / f"{sys.argv[3]}-{number}" for number in itertools.count())
    serve(lambda: make(next(names), count))


def ours(file, count):
    with JournalFile.create(file, "ada", SystemClock()) as journal:
        for _ in range(count):
            journal.append("step.finished", DATA)


def line():
    """A line as long as a record of ours."""
    return b'{"data":' + repr(DATA).encode() + b"," + b"x" * 240 + b"}\n"


def plain(file, count):
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    text = line()
    for _ in range(count):
        os.write(handle, text)
        os.fdatasync(handle)
    os.close(handle)


def sqlite(file, count):
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE records (line BLOB)")
    text = line()
    for _ in range(count):
        connection.execute("INSERT INTO records VALUES (?)", (text,))
    connection.close()


main()
