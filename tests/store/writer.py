"""A process that writes a journal, for tests that kill it, block on it or look on: `python -m tests.store.writer`.

Reads commands, one a line, from its input, and answers each with a line once it is done.
"""

import sys
from pathlib import Path

from holdpoint.engine.ports import JournalFailed
from holdpoint.store.clock import SystemClock
from holdpoint.store.journal_file import JournalFile


def main():
    path, person = Path(sys.argv[1]), sys.argv[2]
    make = JournalFile.open if path.exists() else JournalFile.create
    with make(path, person, SystemClock()) as journal:
        print("ready", flush=True)
        for command in sys.stdin:
            kind, _, size = command.strip().partition(" ")
            try:
                print(journal.append(kind, {"text": "x" * int(size or 10)}).seq, flush=True)
            except JournalFailed as failure:
                print(f"failed: {failure}", flush=True)


if __name__ == "__main__":
    main()
