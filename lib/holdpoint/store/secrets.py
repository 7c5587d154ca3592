"""Where a runbook's secrets come from: a command, the environment, or the person. Nothing of them is kept here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdpoint.document.model import FromCommand, FromEnv, FromPrompt, Param
from holdpoint.problem import HoldpointError, Problem
from holdpoint.shell import MASK, Secret
from holdpoint.store.bounded import run_bounded

SECONDS = 30.0
LIMIT = 64 * 1024
SHORTEST = 4
"""Characters. Masking a shorter secret would mask half of every text, or tell it."""
_SHOWN = 2000


def resolve(
    param: Param,
    *,
    environ: Mapping[str, str],
    prompt: Callable[[str], str] | None = None,
    seconds: float = SECONDS,
) -> Secret:
    """Get the secret of a parameter. `prompt` asks the person without echo; None where there is no terminal.

    Raises `HoldpointError` where there is none, or one that cannot be handled; no message has any part of it.
    """
    match param.source:
        case FromCommand(argv):
            found = _from_command(param, argv, environ, seconds)
        case FromEnv(name):
            if name not in environ:
                raise _refusal(param, f"the variable `{name}` is not set", hint=f"set `{name}` for this command")
            found = environ[name]
        case FromPrompt():
            if prompt is None:
                raise _refusal(param, "it is to be typed, and there is no terminal")
            found = prompt(param.prompt or f"{param.name}: ")
        case None:
            raise ValueError(f"parameter `{param.name}` is no secret")
    return Secret(_checked(param, found))


def _from_command(param: Param, argv: tuple[str, ...], environ: Mapping[str, str], seconds: float) -> str:
    """Run the command without a shell or input. Its standard output is never shown, its standard error on failure."""
    name = argv[0] if argv else ""
    try:
        ended = run_bounded(argv, environ=environ, seconds=seconds, limit=LIMIT)
    except (OSError, ValueError, IndexError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refusal(param, f"the command `{name}` cannot be started: {why}") from error
    if ended.failure:
        raise _refusal(
            param,
            f"the command `{name}` {ended.failure}",
            found=_without(ended.stderr, ended.stdout)[-_SHOWN:],
            hint="it is run without a terminal; try it by hand with `</dev/null`",
        )
    try:
        return ended.stdout.decode().rstrip("\n")
    except UnicodeDecodeError:
        raise _refusal(param, f"what the command `{name}` gave is not UTF-8") from None


def _without(text: str, printed: bytes) -> str:
    """Take what the command printed out of its complaint: it may be the secret, or a part of it."""
    for line in sorted(printed.decode(errors="replace").split("\n"), key=len, reverse=True):
        if line.strip():
            text = text.replace(line.strip(), MASK)
    return text


def _checked(param: Param, text: str) -> str:
    if not text:
        raise _refusal(param, "it is empty")
    if "\0" in text:
        raise _refusal(param, "it holds a NUL character, which no variable of a shell can hold")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refusal(param, "it is not UTF-8") from None
    if len(text) < SHORTEST:
        raise _refusal(param, f"it has fewer than {SHORTEST} characters, so it cannot be masked sensibly")
    return text


def _refusal(param: Param, why: str, *, found: str = "", hint: str = "") -> HoldpointError:
    return HoldpointError(
        Problem("secret", f"no secret for `{param.name}`: {why}", param.place, found=found, hint=hint)
    )
