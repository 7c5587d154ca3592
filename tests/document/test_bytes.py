"""What can stand in a file before it is YAML: encodings, line ends, characters that nobody sees, bombs."""

import pytest

from holdpoint.document.source import LARGEST, Source
from holdpoint.document.syntax import DEEPEST
from holdpoint.problem import draw
from tests.document.samples import document, load, problems

GOOD = document()


def message(data):
    return "\n".join(map(draw, problems(data)))


def test_digest_is_that_of_the_bytes():
    assert load(GOOD).digest == Source("x", GOOD.encode()).digest()


def test_nul():
    assert message(GOOD.replace("Small", "Sm\0all").encode()) == (
        "small.yaml:3:10: error[control-character]: a control character stands in the document\n"
        "  3 | title: Sm\ufffdall\n"
        "    |          ^\n"
        "  found: U+0000\n"
        "  expected: text that shows all it holds\n"
        "  hint: remove it"
    )


def test_escape_sequence():
    assert message(GOOD.replace("Small", "S\x1b[31mm").encode()) == (
        "small.yaml:3:9: error[control-character]: a control character stands in the document\n"
        "  3 | title: S\ufffd[31mm\n"
        "    |         ^\n"
        "  found: U+001B\n"
        "  expected: text that shows all it holds\n"
        "  hint: remove it, or let the command make it with `printf`"
    )


@pytest.mark.parametrize("character", "\x7f\x85\u2028\u2029\ufffe")
def test_other_characters_that_yaml_or_people_misread(character):
    (problem,) = problems(GOOD.replace("Small", f"S{character}m"))
    assert (problem.code, problem.found) == ("control-character", f"U+{ord(character):04X}")


@pytest.mark.parametrize("character", "\u202e\u2066\ufeff")
def test_characters_that_hide_what_a_gate_shows(character):
    text = document(title=f"S{character}m", severity="SEV7")
    assert [(p.code, p.place.line) for p in problems(text)] == [("hidden-character", 3), ("not-a-choice", 5)]


def test_byte_order_mark_is_told_with_the_rest():
    assert message(b"\xef\xbb\xbf" + document(severity="SEV7").encode()) == (
        "small.yaml:1:1: error[byte-order-mark]: the document begins with a byte order mark\n"
        "  expected: UTF-8 without a byte order mark\n"
        "  hint: `sed -i '1s/^\\xEF\\xBB\\xBF//' FILE` removes it; so does “UTF-8 without BOM” in your editor\n"
        "small.yaml:5:11: error[not-a-choice]: `severity` cannot be `SEV7`\n"
        "  5 | severity: SEV7\n"
        "    |           ^^^^\n"
        "  expected: `SEV1`, `SEV2`, `SEV3`\n"
        "  hint: did you mean `SEV3`?"
    )


@pytest.mark.parametrize(("encoding", "found"), [("utf-16", "UTF-16"), ("utf-16-be", None), ("utf-32", "UTF-16")])
def test_utf_16(encoding, found):
    first = problems(GOOD.encode(encoding))[0]
    assert first.code == ("encoding" if found else "control-character")
    assert first.found == (found or "U+0000")


def test_latin_1():
    assert message(GOOD.replace("Small", "Grün und weiß").encode("latin-1")) == (
        "small.yaml:3:10: error[encoding]: the document is not UTF-8\n"
        "  3 | title: Gr\ufffdn und wei\ufffd\n"
        "    |          ^\n"
        "  found: the byte 0xFC, which UTF-8 does not have here\n"
        "  expected: UTF-8 without a byte order mark\n"
        "  hint: the file may be Latin-1; `iconv -f latin1 -t utf-8` converts it"
    )


def test_columns_count_characters_and_not_bytes():
    (problem,) = problems(document(symptoms="[{title: 'ßßß', id: ä, run: x}]"))
    assert (problem.place.column, problem.place.length) == (31, 1)


def test_carriage_returns_are_told_with_the_rest():
    assert message(document(severity="SEV7").replace("\n", "\r\n")) == (
        "small.yaml:1:28: error[line-end]: lines end in carriage returns\n"
        "  1 | schema: holdpoint/runbook/1\n"
        "    |                            ^\n"
        "  found: 11 carriage returns, the first one here\n"
        "  expected: lines that end in a line feed alone\n"
        "  hint: a shell would read the carriage return as part of a command; `sed -i 's/\\r$//' FILE` removes them\n"
        "small.yaml:5:11: error[not-a-choice]: `severity` cannot be `SEV7`\n"
        "  5 | severity: SEV7\n"
        "    |           ^^^^\n"
        "  expected: `SEV1`, `SEV2`, `SEV3`\n"
        "  hint: did you mean `SEV3`?"
    )


def test_tabs_in_a_script_are_no_indentation():
    runbook = load(
        document(symptoms="\n  - id: a\n    title: A\n    run: |\n      if true; then\n      \techo x\n      fi")
    )
    assert runbook.symptoms[0].action.script == "if true; then\n\techo x\nfi\n"


def test_too_large():
    assert message(b"#" * (LARGEST + 1)) == (
        "small.yaml: error[too-large]: the document is too large\n"
        "  found: 1,048,577 bytes\n"
        "  expected: 1,048,576 bytes at most"
    )


def test_the_largest_document_is_read():
    text = GOOD + "#" * (LARGEST - len(GOOD.encode()))
    assert load(text).id == "small"


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")])
def test_ten_thousand_levels(begin, end):
    text = "symptoms: " + begin * 10_000 + end * 10_000 if end else begin * 10_000 + "x"
    first = problems(text)[0]
    assert first.code in ("too-deep", "not-a-mapping", "key", "yaml")
    if end:
        assert (first.code, first.expected) == ("too-deep", f"at most {DEEPEST} levels")


def test_ten_thousand_levels_of_indentation_fit_no_document():
    text = "".join(" " * level + "a:\n" for level in range(1_000))
    assert [problem.code for problem in problems(text)] == ["too-deep"]


def test_a_bomb_of_aliases_is_refused_where_it_begins():
    lines = ["a: &a [x, x]"] + [f"{chr(97 + n)}: &{chr(97 + n)} [*{chr(96 + n)}, *{chr(96 + n)}]" for n in range(1, 20)]
    assert [problem.code for problem in problems("\n".join(lines))][:2] == ["anchor", "anchor"]


def test_fifty_thousand_problems_are_told_in_part():
    found = problems("".join(f"k{n}: {n}\n" for n in range(50_000)))
    assert len(found) == 101
    assert found[-1].code == "more"
