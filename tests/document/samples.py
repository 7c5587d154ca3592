"""Documents that the tests of this folder start from."""

import json
from pathlib import Path

from holdpoint.document import parse
from holdpoint.document.source import Source

HERE = Path(__file__).parent
TOP = HERE.parents[1]
SCHEMA = json.loads((TOP / "schemas" / "runbook.schema.json").read_bytes())
WHOLE = (HERE / "whole.yaml").read_text()
"""A valid document in which every key of the schema is used."""


def document(**parts):
    """Make a small valid document; `parts` replace or add top-level keys, each as YAML text."""
    keys = {
        "schema": "holdpoint/runbook/1",
        "id": "small",
        "title": "Small",
        "owner": "ops",
        "severity": "SEV3",
        "reviewed": "2026-11-23",
        "symptoms": "[]",
        "diagnostic": "[]",
        "resolution": "[]",
        "prevention": "[]",
        "rollback": "[]",
    }
    keys.update(parts)
    return "".join(f"{key}: {text}\n" for key, text in keys.items())


def load(text, name="small.yaml"):
    data = text if isinstance(text, bytes) else text.encode()
    return parse.parse(Source(name, data), SCHEMA)


def problems(text, name="small.yaml"):
    data = text if isinstance(text, bytes) else text.encode()
    return parse.problems(Source(name, data), SCHEMA)
