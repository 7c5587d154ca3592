"""What a trainee types in a sandbox, at Holdpoint's prompt or in the sandbox's own shell: kept in one file, with the time.

Owns that file and the small programs that write to it from the shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from holdpoint.drill.records import Said

SAY, DIAGNOSE, HINT = "say", "diagnose", "hint"
NOTHING = "nothing"

_HEAD = """#!/bin/sh
said={said}
note() {{ printf '%s %s %s\\n' "$(date +%s)" "${{0##*/}}" "$*" >>"$said"; }}
"""
_PROGRAMS = {
    SAY: """[ $# -gt 0 ] || {{ echo 'say what? for example: say "I look into the full disk"' >&2; exit 2; }}
note "$@"; echo "The team was told."
""",
    DIAGNOSE: """for one in {causes}; do
  [ "$*" != "$one" ] || {{ note "$one"; echo "Noted."; exit 0; }}
done
echo "Which of them? {causes}" >&2; exit 2
""",
    HINT: """given=$(grep -c ' hint ' "$said" 2>/dev/null)
file={hints}/$((given + 1))
[ -f "$file" ] || {{ echo "There are no more hints."; exit 1; }}
note; cat "$file"
""",
}


@dataclass(frozen=True, slots=True)
class Trainee:
    """The trainee's file and programs, in a folder beside the sandbox."""

    base: Path

    @property
    def programs(self) -> Path:
        return self.base / "bin"

    def make(self, hints: Sequence[str], causes: Sequence[str]) -> None:
        """Write the programs; `causes` are what `diagnose` takes, besides `nothing`."""
        folder = self.base / "hints"
        folder.mkdir()
        for number, hint in enumerate(hints, 1):
            (folder / str(number)).write_text(f"{hint.strip()}\n")
        self.programs.mkdir()
        known = " ".join((*causes, NOTHING))
        for name, text in _PROGRAMS.items():
            given = {"said": shlex.quote(str(self._file)), "hints": shlex.quote(str(folder)), "causes": known}
            program = self.programs / name
            program.write_text((_HEAD + text).format(**given))
            program.chmod(0o755)

    def note(self, word: str, text: str = "") -> None:
        with self._file.open("a") as file:
            file.write(f"{int(datetime.now(UTC).timestamp())} {word} {' '.join(text.split())}\n")

    def said(self) -> Iterator[Said]:
        """Everything that was typed, in order."""
        with suppress(FileNotFoundError):
            for line in self._file.read_text(errors="replace").splitlines():
                moment, _, rest = line.partition(" ")
                word, _, text = rest.partition(" ")
                if moment.isdigit():
                    yield Said(datetime.fromtimestamp(int(moment), UTC), word, text)

    @property
    def _file(self) -> Path:
        return self.base / "said"
