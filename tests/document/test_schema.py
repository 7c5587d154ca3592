"""The schema, the model and the two validators say the same."""

import dataclasses
import json
from datetime import date, timedelta

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from holdpoint.document import model
from holdpoint.document.fits import compiled
from holdpoint.problem import HoldpointError, Place
from tests.document.samples import SCHEMA, TOP, WHOLE, load

FITS = compiled(SCHEMA)
TREE = yaml.safe_load(WHOLE) | {"reviewed": "2026-11-23"}


@pytest.mark.parametrize("validator", [Draft7Validator, Draft202012Validator])
def test_schema_is_valid_in_both_drafts(validator):
    validator.check_schema(SCHEMA)
    assert list(validator(SCHEMA).iter_errors(TREE)) == []


def test_schema_uses_only_keywords_that_both_drafts_share():
    shared = {"$schema", "title", "description", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "pattern", "propertyNames", "minItems", "minProperties", "maxProperties", "minimum", "maximum", "if", "then", "else", "allOf", "anyOf", "not", "$ref", "definitions"}  # fmt: skip
    assert set(keywords(SCHEMA)) <= shared


def keywords(schema):
    for keyword, argument in schema.items():
        yield keyword
        if keyword in ("properties", "definitions"):
            for inner in argument.values():
                yield from keywords(inner)
        elif keyword in ("allOf", "anyOf"):
            for inner in argument:
                yield from keywords(inner)
        elif isinstance(argument, dict):
            yield from keywords(argument)


def test_no_reference_has_keywords_beside_it():
    """A validator of draft-07 would not look at them."""
    stack = [SCHEMA]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            assert "$ref" not in here or len(here) == 1
            stack += here.values()
        elif isinstance(here, list):
            stack += here


def test_unknown_keyword_is_refused():
    with pytest.raises(ValueError, match="`format`"):
        compiled({"properties": {"a": {"format": "date"}}})


# --- the schema against the model -----------------------------------------------------------------------------


def properties(schema):
    """Every name that a rule of the schema allows (and does not only forbid)."""
    for keyword, argument in schema.items():
        if keyword == "properties":
            yield from (name for name, rule in argument.items() if rule.get("not") != {})
        if keyword in ("properties", "definitions"):
            for inner in argument.values():
                yield from properties(inner)
        elif keyword in ("allOf", "anyOf"):
            for inner in argument:
                yield from properties(inner)
        elif isinstance(argument, dict) and keyword not in ("if", "not"):
            yield from properties(argument)


def keys(tree):
    if isinstance(tree, dict):
        yield from tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from keys(inner)


def test_the_whole_document_uses_every_property():
    assert set(properties(SCHEMA)) - set(keys(TREE)) == set()


def leaves(tree, path=()):
    if isinstance(tree, dict | list) and tree:
        for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def changed(tree, path):
    """Another value of the same kind at a path."""
    copy = json.loads(json.dumps(tree))
    here = copy
    for key in path[:-1]:
        here = here[key]
    value = here[path[-1]]
    if isinstance(value, bool):
        here[path[-1]] = not value
    elif isinstance(value, int):
        here[path[-1]] = value + 1
    else:
        here[path[-1]] = other(value)
    return copy


OTHERS = {"sh": "bash", "bash": "sh", "local": "targets", "integer": "number", "string": "path", "path": "string", "boolean": "string", "read": "change", "change": "read", "destroy": "read", "ge": "gt", "ne": "eq", "matches": "contains", "gt": "ge", "goto": "stop", "rollback": "stop", "continue": "stop", "SEV2": "SEV1", "0644": "0600", "2026-11-23": "2026-11-22", "25%": "30%"}  # fmt: skip


def other(text):
    if text in OTHERS:
        return OTHERS[text]
    return "77s" if text[:1].isdigit() and text[-1] in "dhms" else text + "z"


def bare(value):
    """A model without its places."""
    if dataclasses.is_dataclass(value):
        fields = (field.name for field in dataclasses.fields(value) if field.name not in ("digest", "file", "place"))
        return (type(value).__name__, *(bare(getattr(value, name)) for name in fields))
    return tuple(map(bare, value)) if isinstance(value, tuple) else value


@pytest.mark.parametrize("path", list(leaves(TREE)), ids=lambda path: ".".join(map(str, path)))
def test_every_property_is_consumed(path):
    """Whatever is changed in a document changes the runbook, or is refused: nothing is read and dropped."""
    before = bare(load(json.dumps(TREE), "whole.json"))
    try:
        after = load(json.dumps(changed(TREE, path)), "whole.json")
    except HoldpointError:
        return
    assert bare(after) != before


def test_every_field_of_the_model_comes_from_the_document():
    seen = {}
    classes = {one.__name__ for one in vars(model).values() if dataclasses.is_dataclass(one)} - {"Place", "NamedValue"}
    stack = [load(WHOLE, "whole.yaml")]
    while stack:
        here = stack.pop()
        if isinstance(here, tuple):
            stack += here
        elif dataclasses.is_dataclass(here) and not isinstance(here, Place):
            classes.discard(type(here).__name__)
            for field in dataclasses.fields(here):
                value = getattr(here, field.name)
                stack.append(value)
                given = value != field.default and value not in (None, (), "", False)
                seen[type(here).__name__, field.name] = seen.get((type(here).__name__, field.name), False) or given
    assert {name for name, given in seen.items() if not given} <= {("Fanout", "gate_between"), ("Check", "expect")}
    assert classes == set()


def test_defaults_are_those_that_the_model_states():
    step = load(WHOLE, "whole.yaml").symptoms[0]
    assert (step.timeout, step.kill_grace) == (timedelta(minutes=10), timedelta(seconds=10))
    assert load(WHOLE, "whole.yaml").reviewed == date(2026, 11, 23)


# --- the two validators -----------------------------------------------------------------------------------------

WORDS = sorted(set(keys(TREE)) | {"read", "change", "destroy", "sh", "5m", "secret", "integer", "goto"})
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 400) | st.floats(-2, 300) | st.sampled_from(WORDS) | st.text(max_size=4)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4), max_leaves=8)  # fmt: skip


def replaced(tree, path, value):
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(list(leaves(TREE))), depth=st.integers(1, 8), value=VALUES)
def test_both_validators_agree(path, depth, value):
    tree = replaced(TREE, path[:depth], value)
    assert FITS(tree) == Draft7Validator(SCHEMA).is_valid(tree) == Draft202012Validator(SCHEMA).is_valid(tree)


def test_a_valid_document_does_not_need_jsonschema():
    import subprocess
    import sys

    code = "import sys; from tests.document.samples import load, WHOLE; load(WHOLE, 'whole.yaml'); assert 'jsonschema' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=TOP, check=True, env={"PYTHONPATH": f"{TOP / 'lib'}:{TOP}"})
