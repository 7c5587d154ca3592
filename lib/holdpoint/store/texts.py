"""The templates of messages on disk, and their rendering: a team's own in its repository, else those that ship.

A template is Jinja2, in its sandbox: it can reach the values that it is given and nothing else, and a value that does
not exist is an error. A team's template that cannot be used never holds a message up: the shipped one takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdpoint.store.library import folders

Words = Mapping[str, object]
"""The values that a template reads."""
TEXT, HTML = ".txt", ".html"
LARGEST = 64 * 1024
"""Bytes of a template, and characters of a message."""
LONGEST = 4 * 1024 * 1024
"""Characters of a document."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, without a newline at its end. `warning` says why a team's own template was not used."""

    text: str
    warning: str = ""


class UnusableError(Exception):
    """A template that gives no text, with the reason in a sentence."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The templates of a repository, its own before the shipped ones."""

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, repository: Path) -> Texts:
        return cls(folders(repository, "templates"))

    def render(self, name: str, language: str, words: Words, longest: int = LARGEST) -> Rendered:
        """Render `LANGUAGE/NAME`, which is a `.txt` where it has no other ending, to `longest` characters at most.

        Raises `UnusableError` only where the shipped one is broken.
        """
        *own, shipped = self.folders
        file = name if "." in name else f"{name}{TEXT}"
        warning = ""
        for folder in own:
            path = folder / language / file
            try:
                if path.exists():
                    return Rendered(_rendered(path, words, longest))
            except (UnusableError, OSError) as error:
                warning = f"`{path}` cannot be used, so the template that ships takes its place: {error}"
        return Rendered(_rendered(shipped / language / file, words, longest), warning)


def _bounded(pieces: Iterable[str], longest: int) -> Iterator[str]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > longest:
            raise UnusableError(f"it gives more than {longest:,} characters")
        yield piece


def _rendered(path: Path, words: Words, longest: int) -> str:
    from jinja2 import StrictUndefined, TemplateError  # noqa: PLC0415 - most commands render nothing
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    if not path.is_file():
        raise UnusableError("it is not a file")
    with path.open("rb") as file:
        source = file.read(LARGEST + 1)
    if len(source) > LARGEST:
        raise UnusableError(f"it is larger than {LARGEST:,} bytes")
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=path.suffix == HTML,  # text for chat and mail stays as it is
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        template = environment.from_string(source.decode("utf-8-sig"))
        text = "".join(_bounded(template.generate(words), longest))
    except UnusableError:
        raise
    except UnicodeDecodeError as error:
        raise UnusableError("it is not UTF-8") from error
    except TemplateError as error:
        at = getattr(error, "lineno", None)
        line = f"line {at}: " if at else ""
        raise UnusableError(f"{line}{error.message or type(error).__name__}") from error
    except Exception as error:  # a template can fail in every way that an expression can
        raise UnusableError(f"{type(error).__name__}: {error}") from error
    if not text.strip():
        raise UnusableError("it gives an empty text")
    return text.strip("\n")
