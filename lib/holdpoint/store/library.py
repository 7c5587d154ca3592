"""The runbooks on disk: where they are found, and their bytes, read with care.

A library may hold anything that a file system can: a name is never trusted to be a file, a file never to be small,
readable or inside of its folder. Whatever is wrong is a problem with a place. What bytes mean is `document.parse`'s,
which is imported when the first document is read: a listing knows most of them already.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from holdpoint.document.source import LARGEST, Source
from holdpoint.problem import HoldpointError, Place, Problem, by_place, did_you_mean

if TYPE_CHECKING:
    from holdpoint.document import team_values
    from holdpoint.document.model import Runbook

VALUES = "values.yaml"
SUFFIX = ".yaml"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_FORM = "lower-case letters, digits and `-`, beginning with a letter"
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def shipped(kind: str) -> Path:
    """Give the folder of what comes with Holdpoint: from the wheel, or from the checkout that it runs from."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "data" / kind
    return installed if installed.is_dir() else package.parent.parent / kind


def folders(repository: Path | str, kind: str) -> tuple[Path, ...]:
    """Give the folders of a kind of document: the repository's own, then the one that comes with Holdpoint."""
    own, ours = Path(repository) / kind, shipped(kind)
    return (own,) if own.exists() and own.resolve() == ours.resolve() else (own, ours)


@cache
def schema(document: str = "runbook") -> Mapping[str, Any]:
    """Read the schema of a kind of document, once."""
    return cast("Mapping[str, Any]", json.loads((shipped("schemas") / f"{document}.schema.json").read_bytes()))


Made = Callable[[str], Source | None]
"""Give the document of a name; None where there is none."""


class Library:
    """The runbooks of some folders; of two with one name, the one in the earlier folder counts."""

    def __init__(
        self,
        folders: Iterable[Path | str],
        kind: str = "runbook",
        values: Path | None = None,
        made: Made = lambda _: None,
    ) -> None:
        """`values` is the file of a team's own values, which need not be there.

        `made` gives documents that no folder has: they are in no list, and found by their names.
        """
        self._kind = kind
        self._made = made
        self._values = values
        self.folders = tuple(Path(folder) for folder in folders)

    @classmethod
    def of(cls, repository: Path | str, made: Made = lambda _: None) -> Library:
        """Open the library of a repository: its own `runbooks/`, then those that come with Holdpoint."""
        return cls(folders(repository, "runbooks"), values=Path(repository) / VALUES, made=made)

    def names(self) -> tuple[str, ...]:
        """Give the names of all runbooks, sorted. Nothing is opened."""
        return tuple(sorted(self._found()[0]))

    def own(self) -> frozenset[str]:
        """Give the names of the runbooks that do not come with Holdpoint; in its own checkout, of all. Nothing is opened."""
        return frozenset(name for name, (folder, _) in self._found()[0].items() if folder == self.folders[0])

    def source(self, name: str) -> Source:
        """Read the bytes of a runbook. Raises `HoldpointError` for an unfit or unknown name or file."""
        return self._source(name, *self._found())

    def _source(self, name: str, found: Mapping[str, tuple[Path, Path]], problems: list[Problem]) -> Source:
        unfit = _unfit(name)
        if unfit is not None:
            raise HoldpointError(unfit)
        if name not in found:
            if (made := self._made(name)) is not None:
                return made
            raise HoldpointError([_unknown(self._kind, name, found, self.folders), *problems])
        return _read(*found[name])

    def load(self, name: str) -> Runbook:
        """Read and check a runbook. Raises `HoldpointError` with everything that is wrong with it."""
        from holdpoint.document import parse  # noqa: PLC0415 - see the module

        return self._team_values().fill(parse.parse(self.source(name), schema()))

    def _team_values(self) -> team_values.TeamValues:
        """Read the team's own values; none where there is no file."""
        from holdpoint.document import team_values  # noqa: PLC0415 - see the module

        if self._values is None or not self._values.exists():
            return team_values.TeamValues()
        return team_values.parse(_read(self._values.parent, self._values), schema("values"))

    def file(self, runbook: Runbook, source: str) -> bytes:
        """Read a file that lies in the folder of a runbook, or below. Raises `HoldpointError` where it does not fit."""
        from holdpoint.planning import files  # noqa: PLC0415 - see the module

        folder = self._found()[0].get(runbook.id, (self.folders[0], None))[0]
        if source.startswith("/") or ".." in Path(source).parts:
            raise HoldpointError(Problem("outside", f"`{_shown(source)}` leads out of the library"))
        return _bytes(folder, folder / source, _Kind("file", files.LARGEST))

    def load_all(self) -> tuple[dict[str, Runbook], tuple[Problem, ...]]:
        """Read every runbook; those with errors are left out, and their errors come back."""
        from holdpoint.document import parse, team_values  # noqa: PLC0415 - see the module

        runbooks: dict[str, Runbook] = {}
        found, problems = self._found()
        own = team_values.TeamValues()
        try:
            own = self._team_values()
        except HoldpointError as error:
            problems += error.problems
        with _uncollected():
            for name, (folder, path) in sorted(found.items()):
                try:
                    runbooks[name] = own.fill(parse.parse(_read(folder, path), schema()))
                except HoldpointError as error:
                    problems += error.problems
        return runbooks, by_place(problems)

    def lint(
        self, names: Iterable[str] | None = None, scripts: Callable[[Source], Iterable[Problem]] | None = None
    ) -> tuple[Problem, ...]:
        """Say everything about the runbooks of these names (all, where none are given), warnings and `use` included.

        `scripts` says what is wrong with the shell text of a document.
        """
        from holdpoint.document import check, parse  # noqa: PLC0415 - see the module

        runbooks, _ = self.load_all()
        found, unfit = self._found()
        problems = [*unfit, *self._unfit_values(found)] if names is None else []
        wanted = sorted(found) if names is None else tuple(names)
        files = set()
        for name in wanted:
            try:
                source = self._source(name, found, unfit)
            except HoldpointError as error:
                problems += error.problems
                continue
            files.add(source.name)
            problems += parse.problems(source, schema())
            problems += scripts(source) if scripts else ()
        problems += self._unfit_files(runbooks[name] for name in wanted if name in runbooks)
        problems += [
            problem for problem in check.cross(runbooks, found) if problem.place and problem.place.file in files
        ]
        return by_place(dict.fromkeys(problems))

    def _unfit_values(self, found: Iterable[str]) -> Iterable[Problem]:
        """Say what is wrong with the team's own values, or taken by no runbook."""
        from holdpoint.document import parse  # noqa: PLC0415 - see the module

        try:
            own = self._team_values()
        except HoldpointError as error:
            return error.problems
        books: dict[str, Runbook] = {}
        problems: list[Problem] = []
        for name in found:
            with suppress(HoldpointError):
                books[name] = parse.parse(self.source(name), schema())
        for book in books.values():
            try:
                own.fill(book)
            except HoldpointError as error:
                problems += error.problems
        return [*problems, *own.idle(books, found)]

    def _unfit_files(self, runbooks: Iterable[Runbook]) -> Iterable[Problem]:
        """Say which files cannot be put, at the place where a document names them."""
        from holdpoint.document.model import Put  # noqa: PLC0415 - see the module
        from holdpoint.planning import files  # noqa: PLC0415 - see the module

        for runbook in runbooks:
            for step in runbook.steps():
                if isinstance(step.action, Put):
                    try:
                        files.content(runbook, step, step.action, self.file)
                    except HoldpointError as error:
                        yield from error.problems

    def _found(self) -> tuple[dict[str, tuple[Path, Path]], list[Problem]]:
        """Find the files: by name, the folder and the path; with what stands in the way."""
        found: dict[str, tuple[Path, Path]] = {}
        problems: list[Problem] = []
        for folder in self.folders:
            try:
                entries = sorted(folder.iterdir())
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(_system("library", "the folder of runbooks cannot be read", folder, error))
                continue
            for path in entries:
                if path.suffix == SUFFIX and _NAME.fullmatch(path.stem):
                    found.setdefault(path.stem, (folder, path))
                elif path.suffix in (SUFFIX, ".yml") and not path.name.startswith("."):
                    problems.append(_misnamed(path, path.stem, path.suffix))
        return found, problems


@contextmanager
def _uncollected() -> Iterator[None]:
    """Have no cycles looked for: a library is many values without any, which would be gone through again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _unfit(name: str) -> Problem | None:
    """What is wrong with a name before anything is looked up."""
    if name.startswith("-"):
        hint = "an option was probably taken for the name; write `inv runbook NAME --option`"
        return Problem("bad-name", f"`{_shown(name)}` begins with `-`", expected="the name of a runbook", hint=hint)
    if "/" in name:
        hint = "`inv runbook.list` shows the names; a runbook lies in the folder `runbooks/`"
        return Problem("bad-name", f"`{_shown(name)}` is a path", expected="the name of a runbook", hint=hint)
    if not _NAME.fullmatch(name):
        stem = name.removesuffix(SUFFIX)
        hint = f"write `{stem}`" if stem != name and _NAME.fullmatch(stem) else ""
        return Problem("bad-name", f"`{_shown(name)}` cannot be the name of a runbook", expected=_FORM, hint=hint)
    return None


def _unknown(kind: str, name: str, known: Iterable[str], folders: tuple[Path, ...]) -> Problem:
    names = sorted(known)
    where = ", ".join(f"`{_display(folder)}`" for folder in folders)
    return Problem(
        f"unknown-{kind}",
        f"there is no {kind} `{name}`",
        found=f"{len(names)} {kind if len(names) == 1 else f'{kind}s'} in {where}",
        hint=did_you_mean(name, names) or f"`inv {kind}.list` shows those there are",
    )


class _Kind(NamedTuple):
    """What a file of the library is called in a message, and how large it may be."""

    name: str
    largest: int


_RUNBOOK = _Kind("runbook", LARGEST)


def _read(folder: Path, path: Path) -> Source:
    return Source(_display(path), _bytes(folder, path, _RUNBOOK))


def _bytes(folder: Path, path: Path, kind: _Kind) -> bytes:
    """Read a regular file of bounded size that lies in the folder; never waits for a pipe or a device."""
    unreadable = f"the {kind.name} cannot be read"
    try:
        descriptor = _opened(folder, path)
    except (OSError, RuntimeError) as error:
        raise HoldpointError(_system("unreadable", unreadable, path, error)) from error
    try:
        _regular(path, os.fstat(descriptor), kind)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(kind.largest + 1)
    except OSError as error:
        raise HoldpointError(_system("unreadable", unreadable, path, error)) from error
    finally:
        os.close(descriptor)
    if len(data) > kind.largest:
        raise HoldpointError(_too_large(path, f"more than {kind.largest:,} bytes", kind))
    return data


def _opened(folder: Path, path: Path) -> int:
    """Open a file that really lies in the folder. What lies right there and is no link needs no second look."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    if path.parent == folder and path.name not in ("", "..", "."):
        try:
            return os.open(path, flags | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
    real = path.resolve(strict=True)
    if not real.is_relative_to(folder.resolve()):
        hint = "copy the file into the folder"
        raise HoldpointError(_problem("outside", "a link leads out of the library", path, f"`{real}`", hint))
    return os.open(real, flags)


def _regular(path: Path, status: os.stat_result, kind: _Kind) -> None:
    if not stat.S_ISREG(status.st_mode):
        found = next((name for test, name in _KINDS if test(status.st_mode)), "something else")
        raise HoldpointError(_problem("not-a-file", f"the {kind.name} is not a file", path, found, ""))
    if status.st_size > kind.largest:
        raise HoldpointError(_too_large(path, f"{status.st_size:,} bytes", kind))


def _too_large(path: Path, found: str, kind: _Kind) -> Problem:
    what = "document" if kind is _RUNBOOK else kind.name
    place = Place(_display(path), 0, 0)
    return Problem("too-large", f"the {what} is too large", place, found, f"{kind.largest:,} bytes at most")


def _misnamed(path: Path, stem: str, suffix: str) -> Problem:
    if _NAME.fullmatch(stem):
        hint = f"rename it to `{stem}{SUFFIX}`"
        return _problem("file-name", "a runbook's file name ends in `.yaml`", path, f"`{suffix}`", hint)
    return Problem(
        "file-name", "the file name cannot be a runbook's", Place(_display(path), 0, 0), f"`{_shown(stem)}`", _FORM
    )


def _problem(code: str, message: str, path: Path, found: str, hint: str) -> Problem:
    return Problem(code, message, Place(_display(path), 0, 0), found=found, hint=hint)


def _system(code: str, message: str, path: Path, error: OSError | RuntimeError) -> Problem:
    """Say what the system answered; a loop of links has a `RuntimeError` of its own before Python 3.13."""
    looped = isinstance(error, RuntimeError) or error.errno == errno.ELOOP
    found = "links that lead in a circle" if looped else str(getattr(error, "strerror", error)).lower()
    denied = isinstance(error, PermissionError)
    return _problem(code, message, path, found, "`ls -l` shows who may read it" if denied else "")


def _display(path: Path) -> str:
    """Show a path as short as it can be written from here."""
    try:
        return str(path.relative_to(Path.cwd())) if path.is_absolute() else str(path)
    except (ValueError, OSError):
        return str(path)


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:60])
