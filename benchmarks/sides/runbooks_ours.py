"""Ours: every runbook of a library, read, validated against the schema, and made sense of."""

import sys
from pathlib import Path

from serving import serve

from holdpoint.store.library import Library


def main():
    library = Library((Path(sys.argv[1]) / "runbooks",))

    def once():
        books, problems = library.load_all()
        if problems or not books:
            raise RuntimeError(f"{len(books)} runbooks: {problems[:1]}")

    serve(once)


main()
