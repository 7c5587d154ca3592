"""Lengths of time, conditions, texts, values, and what scripts read."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdpoint.document import conditions, duration, shelltext, texts, values
from holdpoint.document.check_commands import changing
from holdpoint.document.model import All, Any, Compare, Not, Op, Param, Registered, ValueRef, ValueType
from holdpoint.document.possible import possible
from holdpoint.problem import HoldpointError, Place, Problem
from holdpoint.shell import MASK, Secret

HERE = Place("x", 1, 1)

# --- lengths of time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0), ("45s", 45), ("1h30m", 5400), ("14d", 14 * 86400), ("1d2h3m4s5ms", 93784.005), ("90m", 5400)])  # fmt: skip
def test_duration(text, seconds):
    assert duration.parse(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "1.5h", "-5s", "5 m", "5M", "1m1h", "1h1h", "s", "5s\n", "٥s", "9999999999s", "4000d"]
)
def test_no_duration(text):
    with pytest.raises(HoldpointError) as caught:
        duration.parse(text)
    assert caught.value.exit_code == 2


def test_number_alone_is_told_what_to_write():
    with pytest.raises(HoldpointError) as caught:
        duration.parse("30")
    assert caught.value.problems[0].hint == "write `30s` for seconds"


@given(st.integers(0, 3660 * 86_400_000))
def test_duration_is_shown_as_it_is_read(milliseconds):
    length = timedelta(milliseconds=milliseconds)
    assert duration.parse(duration.show(length)) == length


# --- conditions -------------------------------------------------------------------------------------------------


def compare(value, op, than):
    return Compare(value, Op(op), than, HERE)


LEAF = st.builds(compare, st.sampled_from("ab"), st.sampled_from(["eq", "lt", "ge", "ne"]), st.integers(0, 2))
CONDITION = st.recursive(LEAF, lambda c: st.builds(Not, c) | st.builds(All, st.lists(c, min_size=1, max_size=3).map(tuple)) | st.builds(Any, st.lists(c, min_size=1, max_size=3).map(tuple)))  # fmt: skip


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("eq", 5, 5.0, True), ("eq", "5", 5, None), ("eq", True, 1, None), ("ne", "a", "b", True), ("lt", 1, 2, True),
        ("lt", "a", "b", None), ("ge", 2, 2, True), ("contains", "abc", "b", True), ("contains", 5, "5", None),
        ("matches", "abc", "^b", False), ("matches", "abc", "b", True), ("gt", None, 1, None), ("eq", Secret("x"), "x", None),
    ],
)  # fmt: skip
def test_comparison(op, left, right, expected):
    assert conditions.evaluate(compare("a", op, right), {"a": left}.get) is expected
    assert conditions.evaluate(compare("a", op, ValueRef("b")), {"a": left, "b": right}.get) is expected


@given(CONDITION, st.integers(0, 2), st.integers(0, 2))
def test_what_is_not_known_is_never_guessed(condition, a, b):
    """Kleene's logic: a verdict from less knowledge is the verdict from more."""
    full = conditions.evaluate(condition, {"a": a, "b": b}.get)
    assert full is not None
    for less in ({"a": a}, {"b": b}, {}):
        assert conditions.evaluate(condition, less.get) in (None, full)


@given(CONDITION, st.integers(-1, 3), st.integers(-1, 3))
def test_what_is_called_impossible_never_holds(condition, a, b):
    assert possible(condition) or conditions.evaluate(condition, {"a": a, "b": b}.get) is False


def test_names_of_a_condition():
    assert conditions.names(Not(Any((compare("a", "eq", 1), compare("b", "eq", ValueRef("c")))))) == {"a", "b", "c"}


# --- texts --------------------------------------------------------------------------------------------------------


def test_texts():
    lookup = {"used": 95, "name": Secret("hunter2"), "on": True, "brace": "{used}"}.get
    assert (
        texts.fill("{used} % of {name}, {on}, {gone}, {{used}}, {brace}", lookup)
        == f"95 % of {MASK}, true, (gone not known), {{used}}, {{used}}"
    )
    assert texts.names("{used} {{no}} {a_1} {No}") == {"used", "a_1"}
    assert texts.strays("a {b} {{ } {C}") == (9, 11, 13)


# --- values -------------------------------------------------------------------------------------------------------


def param(kind, **more):
    return Param("p", ValueType(kind), HERE, **more)


@pytest.mark.parametrize(
    ("spec", "given_", "expected"),
    [
        (param("string"), "a'b\"c$(reboot)\n;`x`", "a'b\"c$(reboot)\n;`x`"), (param("string"), "", ""),
        (param("string"), "x" * 100_000, "x" * 100_000), (param("string", allow_dash=True), "-rf", "-rf"),
        (param("integer"), "007", 7), (param("integer"), " 42 ", 42), (param("integer"), 42, 42),
        (param("integer", allow_dash=True), "-5", -5), (param("number"), "1.5", 1.5), (param("number"), "3", 3),
        (param("boolean"), "true", True), (param("boolean"), False, False), (param("path"), "/var/my log", "/var/my log"),
        (param("string", pattern="a+"), "aaa", "aaa"), (param("string", enum=("a", "b")), "b", "b"),
        (Registered("r", ValueType.INTEGER, HERE), "-3", -3), (Registered("r", ValueType.STRING, HERE), "-rw-r--r--", "-rw-r--r--"),
    ],
)  # fmt: skip
def test_fit(spec, given_, expected):
    found = values.check(spec, given_)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("spec", "given_", "code"),
    [
        (param("string"), "a\0b", "value-nul"), (param("string"), "a\udc80", "value-encoding"), (param("string"), "-rf", "value-dash"),
        (param("path"), "", "value-type"), (param("integer"), "1.5", "value-type"), (param("integer"), "", "value-type"),
        (param("integer"), "9" * 5000, "value-type"), (param("integer"), "٣", "value-type"), (param("integer"), "1_0", "value-type"),
        (param("number"), "nan", "value-type"), (param("number"), "1e999", "value-type"), (param("boolean"), "yes", "value-type"),
        (param("string", pattern="a+"), "aaab", "value-pattern"), (param("string", pattern="a|b"), "bc", "value-pattern"),
        (param("string", pattern="a+"), "a\n", "value-pattern"), (param("string", enum=("a", "b")), "c", "value-enum"),
        (param("integer", min=3), "2", "value-min"), (param("integer", max=3), "4", "value-max"),
        (Registered("r", ValueType.PATH, HERE), "-rf", "value-dash"), (Registered("r", ValueType.INTEGER, HERE), "x", "value-type"),
    ],
)  # fmt: skip
def test_misfit(spec, given_, code):
    found = values.check(spec, given_)
    assert isinstance(found, Problem)
    assert found.code == code


# --- shell text -----------------------------------------------------------------------------------------------------

KNOWN = frozenset({"mount", "used"})


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('df -- "$mount"', {"mount"}), ("echo ${used:-0}", {"used"}), ("echo $((used + 1))", {"used"}), ("echo mount used", set()),
        ("used=$(df); echo $used", set()), ("used=$((used+1))", {"used"}), ("echo $used; used=1", {"used"}), ("echo $mounted", set()),
        ("trap 'rm \"$mount\"' EXIT", {"mount"}), ("cat <<EOF\n$mount\nEOF", {"mount"}), ("for used in 1 2; do echo $used; done", set()),
        ("read -r used; echo $used", set()), ('echo "${#mount}" "${used%%/*}"', {"mount", "used"}), ("x=`df $mount`", {"mount"}),
        ("# used\necho $((1 + 1)) used", set()),
    ],
)  # fmt: skip
def test_reads(script, expected):
    assert shelltext.reads(script, KNOWN) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo $mont", ["mont"]), ("echo $HOME $1 $? $$", []), ("awk '{print $col}'", []), ("echo \\$mont", []), ("echo ${mont:-x}", []),
        ("echo ${mont}", ["mont"]), ("# $mont", []), ('x=1; echo "$x"', []), ("while IFS= read -r a b; do echo $a $b; done", []),
        ("cat <<'EOF'\n$mont\nEOF\necho $other", ["other"]), ("cat <<-EOF\n\t$mont\n\tEOF\n", ["mont"]), ("echo $((usd * 2))", ["usd"]),
        ("case $mount in a) echo $x;; esac", ["x"]), ("printf -v out x; echo $out", []), ("local x; echo $x $y", ["y"]),
        ("docker ps --format '{{.Names}}'", []), ("echo \"it's $mont\"", ["mont"]), ("echo $mont $mont", ["mont"]),
        ("read -r a time b; echo $b", []), ('f() { echo "$(g "$inner")"; }', ["inner"]),
    ],
)  # fmt: skip
def test_unknown(script, expected):
    assert [mention.name for mention in shelltext.unknown(script, KNOWN)] == expected


@pytest.mark.parametrize("script", ["rm x", "sudo -n rm x", "df | xargs rm", "if true; then systemctl restart a; fi", "echo $(kill 5)", "docker compose -f x.yml down", "docker system prune -f", "psql -c 'delete from x'", "sed -i s/a/b/ x", "find . -delete", "date > /tmp/x", "date | tee /tmp/x", "journalctl --vacuum-size=1G", "timeout 5 truncate -s 0 x", "/bin/rm x", "curl -X POST http://x", "dd if=/dev/zero of=x", "mkfs.ext4 /dev/sda", "truncate -s 0 x", "! mv a b"])  # fmt: skip
def test_changing(script):
    assert changing(script) is not None


@pytest.mark.parametrize("script", ["df", "echo rm", "grep rm x", "kill -0 5", "systemctl status a", "docker ps", "docker compose ps", "docker compose logs x", "ls 2>/dev/null >&2", "ls >/dev/null 2>&1", "psql -c 'select 1'", "sed s/a/b/ x", "find . -name rm", "date | tee /dev/null", "awk '$1 > 5'", "[ 5 -gt 3 ]", "journalctl -u x", "curl -s http://x", "format -x", "echo 'rm x' \"rm y\"", "# rm x"])  # fmt: skip
def test_not_changing(script):
    assert changing(script) is None
