"""What a trainee types in a sandbox, at Holdpoint's prompt or in the sandbox's own shell: kept in one file, with the time.

Owns that file and the small programs that write to it from the shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from holdpoint.drill.records import CHANGED, DIAGNOSE, FOUND, HINT, SAY, TRAPPED, Said
from holdpoint.drill.score import HINTS

_HEAD = """#!/bin/sh
said={said}
note() {{ printf '%s %s %s\\n' "$(date +%s)" "$1" "$(shift; printf %s "$*" | tr '\\n\\r' '  ')" >>"$said"; }}
changed() {{ grep -q '^[0-9]* changed ' "$said" 2>/dev/null; }}
look() {{ changed || sh {look} || note changed; }}
"""
_PROGRAMS = {
    SAY: """[ $# -gt 0 ] || {{ echo 'say what? for example: say "I look into the full disk"' >&2; exit 2; }}
look
note say "$@"; echo "The team was told."
""",
    FOUND: """[ $# -gt 0 ] || {{ echo 'found what? for example: found "df says 100 %, du finds 2 GB"' >&2; exit 2; }}
look
note found "$@"
if changed; then echo "The team was told. Something was changed before, so it is no evidence of how it was."
else echo "Kept as evidence, and the team was told."
fi
""",
    DIAGNOSE: """for one in {causes}; do
  [ "$*" != "$one" ] || known=yes
done
[ "${{known-}}" ] || {{ printf 'NOT noted: `%s` is no cause. ' "$*"; cat {meanings}; exit 2; }} >&2
was=$(sed -n 's/^[0-9]* diagnose //p' "$said" 2>/dev/null | tail -n 1)
look
note diagnose "$*"
if changed; then echo "Noted; but something was changed before, so it gives no points."
else echo "Noted.${{was:+ It replaces \\`$was\\`.}}"
fi
""",
    HINT: """given=$(grep -c '^[0-9]* hint ' "$said" 2>/dev/null)
file={hints}/$((given + 1))
[ -f "$file" ] || {{ echo "There are no more hints."; exit 1; }}
note hint; cat "$file"
""",
}


@dataclass(frozen=True, slots=True)
class Trainee:
    """The trainee's file and programs, in a folder beside the sandbox."""

    base: Path

    @property
    def programs(self) -> Path:
        return self.base / "bin"

    def make(
        self, hints: Sequence[str], causes: Iterable[str], meanings: str, look: str, programs: Sequence[Path] = ()
    ) -> None:
        """Write the programs; `causes` are what `diagnose` takes, and `meanings` is what it prints where it was given none.

        `look` is a script that ends with 0 where all is as it was at the beginning. `programs` are found by their names.
        """
        folder = self.base / "hints"
        folder.mkdir()
        for number, (hint, cost) in enumerate(zip(hints, HINTS, strict=True), 1):
            (folder / str(number)).write_text(f"{hint.strip()}  (-{cost} points)\n")
        telling, looking = self.base / "causes", self.base / "look"
        telling.write_text(f"Type one of:\n{meanings}\n")
        looking.write_text(look)
        given = {
            "said": shlex.quote(str(self._file)),
            "hints": shlex.quote(str(folder)),
            "causes": " ".join(causes),
            "meanings": shlex.quote(str(telling)),
            "look": shlex.quote(str(looking)),
        }
        self.programs.mkdir()
        for name, text in _PROGRAMS.items():
            self._program(name, (_HEAD + text).format(**given))
        for target in programs:
            self._program(target.name, f'#!/bin/sh\nexec {shlex.quote(str(target))} "$@"\n')

    def offer(self, inv: Sequence[str], runbook: Sequence[str], repository: Path, texts: Mapping[str, str]) -> None:
        """Write the other words of the prompt for the shell: `inv`, `runbook`, and those that print a text."""
        for name, text in texts.items():
            self._program(name, f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(text)}\n")
        for name, command in (("inv", inv), ("runbook", runbook)):
            starts = f'cd {shlex.quote(str(repository))} && exec {shlex.join(command)} "$@"'
            self._program(name, f"#!/bin/sh\n{starts}\n")
        self._program("leave", "#!/bin/sh\necho 'Type `exit`, and then `leave`.'\n")

    def _program(self, name: str, text: str) -> None:
        program = self.programs / name
        program.write_text(text)
        program.chmod(0o755)

    def note(self, word: str, text: str = "", time: datetime | None = None) -> None:
        with self._file.open("a") as file:
            moment = int((time or datetime.now(UTC)).timestamp())
            file.write(f"{moment} {word} {' '.join(text.split())}\n")

    def said(self) -> Iterator[Said]:
        """Everything that was typed, in order; a line that is none of its words' counts as none."""
        with suppress(FileNotFoundError):
            for line in self._file.read_text(errors="replace").split("\n"):
                moment, _, rest = line.partition(" ")
                word, _, text = rest.partition(" ")
                with suppress(ValueError, OverflowError, OSError):
                    time = datetime.fromtimestamp(int(moment), UTC)
                    if word in (SAY, FOUND, DIAGNOSE, HINT, CHANGED, TRAPPED):
                        yield Said(time, word, text)

    @property
    def _file(self) -> Path:
        return self.base / "said"
