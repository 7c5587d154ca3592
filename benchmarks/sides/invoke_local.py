"""Invoke's runner as it comes: `context.run`, hidden."""

import sys

from invoke import Context
from serving import serve


def main():
    count, text = int(sys.argv[1]), sys.argv[2]
    context = Context()

    def once():
        for _ in range(count):
            context.run(text, hide=True)

    serve(once)


main()
