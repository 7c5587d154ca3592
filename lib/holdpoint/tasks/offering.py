"""How a function becomes a task: its name, its options, and what is refused before it starts.

What a task needs is imported when it runs, since Invoke imports the modules of tasks for every `--list`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit as Ended
from invoke.tasks import Task

if TYPE_CHECKING:
    from holdpoint.app.world import World

Body = Callable[..., int | None]


def offered(
    path: str,
    *,
    named: str = "",
    lists: tuple[str, ...] = (),
    dry: bool = False,
    rest: bool = False,
    unread: int = 0,
    **options: Any,
) -> Callable[[Body], Task[Body]]:
    """Make the task `path` of a function that gives an exit code, where nothing counts as 0.

    `named` is the positional argument, and `lists` the options that can be repeated: where Invoke would take an option
    for the one, or drop the other, they are refused. `dry` says that the task knows Invoke's own `--dry`, `rest` that
    it takes what stands behind `--`. `unread` is the exit code where nobody reads standard output any more.
    """
    name = path.rpartition(".")[2]

    def make(body: Body) -> Task[Body]:
        @functools.wraps(body)
        def told(context: Context, *args: Any, **kwargs: Any) -> None:
            from holdpoint.app import ending, reminding, typed  # noqa: PLC0415 - see the package

            def work() -> int:
                if kwargs.get(named) in {"--help", "-h"}:
                    return _help(path, task)
                dropped = context.config.run.dry and not dry
                typed.refuse(path, kwargs, named=named, lists=lists, rest=rest, dry=dropped)
                return body(context, *args, **kwargs) or 0

            typed.keep_compiled()
            code = ending.conclude(work, as_json=kwargs.get("json", False), unread=unread)
            reminding.remind()
            if code:
                raise Ended(code=code)

        task: Task[Body] = Task(
            told,
            name=name,
            positional=[named] if named else [],
            iterable=list(lists),
            auto_shortflags=False,
            **options,
        )
        return task

    return make


def collection(name: str, *tasks: Task[Body]) -> Collection:
    """Put tasks under a name; none for those at the top."""
    collected = Collection(name) if name else Collection()
    for one in tasks:
        collected.add_task(one)
    return collected


def opened(*, json: bool = False, plain: bool = False) -> World:
    """Open the world of the working folder."""
    from holdpoint.app.world import World  # noqa: PLC0415 - see the package

    return World.here(json=json, plain=plain)


def _help(path: str, task: Task[Body]) -> int:
    """Invoke takes `--help` behind a task for its name."""
    from invoke.program import Program  # noqa: PLC0415 - see the package

    group = path.rpartition(".")[0]
    own = collection(group, task)
    Program(namespace=Collection(own) if group else own, binary="inv").run(["inv", "--help", path], exit=False)
    return 0
