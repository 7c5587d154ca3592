"""Which programs a script starts: too few rather than too many."""

from __future__ import annotations

import pytest

from holdpoint.document.commands import Need, commands, needs
from holdpoint.document.model import Where
from holdpoint.document.parse import parse
from holdpoint.document.source import Source
from holdpoint.store import library

SCRIPTS = [
    ("df -P / | awk '{ system(\"rm x\") }'", {"df", "awk"}),
    ("cd /srv && exec tar cf - . # gzip", {"tar"}),
    ('echo `hostname` $(uname -n) "$(id -u)"', {"hostname", "uname", "id"}),
    ("if ! grep -q x y; then sleep 1; elif [ -e z ]; then date; else env; fi", {"grep", "sleep", "date", "env"}),
    ("while read -r line; do wc -l; done <x", {"wc"}),
    ("LC_ALL=C sort x; A=\"$b\" jq . ; c='d e' yq .", {"sort", "jq", "yq"}),
    ("sudo -n -u postgres psql -c 'select 1'", {"sudo", "psql"}),
    (
        "timeout -k 5 10 curl -s x; nice -n 19 du; xargs -0 -n 1 stat",
        {"timeout", "curl", "nice", "du", "xargs", "stat"},
    ),
    ("env A=b nohup make", {"env", "nohup", "make"}),
    ("/usr/sbin/ss -l; ls \\\n  -l | \\\n  head", {"/usr/sbin/ss", "ls", "head"}),
    ("(sync; lsof) & { journalctl; }", {"sync", "lsof", "journalctl"}),
    # what is no command, or none that the machine must have
    ('"$tool" bar; $x baz; $(x) boo', {"x"}),
    ("case $k in ext4|xfs) resize2fs x ;; *) printf no ;; esac", {"resize2fs"}),
    ("case $k in\n  a | b)\n    lvs ;;\n  c) vgs ;;\nesac", {"lvs", "vgs"}),
    ("die() { echo no; exit 1; }\ncd x || die", set()),
    ("if command -v lsof >/dev/null; then lsof; else fuser x; fi", {"fuser"}),
    ("cat <<EOF\nls | wc\nEOF\ncat <<'EOF'\nps\nEOF", {"cat"}),
    ("[[ $a == b && foo == bar ]]; arr=(one two); ((i++ && j)); echo $((k * 2))", set()),
    ("for i in one two; do :; done; local=1; read -r name", set()),
    ('sudo -u "$user" rm; cat >out file 2>&1', {"sudo", "cat"}),
    ("docker$suffix ps; foo'bar'", set()),
]


@pytest.mark.parametrize(("script", "found"), SCRIPTS, ids=[script for script, _ in SCRIPTS])
def test_the_programs_of_a_script(script: str, found: set[str]) -> None:
    assert commands(script) == found


BOOK = """\
schema: holdpoint/runbook/1
id: tools
title: Everything that starts something
owner: ops
severity: SEV3
reviewed: 2026-11-23
symptoms: [{id: one, title: One, run: one-symptom}]
diagnostic:
  - {id: here, title: Here, run: here-only, where: local}
resolution:
  - id: fix
    title: Fix it
    effect: change
    become: root
    run: fix-it
    shell: bash
    undo: {run: undo-it}
    verify: {run: verify-it}
prevention: []
rollback: [{id: back, title: Back, run: back-it, effect: change, irreversible: it is the end}]
recovered: {run: recovered-it}
"""


def test_every_script_of_a_runbook_counts_where_it_runs() -> None:
    book = parse(Source("tools.yaml", BOOK.encode()), library.schema())
    plain = {need.program for need in needs(book) if not need.raised}
    assert plain == {"one-symptom", "verify-it", "back-it", "recovered-it"}
    assert {need.program for need in needs(book) if need.raised} == {"bash", "fix-it", "undo-it"}
    assert needs(book, Where.LOCAL) == {Need("here-only", "tools")}
