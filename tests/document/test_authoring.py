"""Every example of the guide for authors is a runbook without errors and warnings, and the guide names every key."""

import re

import pytest

from holdpoint.document.source import Source
from holdpoint.store.shellcheck import lint, linters
from tests.document.samples import SCHEMA, TOP, load, problems
from tests.document.test_schema import properties

GUIDE = (TOP / "docs" / "authoring.md").read_text()
EXAMPLES = {
    found[1]: text
    for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    if (found := re.search(r"^id: (.*)$", text, re.MULTILINE))
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name):
    assert problems(EXAMPLES[name], f"{name}.yaml") == ()
    assert load(EXAMPLES[name], f"{name}.yaml").id == name
    assert lint(Source(f"{name}.yaml", EXAMPLES[name].encode()), SCHEMA, linters()) == ()


def test_every_key_is_named():
    prose = re.sub(r"```.*?```|``.*?``", "", GUIDE, flags=re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`]*`", prose)) + "".join(EXAMPLES.values())))
    assert set(properties(SCHEMA)) - words == set()
