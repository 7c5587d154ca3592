"""Watching one execution: its output as it comes, a sign of life, and what Ctrl-C means while it goes on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from holdpoint.document.model import Effect
from holdpoint.engine.asked import Silence
from holdpoint.engine.facts import names
from holdpoint.engine.ports import Wish
from holdpoint.engine.target import Target
from holdpoint.journal.record import Record
from holdpoint.operators.interrupts import Interrupts, Signalled
from holdpoint.operators.terminal import Terminal
from holdpoint.problem import did_you_mean
from holdpoint.views.console import Screen
from holdpoint.views.inert import inert, output_lines
from holdpoint.views.lines import BLANK, GUTTER, GUTTER_ON, Line, Segment, Tone, chop, line, wrap
from holdpoint.views.outputs import INDENT
from holdpoint.views.times import size, span

SHOWN = 20
"""Lines of output that are shown as they come; of what follows only the count, and the last ones at the end."""
LAST = 5
LONGEST_LINE = 4096
QUIET = 1.0
"""Seconds before a sign of life is shown."""
BEAT = 0.2


class ConsoleWatch:
    """A `Watch` at a terminal. `wish` never waits; a wish, once made, stays. `close` shows what was held back."""

    def __init__(
        self,
        *,
        screen: Screen,
        terminal: Terminal,
        interrupts: Interrupts,
        key: str,
        what: str,
        targets: tuple[Target, ...],
        effect: Effect,
        run: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._screen, self._terminal, self._interrupts = screen, terminal, interrupts
        self._key, self._what, self._effect, self._run = key, what, effect, run
        self._hosts = tuple(target.name for target in targets)
        self._waiting = set(self._hosts)
        self.listens = effect is not Effect.READ and len(targets) == 1
        self._clock = clock
        self._started = self._beat = clock()
        self._partial = ""
        self._shown = self._held = self._bytes = 0
        self._last: deque[str] = deque(maxlen=LAST)
        self._menu = False
        self._about = ""
        self._wish = Wish.GO_ON

    @property
    def shows_output(self) -> bool:
        """Whether output is on the screen already; that of a read is shown with its result."""
        return self._shown > 0

    def goes_on(self, record: Record) -> bool:
        """Take a record in; whether other targets have yet to answer to the same."""
        if len(self._hosts) == 1 or self._key not in (record.data.get("step"), record.data.get("item")):
            return False
        self._waiting.discard(str(record.data.get("host")))
        return bool(self._waiting)

    # --- output

    def output(self, stream: str, text: str) -> None:
        """Take output as it comes, in pieces of any size."""
        del stream
        if not self.listens:
            return
        self._bytes += len(text.encode(errors="replace"))
        joined = self._partial + text
        return_ends = joined.endswith("\r")
        *whole, self._partial = joined.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._partial += "\r" if return_ends else ""
        if len(self._partial) > LONGEST_LINE:
            whole.append(self._partial)
            self._partial = ""
        room = 0 if self._menu else max(0, SHOWN - self._shown)
        fresh = [piece for one in whole[:room] for piece in self._drawn(one)]
        held = whole[room:]
        self._shown += len(whole) - len(held)
        self._held += len(held)
        self._last.extend(one[:LONGEST_LINE] for one in held[-LAST:])
        if fresh:
            self._screen.lines(fresh)

    def close(self) -> None:
        """Show the unfinished line, and the last of what was only counted."""
        if self._partial:
            self.output("", "\n")
        if self._menu:
            self._menu = False
            self._screen.newline()
            self._screen.lines([line("It ended while you were choosing.", Tone.BOLD)])
        if self._held:
            missing = self._held - len(self._last)
            more = f"... {missing:,} more lines ({size(self._bytes)} in all), kept whole with the run"
            drawn = [self._beside(Segment(more, Tone.DIM))] if missing else []
            self._screen.lines([*drawn, *(piece for one in self._last for piece in self._drawn(one))])
            self._shown, self._held = self._shown + self._held, 0
            self._last.clear()
        self._screen.clear()

    def _drawn(self, text: str) -> list[Line]:
        width = self._screen.width - INDENT - len(GUTTER)
        pieces = chop(next(iter(output_lines(text[:LONGEST_LINE])), ""), width)
        return [
            self._beside(Segment(GUTTER_ON if index else GUTTER, Tone.FRAME), Segment(piece, Tone.DIM))
            for index, piece in enumerate(pieces)
        ]

    def _beside(self, *segments: Segment) -> Line:
        return (Segment(" " * INDENT), *segments)

    def about(self, what: str) -> None:
        """Show beside the sign of life what the machine is about, until it says otherwise."""
        self._about = what

    def lost(self, host: str, why: str) -> None:
        """Show that a connection is made again; which, and why, stands in its record."""
        del host, why
        self._about = "the connection was lost; dialling again"

    def regained(self, host: str) -> None:
        del host
        self._about = ""

    # --- wishes

    def wish(self) -> Wish:
        """What the person wants of it now; shows that it lives still."""
        if self._wish is Wish.GO_ON:
            arrived = self._interrupts.take()
            if arrived is not None:
                self._wish = self._wish_at(arrived)
            elif self._menu:
                self._read_menu()
        if self._wish is Wish.GO_ON and not self._menu:
            self._show_life()
        return self._wish

    def _wish_at(self, arrived: Signalled) -> Wish:
        """A read is ended, since nothing is lost with it; a change is never ended without the word for it."""
        if self._effect is Effect.READ:
            return Wish.END
        if arrived is Signalled.TERMINATE or self._menu or not self._terminal.present:
            if self._menu:
                self._menu = False
                self._screen.newline()
            return Wish.LEAVE
        self._open_menu()
        return Wish.GO_ON

    def _open_menu(self) -> None:
        width = self._screen.width
        drawn = [
            BLANK,
            *(line(piece, Tone.BOLD) for piece in wrap(f"It runs on while you choose: {self._at()}", width)),
        ]
        for word, does in (
            ("wait", "go on watching until it ends; Enter does the same"),
            ("leave", f"let it run there, and go; inv run.resume {self._run} takes it up again"),
            ("end", "end it now, in the middle; what it did so far stays done"),
        ):
            first, *rest = wrap(does, width - 9)
            drawn += [(Segment("  "), Segment(f"{word:<7}", Tone.BOLD), Segment(first))]
            drawn += [line(" " * 9 + piece) for piece in rest]
        self._menu = True
        self._ask_menu([*drawn, line("Ctrl-C once more leaves it running too.")])

    def _ask_menu(self, drawn: list[Line]) -> None:
        self._terminal.forget()
        self._screen.lines(drawn, prompt="wait, leave or end> ")

    def _read_menu(self) -> None:
        typed = self._terminal.line_if_typed()
        match typed:
            case None:
                return
            case "wait" | "" | Silence():
                self._menu = False
                self._screen.lines([line("Watching on.", Tone.DIM)])
            case "leave" | "end":
                self._menu = False
                self._wish = Wish(typed)
            case str(other):
                close = did_you_mean(other.lower(), ("wait", "leave", "end"))
                text = f"`{other}` is none of the words. {close[:1].upper()}{close[1:]}".strip()
                self._ask_menu([line(piece) for piece in wrap(text, self._screen.width)])

    def _show_life(self) -> None:
        moment = self._clock()
        if moment - self._started < QUIET or moment - self._beat < BEAT:
            return
        self._beat = moment
        spent = span(timedelta(seconds=int(moment - self._started)))
        counted = f", {self._shown + self._held:,} lines, {size(self._bytes)}" if self._held else ""
        about = inert(f"{self._about}: ") if self._about else ""
        self._screen.progress(f"{' ' * 10}{spent:<9} {about}{self._at()}{counted}")

    def _at(self) -> str:
        if len(self._hosts) == 1:
            return inert(f"{self._what}  ({self._hosts[0]})")
        answered = len(self._hosts) - len(self._waiting)
        still = names(host for host in self._hosts if host in self._waiting)
        return inert(f"{self._what}  ({answered} of {len(self._hosts)} hosts; waiting for {still})")
