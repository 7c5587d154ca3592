"""What only shows when runbooks are seen together: `use`."""

import pytest

from holdpoint.document.check import cross
from holdpoint.problem import draw
from tests.document.samples import document, load


def library(**documents):
    return {name: load(document(id=name, **parts), f"{name}.yaml") for name, parts in documents.items()}


def use(target, **more):
    return f"\n  - {{id: other, title: Other, use: {target}}}" + "".join(
        f"\n{key}: {text}" for key, text in more.items()
    )


CHANGES = "[{id: mend, title: Mend, run: rm x, effect: destroy, irreversible: gone}]"
PARAMS = "{path: {type: path}, level: {type: integer, default: 5, max: 9}, key: {type: secret, from: {prompt: true}}}"
READS = "[{id: look, title: Look, run: echo $path $level $key}]"


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ({"a": {"diagnostic": use("b")}, "b": {}}, []),
        ({"a": {"diagnostic": use("bb")}, "b": {}}, ["step `other` uses runbook `bb`, which is not there"]),
        ({"a": {"diagnostic": use("a")}}, ["step `other` closes a circle"]),
        ({"a": {"diagnostic": use("b")}, "b": {"diagnostic": use("c")}, "c": {"diagnostic": use("a")}}, ["step `other` closes a circle"]),
        ({"a": {"diagnostic": use("b")}, "b": {"resolution": CHANGES}}, ["step `other` is diagnosis, but runbook `b` changes things"]),
        ({"a": {"prevention": use("b")}, "b": {"resolution": CHANGES}}, ["step `other` is prevention, but runbook `b` changes things"]),
        ({"a": {"resolution": use("b")}, "b": {"resolution": CHANGES}}, []),
        ({"a": {"diagnostic": use("b")}, "b": {"resolution": use("c")}, "c": {"resolution": CHANGES}}, ["step `other` is diagnosis, but runbook `b` changes things"]),
        ({"a": {"diagnostic": use("b")}, "b": {"params": PARAMS, "symptoms": READS}}, ["step `other` gives no value for parameter `path` of runbook `b`"]),
        ({"a": {"diagnostic": use("{runbook: b, with: {path: /x, pth: 1}}")}, "b": {"params": PARAMS, "symptoms": READS}}, ["runbook `b` has no parameter `pth`"]),
        ({"a": {"diagnostic": use("{runbook: b, with: {path: 5, level: '5'}}")}, "b": {"params": PARAMS, "symptoms": READS}}, ["parameter `path` of runbook `b` is not a path", "parameter `level` of runbook `b` is not a whole number"]),
        ({"a": {"diagnostic": use("{runbook: b, with: {path: /x, level: 10}}")}, "b": {"params": PARAMS, "symptoms": READS}}, ["parameter `level` of runbook `b` is too large"]),
        ({"a": {"diagnostic": use("{runbook: b, with: {path: /x, key: abc}}")}, "b": {"params": PARAMS, "symptoms": READS}}, ["parameter `key` of runbook `b` is a secret, and cannot stand in a document"]),
        ({"a": {"params": "{n: {type: integer}}", "diagnostic": use("{runbook: b, with: {path: {value: n}, level: {value: n}}}")}, "b": {"params": PARAMS, "symptoms": READS}}, ["parameter `path` of runbook `b` gets another type"]),
        ({"a": {"params": "{s: {type: secret, from: {env: S}}}", "diagnostic": use("{runbook: b, with: {path: {value: s}, key: {value: s}}}")}, "b": {"params": PARAMS, "symptoms": READS}}, ["parameter `path` of runbook `b` gets another type"]),
    ],
)  # fmt: skip
def test_use(documents, expected):
    assert [problem.message for problem in cross(library(**documents))] == expected


def test_a_whole_message():
    (problem,) = cross(library(a={"diagnostic": use("b")}, b={"diagnostic": use("a")}))
    assert draw(problem) == (
        "b.yaml:9:36: error[use-circle]: step `other` closes a circle\n"
        "  9 |   - {id: other, title: Other, use: a}\n"
        "    |                                    ^\n"
        "  found: `a` uses `b` uses `a`\n"
        "  hint: a runbook cannot use itself"
    )


def test_a_runbook_that_could_not_be_read_is_not_called_unknown():
    assert cross(library(a={"diagnostic": use("b")}), ["b"]) == ()


def test_a_long_chain_of_uses_needs_no_stack():
    documents = {f"r{n}": {"diagnostic": use(f"r{n + 1}")} for n in range(1500)}
    assert cross(library(**documents, r1500={})) == ()
