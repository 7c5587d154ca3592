"""The tasks of runbooks. Owns names and options; each calls one use case."""

from __future__ import annotations

from invoke.context import Context

from holdpoint.tasks.offering import collection, offered, opened
from holdpoint.tasks.words import ANSWERS, JSON, NAME, PLAIN


@offered(
    "runbook.run",
    named="name",
    lists=("param", "host"),
    dry=True,
    unread=3,
    default=True,
    help={
        "name": NAME,
        "param": "A value, as `name=value`; can be repeated.",
        "host": "SSH aliases, apart by commas, `role:NAME` or `group:NAME`; without it, this machine.",
        "dry-run": "Show every command and every gate; execute nothing.",
        "check": "Read for real; show every change and make none.",
        "answers": ANSWERS,
        "incident": "The incident that this run belongs to.",
        "json": JSON,
        "plain": PLAIN,
    },
)
def run(
    context: Context,
    name: str,
    param: list[str],
    host: list[str],
    *,
    dry_run: bool = False,
    check: bool = False,
    answers: str | None = None,
    incident: str | None = None,
    json: bool = False,
    plain: bool = False,
) -> int:
    """Run a runbook, here or over SSH; stops before a change."""
    from holdpoint.app import running, typed, values  # noqa: PLC0415 - see the package
    from holdpoint.app.world import Kind  # noqa: PLC0415 - see the package

    dry = dry_run or context.config.run.dry
    kind = Kind(typed.one_of({"--dry-run": dry, "--check": check}, default="real").removeprefix("--"))
    world = opened(json=json, plain=plain)
    given = values.parse_params(tuple(param))
    said = typed.answers(answers)
    return running.begin(world, name, given, kind, answers=said, incident=incident or "", hosts=host).exit


@offered("runbook.list", help={"json": JSON, "plain": PLAIN})
def list_runbooks(_context: Context, json: bool = False, plain: bool = False) -> int | None:
    """List the runbooks, with severity, services and title."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the package

    return shelf.list_all(shelf.desk(json=json, plain=plain))


@offered("runbook.show", named="name", help={"name": NAME, "json": JSON, "plain": PLAIN})
def show(_context: Context, name: str, json: bool = False, plain: bool = False) -> int | None:
    """Show one runbook as a page."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the package

    return shelf.show(shelf.desk(json=json, plain=plain), name)


@offered(
    "runbook.find",
    named="text",
    help={"text": "A message that you see, an alert, or words; quoted.", "json": JSON, "plain": PLAIN},
)
def find(_context: Context, text: str, json: bool = False, plain: bool = False) -> int | None:
    """Find the runbooks that fit a text, the best first."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the package

    return shelf.find(shelf.desk(json=json, plain=plain), text)


@offered(
    "runbook.lint",
    lists=("name",),
    help={"name": "A runbook's id or a file; can be repeated. Without it, the whole library.", "json": JSON},
)
def lint(_context: Context, name: list[str], json: bool = False) -> int | None:
    """Check runbooks: every problem at once, with its place."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the package

    return shelf.lint(shelf.desk(json=json), tuple(name))


@offered("runbook.new", named="name", help={"name": "The id of the new runbook.", "json": JSON})
def new(_context: Context, name: str, json: bool = False) -> int | None:
    """Write a new runbook to fill in; never over another file."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the package

    return shelf.new(shelf.desk(json=json), name)


@offered(
    "runbook.docs",
    lists=("name",),
    help={
        "name": "A runbook's id; can be repeated. Without it, the whole library.",
        "out": "The folder for one Markdown file each; made where missing.",
        "json": JSON,
    },
)
def docs(_context: Context, name: list[str], out: str | None = None, json: bool = False) -> int | None:
    """Write runbooks as Markdown, to the screen or a folder."""
    from holdpoint.app import shelf  # noqa: PLC0415 - see the package

    return shelf.docs(shelf.desk(json=json), out, tuple(name))


TASKS = collection("runbook", run, list_runbooks, show, find, lint, new, docs)
