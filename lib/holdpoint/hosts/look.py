"""What a machine says of itself when it is looked at: one script that reads, and what its answer means.

Owns the questions. They are asked in one execution, which leaves nothing there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from holdpoint.document.inventory import Identity
from holdpoint.engine.outcomes import Exited, Outcome, TimedOut, Unreachable
from holdpoint.engine.ports import Command, Machine, Watch
from holdpoint.shell import Script

PATIENCE = timedelta(seconds=30)
GRACE = timedelta(seconds=2)
SUDO_WORKS = "works"

_QUESTIONS = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
machine=''
for file in "${HOLDPOINT_MACHINE_ID:-/etc/machine-id}" /var/lib/dbus/machine-id; do
  [ -n "$machine" ] || { read -r machine <"$file"; } 2>/dev/null
done
say hostname "$(uname -n)"
say machine_id "$machine"
say user "$(id -un 2>/dev/null || echo "${LOGNAME:-unknown}")"
shell=$(command -v sh)
say sh "$(readlink -f "$shell" 2>/dev/null || echo "$shell")"
if ! command -v sudo >/dev/null 2>&1; then say sudo 'not installed'
elif said=$(LC_ALL=C sudo -n true 2>&1 </dev/null); then say sudo works
else
  case $said in
    *password*) say sudo 'asks for a password' ;;
    *) say sudo "refused: ${said%%
*}" ;;
  esac
fi
path=$PATH roots=$PATH:/usr/local/sbin:/usr/sbin:/sbin
for tool in $tools; do
  ! command -v "$tool" >/dev/null 2>&1 || continue
  say missing "$tool"
  PATH=$roots
  ! at=$(command -v "$tool" 2>/dev/null) || say beyond "$tool $at"
  PATH=$path
done
PATH=$roots
for tool in $raised_tools; do command -v "$tool" >/dev/null 2>&1 || say missing_raised "$tool"; done
shared=${HOLDPOINT_TARGET:-/var/tmp/holdpoint}
for place in "$shared" "$shared/locks"; do
  if [ ! -d "$place" ] || [ -L "$place" ] || [ -O "$place" ]; then continue; fi
  set -- $(ls -ldn "$place")
  [ "${3:-0}" = 0 ] || say foreign "$place"
done
for place in "$shared" "${HOLDPOINT_TARGET_MEMORY:-/dev/shm/holdpoint-locks}"; do
  for spool in "$place"/agent-*/s.*; do
    [ -d "$spool" ] && [ ! -L "$spool" ] || continue
    token=${spool##*/s.} whose=theirs
    case $token in *[!A-Za-z0-9._-]*) continue ;; esac
    [ ! -O "${spool%/*}" ] || whose=mine
    say "$whose" "$token"
  done
done
say end yes
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """The answers. `missing` and `missing_raised` are tools that `sh`, and another user's `sh`, does not find.

    `spools` are the tokens whose executions left something in this user's folder, `others` those in folders of others, as
    far as this user may look into them.
    """

    identity: Identity
    user: str
    sh: str
    sudo: str
    missing: frozenset[str]
    missing_raised: frozenset[str]
    beyond: tuple[tuple[str, str], ...]
    """Those of `missing` that root's search path has, each with the place."""
    foreign: tuple[str, ...]
    """Shared folders that belong to an ordinary user other than this one: no change of ours starts there."""
    spools: tuple[str, ...]
    others: tuple[str, ...]


def look(machine: Machine, tools: Iterable[str], raised_tools: Iterable[str], watch: Watch) -> Seen | str:
    """Ask a machine; gives its answers, or one sentence on why there are none. Nothing is kept of it anywhere."""
    values = (("tools", " ".join(sorted(tools))), ("raised_tools", " ".join(sorted(raised_tools))))
    command = Command(Script(_QUESTIONS, values), "look", PATIENCE, GRACE, sensitive=True)
    outcome = machine.read(command, watch)
    match outcome:
        case Exited(_, output) if output.value is not None and output.value.endswith(b"end=yes\n"):
            return _seen(output.value.decode("utf-8", "replace"))
        case _:
            return _why(outcome)


def _why(outcome: Outcome) -> str:
    match outcome:
        case Unreachable(why):
            return why
        case TimedOut():
            return f"it did not answer all questions within {PATIENCE.total_seconds():.0f} seconds"
        case Exited(code):
            return f"its `sh` did not answer all questions (exit code {code})"
        case _:
            return "what it answered is not known"


def _seen(text: str) -> Seen:
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        said.setdefault(name, []).append(value.strip())

    def one(name: str) -> str:
        return said.get(name, [""])[0]

    return Seen(
        identity=Identity(one("hostname") or None, one("machine_id") or None),
        user=one("user"),
        sh=one("sh"),
        sudo=one("sudo"),
        missing=frozenset(said.get("missing", ())),
        missing_raised=frozenset(said.get("missing_raised", ())),
        beyond=tuple((tool, at) for tool, _, at in (line.partition(" ") for line in said.get("beyond", ()))),
        foreign=tuple(said.get("foreign", ())),
        spools=tuple(said.get("mine", ())),
        others=tuple(said.get("theirs", ())),
    )
