"""Ours: every runbook of a library, read, validated against the schema, and made sense of. `fits` leaves the last out."""

import sys
from pathlib import Path

from serving import serve

from holdpoint.document.fitting import fitting
from holdpoint.document.source import Source
from holdpoint.store.library import Library, schema


def main():
    folder = Path(sys.argv[1]) / "runbooks"
    serve(lambda: fits(folder) if sys.argv[2:] == ["fits"] else loads(folder))


def loads(folder):
    books, problems = Library((folder,)).load_all()
    if problems or not books:
        raise RuntimeError(f"{len(books)} runbooks: {problems[:1]}")


def fits(folder):
    for file in sorted(folder.iterdir()):
        fitting(Source(file.name, file.read_bytes()), schema())


main()
