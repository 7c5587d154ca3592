"""Edges of the engine that were once wrong: doubt, takeover, rollback, jumps, values that are not known, several hosts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from holdpoint.app import running
from holdpoint.document.model import Runbook
from holdpoint.engine import aftermath, loop
from holdpoint.engine.asked import Answer, By, Silence
from holdpoint.engine.loop import Ended
from holdpoint.engine.outcomes import Captured, Exited, Outcome, TimedOut, Unknown, Unreachable
from holdpoint.engine.ports import Claim
from holdpoint.engine.session import Ports, Session
from holdpoint.engine.state import replay
from holdpoint.engine.target import Target, Tier
from holdpoint.planning import build
from holdpoint.planning.plan import Plan
from holdpoint.planning.rollback import rollback
from holdpoint.planning.values import bind
from holdpoint.problem import Exit
from tests.engine.fakes import FakeCrew, FakeJournal, FakeMachine, Killed, World, load, printed

H = """
schema: holdpoint/runbook/1
id: %s
title: T
owner: ops
severity: SEV1
services: []
alerts: []
matches: []
reviewed: 2026-11-23
"""


def doc(  # noqa: PLR0917
    symptoms: str = "[]",
    diagnostic: str = "[]",
    resolution: str = "[]",
    prevention: str = "[]",
    rollback: str = "[]",
    rest: str = "",
    id: str = "t",  # noqa: A002
) -> Runbook:
    sections = {"symptoms": symptoms, "diagnostic": diagnostic, "resolution": resolution, "prevention": prevention}
    text = "".join(f"{name}: {steps}\n" for name, steps in (sections | {"rollback": rollback}).items())
    return load(H % id + text + rest)


OK = Exited(0, Captured())
BAD = Exited(1, Captured())


def L(*steps: str) -> str:  # noqa: N802
    return "".join(f"\n  - {step}" for step in steps)


def seq(*outcomes: Outcome) -> Callable[[str], Outcome]:
    left = list(outcomes)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def roll(w: World, answers: dict[str, Any], outcomes: Any = None) -> tuple[Plan, Ended]:
    s = w.session()
    plan = rollback(s.plan, "r1", aftermath.left(s.facts()), w.others.__getitem__)
    w.operator.answers |= answers
    if outcomes is not None:
        w.machine.outcomes = outcomes
    w.journal = FakeJournal(w.clock, w.points)
    w.machine.journal = w.journal
    a = w.session(plan, run="r2")
    return plan, loop.go(a, aftermath.opened(plan, "r2", "real", {"web1": w.machine.target}, ""))


CH = "{id: %s, title: A, effect: change, run: do-%s, undo: {run: un-%s}%s}"


def ch(i, more=""):
    return CH % (i, i, i, more and ", " + more)


def test_settle_unreachable_runs_twice():
    w = World(doc(resolution=L(ch("a"))), {"a": ["run"]})
    # kill right after the effect happened, before result
    for k in range(200):
        w = World(doc(resolution=L(ch("a"))), {"a": ["run"]})
        w.points.kill_at = k
        with contextlib.suppress(Killed):
            w.begin()
        if w.machine.effects:
            break
    assert w.machine.effects == ["do-a"]
    real = w.machine.settle
    w.machine.settle = lambda c, t, x: Unreachable("connection lost")
    w.resume()
    assert w.machine.holder is not None, "lock was given back while the change is in doubt"
    w.machine.settle = real
    w.resume()
    assert w.machine.effects == ["do-a"], w.machine.effects


def test_settle_unreachable_rollback_omits():
    for k in range(200):
        w = World(doc(resolution=L(ch("a"))), {"a": ["run"]})
        w.points.kill_at = k
        with contextlib.suppress(Killed):
            w.begin()
        if w.machine.effects:
            break
    w.machine.settle = lambda c, t, x: Unreachable("agent cannot be started")
    s = w.session()
    stopped = running._settle_all(s)
    done = aftermath.changes_made(s.facts())
    assert stopped is not None or done, "goes on, and nothing is to be undone"


def test_takeover_gives_lock_back():
    w = World(doc(resolution=L(ch("a"))), {"a": ["run"]})
    w.machine.holder = (Claim("r0", "bob", w.clock.now(), "x"), 3)
    w.machine.epoch = 3
    w.machine.alive = ["r0.tok"]
    s = w.session()
    s.take_over = True
    s.record(aftermath.opened(s.plan, "r1", "real", {"web1": w.machine.target}, ""))
    e = loop.go(s)
    assert e.exit is Exit.UNKNOWN
    "holder"
    w.resume()  # without take over; r0.tok still alive
    assert w.machine.effects == [], "changed while the old owner's step still runs"


def test_takeover_killed_between():
    hit = []
    for k in range(60):
        w = World(doc(resolution=L(ch("a"))), {"a": ["run"]})
        w.machine.holder = (Claim("r0", "bob", w.clock.now(), "x"), 3)
        w.machine.epoch = 3
        w.machine.alive = ["r0.tok"]
        w.points.kill_at = k
        s = w.session()
        s.take_over = True
        try:
            s.record(aftermath.opened(s.plan, "r1", "real", {"web1": w.machine.target}, ""))
            loop.go(s)
        except Killed:
            if w.machine.holder and w.machine.holder[0].run == "r1":
                w.resume()
                if w.machine.effects:
                    hit.append(k)
    assert not hit, hit


def test_in_doubt_retry():
    w = World(doc(resolution=L(ch("a", "idempotent: true, retry: {max: 3, backoff: 1s, exit: [75]}"))), {"a": ["run"]})
    w.machine.outcomes = {"do-a": TimedOut(ended=False, output=Captured())}
    w.begin()
    assert len(w.machine.effects) == 1


def test_verify_unreachable_reruns():
    w = World(
        doc(resolution=L(ch("a", "idempotent: true, retry: {max: 3, backoff: 1s}, verify: {run: chk}"))), {"a": ["run"]}
    )
    w.machine.outcomes = {"chk": Unreachable("connection lost")}
    e = w.begin()
    assert e.exit is Exit.UNKNOWN
    assert len(w.machine.effects) == 1


def test_verify_unreachable_rolls_back():
    w = World(doc(resolution=L(ch("a", "on_failure: rollback, verify: {run: chk}"))), {"a": ["run"]})
    w.machine.outcomes = {"chk": Unreachable("connection lost")}
    e = w.begin()
    assert e.wants == ""
    assert e.exit is Exit.UNKNOWN


def test_rollback_continue():
    w = World(
        doc(
            resolution=L(ch("a")),
            rollback=L("{id: r, title: R, effect: change, run: restore, irreversible: x, on_failure: continue}"),
        ),
        {"a": ["run"]},
    )
    assert w.begin().exit is Exit.OK
    _, e = roll(w, {"undo-a": ["run"], "r": ["run"]}, {"restore": BAD})
    assert e.exit is Exit.ROLLBACK_FAILED


def test_rollback_manual_skipped():
    w = World(doc(resolution=L(ch("a")), rollback=L("{id: r, title: R, manual: Restore the backup}")), {"a": ["run"]})
    w.begin()
    _, e = roll(w, {"undo-a": ["run"], "r": ["skip"]})
    assert e.exit is Exit.ROLLBACK_FAILED


def test_rollback_goto():
    w = World(
        doc(
            resolution=L(ch("a")),
            rollback=L(
                "{id: r, title: R, effect: change, run: restore, irreversible: x, on_failure: goto, goto: z}",
                "{id: y, title: Y, effect: change, run: y, irreversible: x}",
                "{id: z, title: Z, effect: change, run: z, irreversible: x}",
            ),
        ),
        {"a": ["run"]},
    )
    w.begin()
    _, e = roll(w, {"undo-a": ["run"], "r": ["run"], "z": ["run"]}, {"restore": BAD})
    assert e.exit is Exit.ROLLBACK_FAILED


def test_rollback_when_ignored():
    w = World(
        doc(
            resolution=L(ch("a")),
            diagnostic=L("{id: d, title: D, run: rd, register: {n: {type: integer}}}"),
            rollback=L(
                "{id: r, title: R, effect: destroy, run: destroy-it, irreversible: x, when: {value: n, op: gt, than: 5}}"
            ),
        ),
        {"a": ["run"]},
    )
    w.machine.outcomes = {"rd": printed("1")}
    w.begin()
    _p, _e = roll(w, {"undo-a": ["run"], "r": ["run"]})
    assert "destroy-it" not in w.machine.effects


def test_rollback_use():
    w = World(
        doc(resolution=L(ch("a")), rollback=L("{id: r, title: R, use: other}")),
        {"a": ["run"]},
        others={"other": doc(id="other")},
    )
    w.begin()
    _p, _e = roll(w, {"undo-a": ["run"]})


def test_undo_lost_unreachable_second():
    w = World(doc(resolution=L(ch("a", "idempotent: true, retry: {max: 1, backoff: 1s}"))), {"a": ["run"]})
    w.machine.outcomes = {"do-a": seq(BAD, Unreachable("lost"))}
    w.begin()
    s = w.session()
    assert aftermath.changes_made(s.facts())


def test_undo_lost_never_started_second():
    for k in range(300):
        w = World(doc(resolution=L(ch("a"))), {"a": ["run"]})
        w.machine.outcomes = {"do-a": BAD}
        w.begin()
        assert w.machine.effects == ["do-a"]
        w.points.kill_at = w.points.passed + k
        with contextlib.suppress(Killed):
            w.resume()
        if w.kinds()[-1] == "step.intent" and len(w.machine.effects) == 1:
            break
    s = w.session()
    running._settle_all(s)
    assert aftermath.changes_made(s.facts()), "attempt 1 failed half-way and is not undone"


def test_notify_happened_loops():
    for k in range(100):
        w = World(doc(resolution=L("{id: n, title: N, notify: {to: x, say: hi}}")), {})
        w.points.kill_at = k
        with contextlib.suppress(Killed):
            w.begin()
        if w.kinds()[-1:] == ["step.intent"]:
            break
    n = [0]

    def ans(q):
        n[0] += 1
        return "happened" if n[0] < 50 else "stop"

    w.operator.answers["n"] = [ans]
    w.resume()
    assert n[0] == 1


def test_rollback_races():
    w = World(doc(resolution=L(ch("a"))), {"a": ["run", Silence.NO_TERMINAL]})
    w.machine.outcomes = {"do-a": TimedOut(ended=False, output=Captured())}
    w.begin()
    tok = next(r.data["token"] for r in w.journal.records if r.kind == "step.intent")
    w.machine.alive = [tok]
    s = w.session()
    assert running._settle_all(s) is None
    _p, _e = roll(w, {"undo-a": ["run"]}, {})
    assert "un-a" not in w.machine.effects, "undone while it runs"


def test_proceed_use():
    inner = doc(resolution=L(ch("b")), id="inner")
    w = World(
        doc(resolution=L("{id: s, title: S, use: inner}"), rest="recovered: {run: ok}"),
        {"s/b": ["run"], "proceed": ["run"]},
        others={"inner": inner},
    )
    w.begin()
    assert "proceed" in [q.key for q in w.operator.questions]


def test_recovered_unknown_is_ok():
    w = World(
        doc(
            diagnostic=L("{id: d, title: D, run: rd, register: {n: {type: integer}}}"),
            rest="causes:\n  - {id: c, title: C, when: {value: n, op: gt, than: 5}, evidence: x}\nrecovered: {run: rec}",
        )
    )
    w.machine.outcomes = {"rd": printed("1"), "rec": Unreachable("lost")}
    e = w.begin()
    assert e.exit is not Exit.OK


def test_symptom_not_looked_at_is_ok():
    w = World(
        doc(
            symptoms=L("{id: s, title: S, run: sym, on_failure: continue}"),
            diagnostic=L("{id: d, title: D, run: rd, register: {n: {type: integer}}}"),
            rest="causes:\n  - {id: c, title: C, when: {value: n, op: gt, than: 5}, evidence: x}\n",
        )
    )
    w.machine.outcomes = {"rd": printed("1"), "sym": TimedOut(True, Captured())}
    e = w.begin()
    assert e.exit is not Exit.OK


def test_symptom_present_all_failed_exit0():
    w = World(
        doc(symptoms=L("{id: s, title: S, run: sym}"), resolution=L(ch("a", "on_failure: continue"))), {"a": ["run"]}
    )
    w.machine.outcomes = {"do-a": BAD}
    e = w.begin()
    assert e.exit is not Exit.OK


def test_symptom_present_all_skipped_exit0():
    w = World(doc(symptoms=L("{id: s, title: S, run: sym}"), resolution=L(ch("a"))), {"a": ["skip"]})
    e = w.begin()
    assert e.exit is not Exit.OK


def test_sensitive_ask_resume():
    w = World(
        doc(
            diagnostic=L("{id: q, title: Q, ask: What?, sensitive: true, register: {pw: {type: string}}}"),
            resolution=L("{id: a, title: A, effect: change, run: 'do-a \"$pw\"', undo: {run: un-a}}"),
        ),
        {"q": ["hunter2"], "a": ["stop"]},
    )
    e = w.begin()
    w.operator.answers["a"] = ["run"]
    e = w.resume()
    assert w.machine.effects or e.exit is not Exit.OK


def test_empty_sensitive():
    w = World(
        doc(
            diagnostic=L(
                "{id: d, title: D, run: rd, sensitive: true, register: {n: {type: string}}}",
                "{id: e, title: D, run: re, register: {m: {type: string}}}",
            )
        )
    )
    w.machine.outcomes = {"rd": printed(""), "re": printed("hello")}
    e = w.begin()
    assert e.exit is Exit.OK


def test_slow_reads_loop():
    w = World(
        doc(
            diagnostic=L(
                "{id: d, title: D, run: rd, timeout: 20m, register: {n: {type: integer}}}",
                "{id: e, title: D, run: re, timeout: 20m, register: {m: {type: integer}}}",
            ),
            resolution=L("{id: a, title: A, effect: change, run: 'do-a \"$n$m\"', undo: {run: un-a}}"),
        ),
        {"a": ["run"]},
    )

    class EnoughError(Exception):
        pass

    def slow(_):
        w.clock.time += timedelta(minutes=11)
        if len(w.machine.reads) > 200:
            raise EnoughError
        return printed("1")

    w.machine.outcomes = {"rd": slow, "re": slow}
    w.begin()


def test_happened_red_dead_end():
    w = World(doc(resolution=L(ch("a", "verify: {run: chk}"))), {"a": ["run", "happened"]})
    w.machine.outcomes = {"do-a": Unknown("gone"), "chk": BAD}
    e = w.begin()
    w.machine.outcomes = {"chk": OK}
    w.operator.answers["a"] = ["run"]
    len(w.machine.reads)
    e = w.resume()
    assert e.exit is Exit.OK


def test_read_backoff():
    w = World(doc(diagnostic=L("{id: d, title: D, run: rd, retry: {max: 3, backoff: 30s}}")))
    w.machine.outcomes = {"rd": BAD}
    t = w.clock.time
    w.begin()
    assert w.clock.time - t > timedelta(seconds=30)


def test_undo_order():
    w = World(
        doc(resolution=L(ch("a", "on_failure: continue, verify: {run: chk}"), ch("b"))), {"a": ["run"], "b": ["run"]}
    )
    w.machine.outcomes = {"chk": BAD, "do-b": BAD}
    print(w.begin())
    w.operator.answers["b"] = ["stop"]
    w.operator.answers["a"] = ["stop"]
    w.machine.outcomes["chk"] = OK
    s = w.session()
    d = [x.item.key for x in aftermath.changes_made(s.facts())]
    assert d == ["a", "b"], d


def test_goto_use():
    w = World(
        doc(resolution=L(ch("a", "on_failure: goto, goto: s"), ch("b"), "{id: s, title: S, use: inner}")),
        {"a": ["run"], "b": ["run"], "s/c": ["run"]},
        others={"inner": doc(resolution=L(ch("c")), id="inner")},
    )
    w.machine.outcomes = {"do-a": BAD}
    w.begin()
    assert "do-b" not in w.machine.effects, w.machine.effects


def test_recovered_unset():
    w = World(
        doc(
            diagnostic=L("{id: d, title: D, run: rd, on_failure: continue, register: {n: {type: string}}}"),
            resolution=L(ch("a")),
            rest="recovered: {run: 'test -z \"$n\"'}",
        ),
        {"a": ["run"], "proceed": ["run"]},
    )
    got = []

    def rec(t):
        got.append(t)
        return OK

    w.machine.outcomes = {"rd": BAD, "test -z": rec}
    w.begin()
    assert all("n=" in t for t in got)


def test_verify_own_unset_settles_doubt():
    w = World(
        doc(
            resolution=L(
                "{id: a, title: A, effect: change, run: do-a, undo: {run: un-a}, register: {pid: {type: string}}, verify: {run: 'chk \"$pid\"'}}"
            )
        ),
        {"a": ["run"]},
    )
    got = []

    def rec(t):
        got.append(t)
        return OK

    w.machine.outcomes = {"do-a": Unknown("x"), "chk": rec}
    w.begin()
    assert all("pid=" in t for t in got)


def test_symptom_register():
    w = World(
        doc(
            symptoms=L("{id: s, title: S, run: sym, register: {n: {type: integer}}}"),
            resolution=L("{id: a, title: A, effect: change, run: 'do-a \"$n\"', undo: {run: un-a}}"),
        ),
        {"a": ["run"]},
    )
    w.machine.outcomes = {"sym": printed("5")}
    w.begin()
    assert w.machine.effects


def test_escalation_scope():
    inner = doc(
        resolution=L(ch("c", "escalate: [{after: 5m, to: bob, say: 'disk {mount}'}]")),
        id="inner",
        rest="params: {mount: {type: string}}",
    )
    w = World(
        doc(
            resolution=L("{id: s, title: S, use: {runbook: inner, with: {mount: /inner}}}"),
            rest="params: {mount: {type: string, default: /outer}}",
        ),
        {"s/c": ["escalate", "run"]},
        others={"inner": inner},
    )
    w.begin()
    assert "/inner" in w.messenger.sent[0][1], w.messenger.sent


def test_escalation_approval():
    w = World(
        doc(resolution=L(ch("a", "gate: {approvers: 2}, escalate: [{after: 15m, to: bob, say: 'x'}]"))), {"a": ["run"]}
    )
    t0 = w.clock.time
    w.machine.approvals = lambda r, d: ("bob",) if w.clock.time - t0 > timedelta(hours=2) else ()
    w.begin()
    assert w.messenger.sent


def test_approval_reused():
    w = World(doc(resolution=L(ch("a", "gate: {approvers: 2}"))), {"a": ["run", "again", "run"]})
    w.machine.outcomes = {"do-a": seq(Unknown("x"), OK)}
    asked = []

    def app(r, d):
        asked.append(d)
        return ("bob",)

    w.machine.approvals = app
    w.begin()
    assert len(set(asked)) == 2


def test_nested_unknown():
    inner = doc(
        diagnostic=L("{id: d, title: D, run: rd, register: {n: {type: integer}}}"),
        resolution=L(ch("c", "for: [k]")),
        id="inner",
        rest="causes:\n  - {id: k, title: C, when: {value: n, op: gt, than: 5}, evidence: x}\n",
    )
    w = World(
        doc(
            diagnostic=L("{id: d, title: D, run: zz, on_failure: continue, register: {v: {type: integer}}}"),
            resolution=L("{id: s, title: S, use: inner, when: {value: v, op: gt, than: 1}}", ch("a")),
        ),
        {"a": ["run"]},
        others={"inner": inner},
    )
    w.machine.outcomes = {"zz": BAD}
    w.begin()
    assert "do-a" in w.machine.effects


def test_before_none_text():
    w = World(doc(resolution=L(ch("a")), rest="recovered: {run: rec}"), {"a": ["run"], "proceed": ["run"]})
    w.machine.outcomes = {"rec": seq(Unreachable("x"), OK)}
    e = w.begin()
    assert "was green before" not in e.why


def test_rollback_skip_final():
    w = World(doc(resolution=L(ch("a"))), {"a": ["run"]})
    w.begin()
    _p, _e = roll(w, {"undo-a": ["skip"]})
    assert w.kinds()[-1] == "run.stopped"


def test_manual_change():
    w = World(
        doc(
            resolution=L(
                "{id: m, title: M, effect: destroy, irreversible: x, manual: Drop the table, gate: {approvers: 2}}"
            )
        ),
        {"m": ["done"], "opening": ["run"]},
        tier=Tier.PROD,
    )
    w.machine.approvals = lambda r, d: ()
    w.begin()
    assert "lock.taken" in w.kinds()


def pair(w, hosts, here, tiers=None):
    ms = {}
    for n in dict.fromkeys((*hosts, here)):
        ms[n] = FakeMachine(w.points, Target(n, (tiers or {}).get(n, Tier.LOCAL)), journal=w.journal)
    plan = build.plan(w.runbook, bind(w.runbook, w.params), hosts=hosts, here=here, key=b"k", load=w.others.__getitem__)

    def sess(p=plan, run="r1"):
        for m in ms.values():
            m.journal = w.journal
        return Session(
            p,
            Ports(ms, w.operator, w.clock, w.journal, w.documents, w.messenger, w.runs, FakeCrew()),
            run,
            "ann",
            replay(w.journal.records),
        )

    return plan, ms, sess


def start(s, ms, run="r1"):
    s.record(aftermath.opened(s.plan, run, "real", {n: m.target for n, m in ms.items()}, ""))
    return loop.go(s)


READ = "{id: d, title: D, run: rd%s, register: {n: {type: integer}}}"
USE = "{id: a, title: A, effect: change, run: 'do-a \"$n\"', undo: {run: 'un-a \"$n\"'}}"


def test_mh_stale_loop():
    w = World(doc(diagnostic=L(READ % ""), resolution=L(USE)))
    _plan, ms, sess = pair(w, ("web1", "lap"), "lap")

    def late(q):
        w.clock.time += timedelta(minutes=11)
        return "run"

    w.operator.answers["a"] = [late, "run"]
    for m in ms.values():
        m.outcomes = {"rd": printed("1")}
    try:
        print(start(sess(), ms))
    except RuntimeError:
        print({n: len(m.reads) for n, m in ms.items()})
        raise


def test_mh_value_leak():
    w = World(
        doc(diagnostic=L((READ % "").replace("register", "on_failure: continue, register")), resolution=L(USE)),
        {"a": ["run"]},
    )
    _plan, ms, _sess = pair(w, ("web1", "lap"), "lap")
    ran = []

    def run(t):
        ran.append(t)
        return OK

    ms["web1"].outcomes = {"rd": BAD, "do-a": run}
    ms["lap"].outcomes = {"rd": printed("42"), "do-a": OK}
    assert not ran, ran


def test_mh_seeds():
    w = World(
        doc(
            diagnostic=L("{id: d, title: D, where: local, run: rd, register: {n: {type: integer}}}"), resolution=L(USE)
        ),
        {"a": ["run"]},
    )
    plan, ms, sess = pair(w, ("web1",), "lap")
    ms["lap"].outcomes = {"rd": printed("42")}
    start(sess(), ms)
    s = sess()
    p = rollback(plan, "r1", aftermath.left(s.facts()), w.others.__getitem__)
    w.operator.answers = {"undo-a": ["run"]}
    w.journal = FakeJournal(w.clock, w.points)
    s = sess(p, "r2")
    e = start(s, ms, "r2")
    assert e.exit is Exit.ROLLED_BACK


def test_mh_goto_local():
    w = World(
        doc(
            resolution=L(
                "{id: a, title: A, where: local, effect: change, run: do-a, undo: {run: un-a}, on_failure: goto, goto: c}",
                ch("b"),
                ch("c"),
            )
        ),
        {k: ["run"] for k in "abc"},
    )
    _plan, ms, sess = pair(w, ("web1",), "lap")
    ms["lap"].outcomes = {"do-a": BAD}
    start(sess(), ms)
    assert "do-b" not in ms["web1"].effects


def test_mh_prod_local_script():
    w = World(
        doc(resolution=L("{id: a, title: A, where: local, effect: destroy, run: kubectl-delete, irreversible: x}")),
        {"a": ["run"]},
        by=By.SCRIPT,
    )
    _plan, ms, sess = pair(w, ("web1",), "lap", {"web1": Tier.PROD})
    w.operator.answers["opening"] = ["run"]

    class Mixed:
        pass

    op = w.operator
    orig = op.ask

    def ask(q, u):
        r = orig(q, u)
        return Answer(r.text, r.person, By.HAND) if q.key == "opening" else r

    op.ask = ask
    start(sess(), ms)
    assert not ms["lap"].effects


def test_mh_notify_many():
    w = World(doc(resolution=L("{id: n, title: N, notify: {to: x, say: hi}}")))
    _plan, ms, sess = pair(w, ("w1", "w2", "w3"), "lap")
    start(sess(), ms)
    assert len(w.messenger.sent) == 1


def test_undo_sensitive():
    w = World(doc(resolution=L(ch("a", "sensitive: true, gate: {approvers: 2}"))), {"a": ["run"]})
    w.machine.approved = ["bob"]
    w.begin()
    got = []
    real = w.machine.change

    def change(c, t, x):
        got.append(c.sensitive)
        return real(c, t, x)

    w.machine.change = change
    w.machine.outcomes = {"un-a": printed("the generated password: hunter2")}
    _p, _e = roll(w, {"undo-a": ["run"]})
    assert "hunter2" not in str([r.data for r in w.journal.records])
    assert [question.approvers for question in w.operator.questions] == [2, 2]


def test_root_doc_changed_nested():
    inner = doc(resolution=L(ch("c")), id="inner")
    w = World(doc(resolution=L("{id: s, title: S, use: inner}")), {"s/c": ["run"]}, others={"inner": inner})
    w.documents.difference = lambda rb, _: "changed" if rb.id == "t" else ""
    w.begin()
    assert not w.machine.effects


def test_a_lock_of_a_process_that_was_killed_is_given_back_at_the_end() -> None:
    w = World(doc(resolution=L(ch("a"), "{id: m, title: M, manual: Look}")), {"a": ["run"], "m": ["done"]})
    counted = World(doc(resolution=L(ch("a"), "{id: m, title: M, manual: Look}")), {"a": ["run"], "m": ["done"]})
    counted.begin()
    for point in range(counted.points.passed - 2):
        w = World(doc(resolution=L(ch("a"), "{id: m, title: M, manual: Look}")), {"a": ["run"], "m": ["done"]})
        w.points.kill_at = point
        with pytest.raises(Killed):
            w.begin()
        assert w.resume().exit is Exit.OK
        assert w.machine.holder is None, point


def test_output_that_holds_a_secret_in_any_form_is_not_registered() -> None:
    w = World(doc(diagnostic=L("{id: d, title: D, run: x, register: {n: {type: string}}}")))
    w.machine.outcomes = {"x": Exited(0, Captured(stdout="[masked]", value=b"c2VjcmV0", secret=True))}
    assert w.begin().exit is Exit.FAILED
    assert "c2VjcmV0" not in str([record.data for record in w.journal.records])


def test_an_answer_is_asked_for_again_where_what_rests_on_it_failed() -> None:
    pick = "{id: pick, title: P, run: 'pick \"$which\"', register: {n: {type: integer}}}"
    w = World(
        doc(diagnostic=L("{id: ask, title: A, ask: Which?, register: {which: {type: string}}}", pick)),
        {"ask": ["abc", "7"]},
    )
    w.machine.outcomes = {"which='abc'": BAD, "which='7'": printed("7")}
    assert w.begin().exit is Exit.FAILED
    assert w.resume().exit is Exit.OK


def test_a_symptom_whose_look_failed_is_neither_present_nor_absent() -> None:
    causes = "causes:\n  - {id: c, title: C, when: {value: n, op: gt, than: 5}, evidence: x}\n"
    read = L("{id: d, title: D, run: rd, register: {n: {type: integer}}}")
    w = World(doc(symptoms=L("{id: s, title: S, run: sym}"), diagnostic=read, rest=causes))
    w.machine.outcomes = {"rd": printed("1"), "sym": Exited(2, Captured())}
    ended = w.begin()
    assert ended.exit is Exit.FAILED
    assert "not everything could be looked at: web1: S" in ended.why


def test_a_rollback_with_nothing_to_undo_gives_the_lock_back_once_the_target_has_answered() -> None:
    w = World(doc(resolution=L("{id: a, title: A, effect: destroy, run: do-a, irreversible: x}")), {"a": ["stop"]})
    w.points.kill_at = 6  # at its gate, behind the lock
    with pytest.raises(Killed):
        w.begin()
    assert w.machine.holder is not None
    w.machine.alive = ["r1.tok"]
    _, ended = roll(w, {})
    assert ended.exit is Exit.UNKNOWN
    assert w.machine.holder is not None
    w.machine.alive = []
    plan = rollback(w.plan(), "r1", aftermath.Left((), {}, frozenset()), w.others.__getitem__)
    assert loop.go(w.session(plan, run="r2")).exit is Exit.ROLLED_BACK
    assert w.machine.holder is None
