"""The one place that turns what went wrong into standard error and an exit code.

What a user can cause is drawn, whole, as problems. What nobody foresaw is a defect: the screen gets a sentence, and the
trace goes into a file of the state folder. Nothing here knows what the work was.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from holdpoint.problem import Exit, HoldpointError, Place, Problem, draw

_CIRCUMSTANCES = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG),
        *(errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE),
    }
)
"""What the machine can refuse to anybody; any other error of the system is a defect of ours."""


def conclude(work: Callable[[], int], *, as_json: bool = False, unread: int = Exit.OK) -> int:
    """Do the work and give the exit code; whatever it raises is told on standard error, never as a trace.

    `unread` is the code for a reader of standard output that went away. With `as_json` the problems are also written to
    standard output, as a JSON list.
    """
    _say_anything()
    try:
        code = work()
    except BrokenPipeError:
        _nobody_reads()
        return unread
    except HoldpointError as error:
        return _tell(error.problems, error.exit_code, as_json=as_json)
    except KeyboardInterrupt:
        return Exit.STOPPED
    except OSError as error:
        if error.errno not in _CIRCUMSTANCES:
            return _tell((_defect(error, os.environ),), Exit.DEFECT, as_json=as_json)
        return _tell((_refused(error),), Exit.USAGE, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last resort, which tells and keeps all of it
        return _tell((_defect(error, os.environ),), Exit.DEFECT, as_json=as_json)
    return _flushed(code)


def _flushed(code: int) -> int:
    """What was done stays done, and its exit code stands, whether or not anybody could be told."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _nobody_reads()
        if not isinstance(error, BrokenPipeError):
            return _tell((_refused(error),), code or Exit.USAGE, as_json=False)
    return code


def _tell(problems: tuple[Problem, ...], code: int, *, as_json: bool) -> int:
    try:
        if as_json:
            from holdpoint.views.console import print_json  # noqa: PLC0415 - only where it is asked for
            from holdpoint.views.problems import as_data  # noqa: PLC0415 - as above

            print_json([as_data(problem) for problem in problems])
            sys.stdout.flush()
    except OSError:
        _nobody_reads()
    from holdpoint.views.console import columns  # noqa: PLC0415 - only after an error
    from holdpoint.views.inert import inert  # noqa: PLC0415 - as above

    try:
        width = columns(sys.stderr, os.environ)
        sys.stderr.write("".join(f"{inert(draw(problem, width))}\n" for problem in problems))
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return code


def _refused(error: OSError) -> Problem:
    place = Place(os.fsdecode(error.filename), 0, 0) if isinstance(error.filename, str | bytes) else None
    why = (error.strerror or str(error)).lower()
    return Problem("system", f"the system refused: {why}", place, hint="see to that, then type the same command again")


def kept_defect(error: BaseException) -> Problem:
    """Keep the trace of a defect where the work goes on, and give the problem to tell."""
    return _defect(error, os.environ)


def _defect(error: BaseException, environ: Mapping[str, str]) -> Problem:
    kept = _keep("".join(traceback.format_exception(error)), environ)
    frame = traceback.extract_tb(error.__traceback__)[-1:] or [traceback.FrameSummary("?", 0, "?")]
    where = f"{Path(frame[0].filename).name}:{frame[0].lineno}"
    return Problem(
        "defect",
        "this is a defect of Holdpoint, not of what you typed",
        found=f"{type(error).__name__} at {where}",
        hint=f"the trace is in {kept}; a run that was going on can be looked at with `run.list`" if kept else "",
    )


def _keep(trace: str, environ: Mapping[str, str]) -> str:
    """Write the trace into the state folder, else into the folder for temporary files; say where, if anywhere."""
    import tempfile  # noqa: PLC0415 - only after a defect

    name = f"defect-{datetime.now(UTC):%Y%m%d-%H%M%S}-"
    for folder in (_state_folder(environ), Path(tempfile.gettempdir())):
        try:
            if folder is None or not folder.is_dir():
                continue
            handle, path = tempfile.mkstemp(prefix=name, suffix=".txt", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(trace)
        except OSError:
            continue
        return path
    return ""


def _state_folder(environ: Mapping[str, str]) -> Path | None:
    from holdpoint.store.state_folder import StateFolder  # noqa: PLC0415 - only after a defect

    try:
        folder = StateFolder.default(environ)
        folder.prepare()
    except HoldpointError:
        return None
    return folder.path


def _say_anything() -> None:
    """A name that is no text, a screen that knows no Unicode, or no screen at all must not end a run."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole process
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _nobody_reads() -> None:
    """Let what is still buffered go nowhere, so that nothing complains at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
