"""The use cases of the library: list, show, find, lint, new, docs.

Each writes what was asked for to standard output, as JSON where that is wanted, and gives an exit code. They need no
world: nobody is asked anything, and nothing is executed.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdpoint.app.cards import Shelf, Shelved, place, shelf
from holdpoint.app.repository import repository
from holdpoint.problem import Exit, HoldpointError, Level, Place, Problem
from holdpoint.store.state_path import named
from holdpoint.views.console import Screen, columns, print_json
from holdpoint.views.problems import as_data, as_text, summary
from holdpoint.views.tables import table

if TYPE_CHECKING:
    from holdpoint.document.source import Source
    from holdpoint.drill.records import Certificate
    from holdpoint.store.library import Library

    Scripts = Callable[[Source], Iterable[Problem]]
    Proofs = Mapping[str, list[Certificate]]
    """Certificates, by runbook."""


_UNCUT = 160
"""Columns of the list of all runbooks where nobody sees it in a window."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The library, where its cards are kept, and how to write."""

    library: Library
    cache: Path | None
    json: bool = False
    plain: bool = False


def desk(*, json: bool = False, plain: bool = False) -> Desk:
    """Open the library of the working folder."""
    from holdpoint.store.library import Library  # noqa: PLC0415 - only for a real library

    return Desk(Library.of(repository(Path.cwd())), place(os.environ), json, plain)


# --- list, find -------------------------------------------------------------------------------------------------


def list_all(at: Desk) -> int:
    """One line for each runbook; those that cannot be read are counted on standard error."""
    found, proofs = shelf(at.library, at.cache), _proofs()
    if at.json:
        print_json([{**_card_data(book), "proven": _proven(book, proofs)} for book in found.books])
    else:
        heads: tuple[str, ...] = ("runbook", "severity", "reviewed", "services", "from", "title", "proven")
        rows = [_row(at.library, book, proofs) for book in found.books]
        # What says nothing has no column: a place that all have in common, and proofs that there are none of.
        silent = {
            head
            for head, column in zip(heads, zip(*rows, strict=True), strict=False)
            if (head == "from" and len({*column}) == 1) or (head == "proven" and not any(column))
        }
        kept = [at_column for at_column, head in enumerate(heads) if head not in silent]
        heads, rows = tuple(heads[one] for one in kept), [tuple(row[one] for one in kept) for row in rows]
        _draw(at, heads, rows, "There are no runbooks here; `inv runbook.new NAME` begins one.", unseen=_UNCUT)
    _mention(found)
    return Exit.OK


def find(at: Desk, text: str) -> int:
    """The runbooks that fit, the best first, each with what fitted; exit code 0 also where none does."""
    from holdpoint.document.search import rank  # noqa: PLC0415 - a listing needs no ranking

    found = shelf(at.library, at.cache)
    files = {book.card.id: book.file for book in found.books}
    hits = rank(text, [book.card for book in found.books])
    if at.json:
        print_json(
            [
                {
                    **_card_data(Shelved(hit.card, files[hit.card.id])),
                    "score": round(hit.score, 2),
                    "because": hit.because,
                }
                for hit in hits
            ]
        )
    else:
        rows = [(hit.card.id, hit.card.severity, hit.because, hit.card.title) for hit in hits]
        empty = "No runbook fits that; `inv runbook.list` shows all there are."
        _draw(at, ("runbook", "severity", "because of", "title"), rows, empty)
    _mention(found)
    return Exit.OK


def _row(library: Library, book: Shelved, proofs: Proofs) -> tuple[str, ...]:
    card, folder = book.card, Path(book.file).parent
    ours = folder.is_absolute() and folder != library.folders[0].absolute()
    origin = "holdpoint" if ours else str(folder)
    return card.id, card.severity, card.reviewed, ", ".join(card.services), origin, card.title, _proven(book, proofs)


def _proven(book: Shelved, proofs: Proofs) -> str:
    """Say how many drills prove the runbook as it is now, and how long ago the oldest of them did."""
    ours = proofs.get(book.card.id, [])
    if not ours:
        return ""
    if any(one.runbook_digest != hashlib.sha256(Path(book.file).read_bytes()).hexdigest() for one in ours):
        return "before it changed"
    held = [one for one in ours if one.holds]
    if len(held) < len(ours):
        return f"NOT by {len(ours) - len(held)} of {len(ours)}"
    days = max((datetime.now(UTC) - one.time).days for one in held)
    return f"by {len(held)}, {'today' if days == 0 else f'{days} d ago'}"


def _proofs() -> Proofs:
    """Read the certificates, by runbook; where there are none, nothing is imported to read them."""
    found: dict[str, list[Certificate]] = {}
    with suppress(HoldpointError):
        file = Path("drills", "certificates.json")
        if (named(os.environ) / file).exists():
            from holdpoint.store.certificates import Certificates  # noqa: PLC0415 - read once there is one
            from holdpoint.store.state_folder import StateFolder  # noqa: PLC0415 - as above

            for one in Certificates(StateFolder.default(os.environ).path / file).all().values():
                found.setdefault(one.runbook, []).append(one)
    return found


def _draw(
    at: Desk, heads: Sequence[str], rows: Sequence[Sequence[str]], empty: str, *, unseen: int | None = None
) -> None:
    """Draw a table; where nobody sees it in a window it has `unseen` columns, if that is given."""
    screen = Screen(sys.stdout, plain=at.plain)
    if rows:
        screen.lines(table(heads, rows, screen.width if unseen is None or sys.stdout.isatty() else unseen))
    else:
        screen.text(empty)


def _card_data(book: Shelved) -> dict[str, Any]:
    card = book.card._asdict()
    del card["texts"]
    return {**card, "file": book.file}


def _mention(found: Shelf) -> None:
    """Say on standard error what is missing from a list."""
    if found.problems:
        said = f"left out, since they cannot be read: {summary(found.problems)}; `inv runbook.lint` shows them"
        sys.stderr.write(f"{said}\n")


# --- show, docs -------------------------------------------------------------------------------------------------


def show(at: Desk, name: str) -> int:
    """One runbook, as a page."""
    from holdpoint.views import runbook as view  # noqa: PLC0415 - only where a page is drawn

    book = at.library.load(name)
    if at.json:
        print_json(view.as_data(book))
    else:
        screen = Screen(sys.stdout, plain=at.plain)
        screen.lines(view.page(book, screen.width))
    return Exit.OK


def docs(at: Desk, out: str | None, names: Sequence[str] = ()) -> int:
    """Runbooks as Markdown, by default all: a file each in a folder, or one after the other on standard output."""
    from holdpoint.views.markdown import index, page  # noqa: PLC0415 - only where pages are written

    books, problems = ({name: at.library.load(name) for name in names}, ()) if names else at.library.load_all()
    pages = {name: page(book) for name, book in books.items()}
    if out is None:
        if at.json:
            print_json([{"id": name, "markdown": text} for name, text in pages.items()])
        else:
            sys.stdout.write("\n".join(pages.values()))
    else:
        files = _write_pages(Path(out), pages if names else {**pages, "index": index(list(books.values()))})
        if at.json:
            print_json([{"id": name, "file": str(file)} for name, file in files.items()])
        else:
            sys.stdout.write("".join(f"{file}\n" for file in files.values()))
    if problems:
        sys.stderr.write(as_text(problems, columns(sys.stderr, os.environ)))
        return Exit.USAGE
    return Exit.OK


def _write_pages(folder: Path, pages: dict[str, str]) -> dict[str, Path]:
    """Write every page whole: whoever reads one meanwhile sees the old or the new one."""
    files = {name: folder / f"{name}.md" for name in pages}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            fresh = file.with_name(f".{file.name}.{os.getpid()}")
            fresh.write_text(pages[name], encoding="utf-8")
            fresh.replace(file)
    except OSError as error:
        place = Place(str(folder), 0, 0)
        message = f"the pages cannot be written there: {(error.strerror or str(error)).lower()}"
        raise HoldpointError(
            Problem("docs-folder", message, place, expected="a folder that you can write to")
        ) from error
    return files


# --- lint -------------------------------------------------------------------------------------------------------


def lint(at: Desk, names: Sequence[str]) -> int:
    """Every problem at once; exit code 2 where one is an error, 0 where all are warnings."""
    from holdpoint.store import shellcheck  # noqa: PLC0415 - only here
    from holdpoint.store.library import schema  # noqa: PLC0415 - as above

    programs = shellcheck.linters()
    problems = _all_problems(at.library, names, lambda source: shellcheck.lint(source, schema(), programs))
    if programs.shellcheck is None:
        done = "scripts were only parsed (`sh -n`)" if programs.shells else "no script was looked at"
        sys.stderr.write(f"ShellCheck is not installed, so {done}; `apt install shellcheck` gets it\n")
    if at.json:
        print_json([as_data(problem) for problem in problems])
    else:
        width = columns(sys.stdout, os.environ)
        sys.stdout.write(as_text(problems, width) or f"{_counted(at.library, names)}: no problems\n")
    return Exit.USAGE if any(problem.level is Level.ERROR for problem in problems) else Exit.OK


def _all_problems(library: Library, names: Sequence[str], scripts: Scripts) -> tuple[Problem, ...]:
    if not names:
        return library.lint(scripts=scripts)
    paths = [name for name in names if "/" in name or name.endswith((".yaml", ".yml"))]
    ids = [name for name in names if name not in paths]
    found = list(library.lint(ids, scripts)) if ids else []
    for path in paths:
        found += _lint_file(library, Path(path), scripts)
    return tuple(dict.fromkeys(found))


def _lint_file(library: Library, path: Path, scripts: Scripts) -> tuple[Problem, ...]:
    """Check one file as if its folder were the first of the library."""
    if not path.exists():
        return (Problem("no-file", "there is no such file", Place(str(path), 0, 0)),)
    return type(library)((path.absolute().parent, *library.folders)).lint([path.stem], scripts)


def _counted(library: Library, names: Sequence[str]) -> str:
    count = len(names or library.names())
    return f"{count} runbook{'' if count == 1 else 's'}"


# --- new --------------------------------------------------------------------------------------------------------


def new(at: Desk, name: str) -> int:
    """Write a scaffold that lints clean; never over a file, and never over the id of another runbook."""
    from holdpoint.app.scaffold import scaffold  # noqa: PLC0415 - only here

    _must_be_free(at.library, name)
    folder = at.library.folders[0]
    path = folder / f"{name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(scaffold(name, with_schema=(folder.parent / "schemas" / "runbook.schema.json").exists()))
    except FileExistsError as error:
        raise HoldpointError(_taken(name, str(path))) from error
    except OSError as error:
        place = Place(str(path), 0, 0)
        message = f"the runbook cannot be written: {(error.strerror or str(error)).lower()}"
        raise HoldpointError(Problem("not-written", message, place)) from error
    if at.json:
        print_json({"id": name, "file": str(path)})
    else:
        sys.stdout.write(f"{path}\nFill it in, then check it: inv runbook.lint --name {name}\n")
    return Exit.OK


def _must_be_free(library: Library, name: str) -> None:
    try:
        found = library.source(name)
    except HoldpointError as error:
        if all(problem.code == "unknown-runbook" for problem in error.problems):
            return
        raise
    raise HoldpointError(_taken(name, found.name))


def _taken(name: str, file: str) -> Problem:
    return Problem(
        "runbook-exists", f"there is a runbook `{name}` already", Place(file, 0, 0), hint="choose another id"
    )
