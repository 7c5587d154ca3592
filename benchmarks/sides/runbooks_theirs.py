"""Peers on a folder of runbooks: a YAML loader alone (`c`, `pure`), or a validator alone, on what was loaded before."""

import json
import sys
from pathlib import Path

import yaml
from serving import serve


def main():
    folder, how = Path(sys.argv[1]), sys.argv[2]
    schema = json.loads(Path(sys.argv[3]).read_text())
    loader = yaml.SafeLoader if how == "pure" else yaml.CSafeLoader

    def load():
        return [yaml.load(file.read_bytes(), loader) for file in sorted(folder.iterdir())]

    if how in ("c", "pure"):
        serve(lambda: load() and None)
        return
    documents = [json.loads(json.dumps(document, default=str)) for document in load()]
    valid = validator(how, schema)

    def once():
        for document in documents:
            valid(document)

    serve(once)


def validator(how, schema):
    if how == "jsonschema":
        import jsonschema

        return jsonschema.validators.validator_for(schema)(schema).validate
    if how == "fastjsonschema":
        import fastjsonschema

        return fastjsonschema.compile(schema)
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema).validate


main()
