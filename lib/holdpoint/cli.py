"""The console script `holdpoint`, and `./inv` of a clone: Invoke's own program, with the exit codes of the contract.

Plain `inv` answers 1 where it refuses a command line; these two answer 2, so that 1 means a defect and nothing else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke._version import __version__ as version_of_invoke
from invoke.collection import Collection
from invoke.exceptions import Exit as Ended
from invoke.exceptions import ParseError
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser
from invoke.program import Program

from holdpoint import __version__
from holdpoint.app.ending import conclude
from holdpoint.app.typed import bare
from holdpoint.problem import HoldpointError, Problem, did_you_mean
from holdpoint.tasks import ns

_PASSES_ON = "test"
"""The task to which everything behind its name belongs."""
_UNKNOWN = re.compile(r"No idea what ['\"](.*)['\"] is!", re.DOTALL)
_MISSING = re.compile(r"'(.*)' did not receive required positional arguments: '([^']*)'")
_VALUE = re.compile(r"Flag <Argument: ([\w-]+).*> (needed value|doesn't take any value)")
_POSITIONALS = {
    "name": ("the name of a runbook", "disk-full"),
    "run": ("the name of a run, or `last`", "last"),
    "text": ("a text in quotes", '"No space left on device"'),
    "title": ("a title in quotes", '"the wiki is down"'),
    "severity": ("a severity", "1"),
    "file": ("the name of a file", "wiki.incident"),
    "item": ("an item of the checklist", "scope"),
    "action": ("the id of an action item", "a1b2-1"),
    "what": ("a text in quotes", '"40 people are concerned"'),
}
"""What is expected in each place, and an example."""


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

    def print_help(self) -> None:
        """Say how it is used, and every task in one line; Invoke's own would list only options of Invoke's."""
        from holdpoint.views.console import Screen  # noqa: PLC0415 - only for help
        from holdpoint.views.lines import clip, line  # noqa: PLC0415 - as above

        if not hasattr(self, "collection"):
            self.load_collection()
        screen = Screen(sys.stdout)
        offered = [(_written(self.collection, name), name) for name in self.collection.task_names]
        offered.sort(key=lambda pair: (_GROUPS.get(pair[1].partition(".")[0], _OTHERS), pair[1] not in _DEFAULTS))
        column = max((len(written) for written, _ in offered if len(written) <= _WIDEST), default=0)
        lines = [
            f"Usage: {self.binary} TASK [NAME] [--option VALUE ...]",
            f"`{self.binary} --help TASK` shows what a task takes.",
            "",
        ]
        for written, name in offered:
            told = (self.collection[name].__doc__ or "").strip().partition("\n")[0]
            lines.append(f"  {written:<{column}}  {told}")
        screen.lines(line(clip(one, screen.width)) for one in lines)

    def _make_parser(self) -> Parser:
        """Invoke's, for the tasks that were typed alone: it copies all that it knows, and most of a start went into that."""
        typed = {*self.core.unparsed, self.args.help.value}
        contexts = [
            ParserContext(name=name, aliases=more, args=self.collection[name].get_arguments())
            for name, more in self.collection.task_names.items()
            if self.args.complete.value or not typed.isdisjoint((name, *more))
        ]
        return Parser(initial=self.initial_context, contexts=contexts)

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
            raise HoldpointError(self._refused(str(error), error.context)) from error
        except Ended as ended:
            if ended.message:
                raise HoldpointError(self._refused(ended.message, None)) from ended
            raise

    # --- what was wrong with a command line, in words of ours ---

    def _refused(self, message: str, context: ParserContext | None) -> Problem:
        if match := _UNKNOWN.fullmatch(message):
            token, task = match[1], context.name if context else None
            if token.startswith("-"):
                return self._no_option(token, context)
            return self._no_task(token) if context is None or task is None else self._extra(token, context)
        if match := _MISSING.fullmatch(message):
            return self._missing(match[1], match[2])
        if match := _VALUE.match(message):
            option = match[1].replace("_", "-")
            if match[2] == "needed value":
                return bare(option, context.name or "" if context else "")
            return Problem("usage", f"`--{option}` takes no value", hint="it stands alone; without it, it is off")
        said = message[:1].lower() + message[1:]
        return Problem("usage", f"the command line was refused: {said}", hint=self._all_tasks())

    def _no_task(self, token: str) -> Problem:
        from holdpoint.app.repository import repository  # noqa: PLC0415 - only after an error
        from holdpoint.store.library import Library  # noqa: PLC0415 - as above

        books = Library.of(repository(Path.cwd())).names()
        if token in books:
            hint = f"there is a runbook of that name: `{self.binary} runbook {token}`"
        else:
            meant = did_you_mean(token, books).replace("mean `", "mean `runbook ")
            hint = did_you_mean(token, self._tasks()) or meant
        return Problem("usage", f"there is no task `{token}`", hint=hint or self._all_tasks())

    def _no_option(self, token: str, context: ParserContext | None) -> Problem:
        if context is None or context.name is None:
            hint = f"options of a task stand behind it: `{self.binary} runbook NAME --check`"
            return Problem("usage", f"there is no option `{token}` without a task", hint=hint)
        task = _called(context.name)
        written = token.lstrip("-").partition("=")[0]  # the dashes are no likeness
        near = did_you_mean(written, [flag[2:] for flag in context.flags if flag.startswith("--")])
        shows = f"`{self.binary} --help {task}` shows those there are"
        if near:
            hint = near.replace("`", "`--", 1)
        elif "--param" in context.flags and token.startswith("--"):
            hint = f"is it a value of the runbook? Then write `--param {written}=VALUE`; {shows}"
        else:
            hint = shows
        return Problem("usage", f"`{task}` has no option `{token}`", hint=hint)

    def _extra(self, token: str, context: ParserContext) -> Problem:
        """A word too many behind a task; Invoke would take it for another one."""
        swallowed = next((str(one.value) for one in context.positional_args if str(one.value).startswith("-")), "")
        if swallowed:
            return self._no_option(swallowed, context)
        task = _called(str(context.name))
        given = next((one for one in context.positional_args), None)
        if "--param" in context.flags and "=" in token:
            hint = f"each value has an option of its own: `--param {token}`"
        elif given is not None and given.name in _SENTENCES:
            hint = f'a text of several words stands in quotes: `{self.binary} {task} "..."`'
        elif meant := _meant(token, context):
            hint = f"write `{self.binary} {task} {f'{given.value} ' if given else ''}{meant}`"
        else:
            hint = did_you_mean(token, self._tasks()) or f"`{self.binary} --help {task}` shows what it takes"
        if context.positional_args:
            expected = f"one {context.positional_args[0].name}, then options"
        else:
            expected = "options alone"
        return Problem("usage", f"`{task}` does not take the word `{token}`", expected=expected, hint=hint)

    def _missing(self, task: str, positional: str) -> Problem:
        what, example = _POSITIONALS.get(positional, (f"a value for `{positional}`", positional.upper()))
        example = "slow-disk" if task == "runbook.new" else example
        hint = f"for example: `{self.binary} {_called(task)} {example}`"
        if task in {"drill.begin", "drill.show"}:
            what, hint = "the name of a drill", f"`{self.binary} drill.list` shows those there are"
        return Problem(
            "usage",
            f"`{_called(task)}` needs {what}",
            found="nothing, or options alone",
            expected=f"{what}, before any options",
            hint=hint,
        )

    def _tasks(self) -> list[str]:
        known = self.collection.task_names if hasattr(self, "collection") else {}
        return [name for one, more in known.items() for name in (one, *more)]

    def _all_tasks(self) -> str:
        return f"`{self.binary} --list` names every task"


_INCIDENT = re.compile(r"last|[0-9a-f]{4}|\d{8}-\d{4}-.*")
"""What names an incident: `last`, the end of a name, or the whole."""
_WORDED = frozenset({"--say", "--reason", "--cause"})
"""Options of tasks behind which a loose word is more likely a text."""
_SENTENCES = frozenset({"text", "title", "what"})
"""Positional arguments of several words."""


def _meant(token: str, context: ParserContext) -> str:
    """The option that a word which stands alone was meant for; empty where none takes such a word."""
    flags = context.flags
    if f"--{token}" in flags:
        return f"--{token}"
    if "--name" in flags and not context.positional_args:
        return f"--name {token}"
    alone = not context.positional_args and not _WORDED & set(flags)
    if "--incident" in flags and (alone or _INCIDENT.fullmatch(token)):
        return f"--incident {token}"
    return next((f'{flag} "{token}"' for flag in ("--say", "--reason") if flag in flags), "")


_WIDEST = 19
"""Cells of a task, so that what it does has room; what stands behind it is left out where it does not fit."""
_DEFAULTS = {
    "runbook.run": "runbook",
    "drill.begin": "drill",
    "alert.receive": "alert",
    "bench.run": "bench",
}
"""The tasks that go by the name of their group."""
_GROUPS = {
    "runbook": 0,
    "run": 1,
    "incident": 2,
    "action": 2,
    "alert": 3,
    "drill": 4,
    "host": 5,
    "oncall": 6,
    "test": 9,
}
_OTHERS = 8
"""In which order tasks are told."""


def _written(collection: Collection, name: str) -> str:
    """How a task is typed: its shortest usual name, and what stands behind it."""
    whole = " ".join([_called(name), *(one.upper() for one in collection[name].positional)])
    return whole if len(whole) <= _WIDEST else _called(name)


def _called(task: str | None) -> str:
    """The name that people type for a task."""
    return _DEFAULTS.get(str(task), str(task))


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
