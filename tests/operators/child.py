"""A process at a terminal, for the tests: asks one question or watches one step, and prints what came of it."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdpoint.document.model import Effect
from holdpoint.engine.ports import Target, Tier, Wish
from holdpoint.operators.console import ConsoleOperator
from holdpoint.operators.interrupts import Interrupts
from tests.views import books

QUESTIONS = {**books.QUESTIONS, "long": books.LONG}

LIMIT = 20


def wait_for(file: Path) -> None:
    end = time.monotonic() + LIMIT
    while not file.exists():
        assert time.monotonic() < end, f"{file} did not come"
        time.sleep(0.005)


def ask(name: str, seconds: str, gate: str) -> None:
    with Interrupts() as interrupts:
        operator = ConsoleOperator("ann", interrupts=interrupts, zone=UTC)
        print("ready", flush=True)
        if gate:
            wait_for(Path(gate))
        question = replace(QUESTIONS[name.removesuffix("-hidden")], hidden=name.endswith("-hidden"))
        until = datetime.now(UTC) + timedelta(seconds=float(seconds)) if seconds else None
        reply = operator.ask(question, until)
        print(f"reply: {reply!r}", flush=True)


def twice(name: str) -> None:
    with Interrupts() as interrupts:
        operator = ConsoleOperator("ann", interrupts=interrupts, zone=UTC)
        for _ in range(2):
            print(f"reply: {operator.ask(QUESTIONS[name], None)!r}", flush=True)


def watch(effect: str, done: str, output: str) -> None:
    with Interrupts() as interrupts:
        operator = ConsoleOperator("ann", interrupts=interrupts, zone=UTC)
        watching = operator.watch("truncate", (Target("db1", Tier.PROD),), Effect(effect))
        if output:
            watching.output("stdout", Path(output).read_text())
        print("watching", flush=True)
        end = time.monotonic() + LIMIT
        while (wish := watching.wish()) is Wish.GO_ON and not Path(done).exists():
            assert time.monotonic() < end, "nothing was wished"
            time.sleep(0.005)
        watching.close()
        print(f"wish: {wish}", flush=True)


if __name__ == "__main__":
    {"ask": ask, "twice": twice, "watch": watch}[sys.argv[1]](*sys.argv[2:])
