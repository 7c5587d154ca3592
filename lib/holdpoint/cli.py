"""The console script `holdpoint`, and `./inv` of a clone: Invoke's own program, with the exit codes of the contract.

Plain `inv` answers 1 where it refuses a command line; these two answer 2, so that 1 means a defect and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from invoke._version import __version__ as version_of_invoke
from invoke.exceptions import Exit as Ended
from invoke.exceptions import ParseError
from invoke.program import Program

from holdpoint import __version__
from holdpoint.app.ending import conclude
from holdpoint.problem import HoldpointError, Problem
from holdpoint.tasks import ns

_PASSES_ON = "test"
"""The task to which everything behind its name belongs."""


class Strict(Program):
    """Invoke's program, whose refusals are problems of ours."""

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002 - the name of the parent
        """Parse and execute `argv`; ends the process where `exit` is true, as its parent does."""
        code = conclude(lambda: self._run(argv), as_json="--json" in (argv or sys.argv))
        if exit:
            sys.exit(code)

    def _run(self, argv: list[str] | None) -> int:
        try:
            self.create_config()
            self._understand(argv)
            self.execute()
        except Ended as ended:
            if ended.message:
                sys.stderr.write(f"{ended.message}\n")
            return int(ended.code)
        return 0

    def _understand(self, argv: list[str] | None) -> None:
        """Find out what is wanted; `--list` and its like end here."""
        steps: tuple[Callable[[], Any], ...] = (
            lambda: self.parse_core(argv),
            self.parse_collection,
            self.parse_tasks,
            self.parse_cleanup,
            self.update_config,
        )
        try:
            for step in steps:
                step()
        except ParseError as error:
            raise HoldpointError(_refused(str(error), self.binary)) from error
        except Ended as ended:
            if ended.message:
                raise HoldpointError(_refused(ended.message, self.binary)) from ended
            raise


def _refused(message: str, binary: str) -> Problem:
    said = message[:1].lower() + message[1:]
    return Problem("usage", f"the command line was refused: {said}", hint=f"`{binary} --list` names every task")


def main() -> None:
    """`holdpoint`: the tasks of this package, anywhere."""
    sys.argv[1:] = passed_on(sys.argv[1:])
    Strict(namespace=ns, name="Holdpoint", binary="holdpoint", version=__version__).run()


def inv() -> None:
    """`./inv`: the tasks of the clone whose folder is the first argument."""
    root, *typed = sys.argv[1:]
    sys.argv[1:] = passed_on(typed)
    program = Strict(name="Invoke", binary="./inv", version=version_of_invoke)
    program.run([sys.argv[0], "--search-root", root, *sys.argv[1:]])


def passed_on(typed: list[str]) -> list[str]:
    """Put `--` behind `test`, so that what follows is pytest's and not looked at by Invoke."""
    if typed[:1] == [_PASSES_ON] and typed[1:2] != ["--"] and typed[1:] not in (["--help"], ["-h"]):
        return [_PASSES_ON, "--", *typed[1:]]
    return typed


if __name__ == "__main__":
    main()
