"""From `alerts` of a `team.yaml`, which fits its schema, to values."""

from __future__ import annotations

from typing import cast

from holdpoint.document.model import Severity
from holdpoint.document.yaml import Map, Seq
from holdpoint.oncall.alerts import AlertMap, Alerts, Grading


def alerts(tree: object) -> Alerts:
    """Read them; the defaults where there is nothing."""
    if not isinstance(tree, Map):
        return Alerts()
    usual = Alerts()
    return Alerts(
        severity=_grading(tree.get("severity")) or usual.severity,
        params={**usual.params, **_texts(tree.get("params"))},
        host=str(tree.get("host", usual.host)),
        service=str(tree.get("service", usual.service)),
        maps={name: _map(one) for name, one in cast("dict[str, Map]", tree.get("maps", {})).items()},
    )


def _map(tree: Map) -> AlertMap:
    status = cast("Map", tree.get("status") or Map(tree.mark))
    return AlertMap(
        group=str(tree["group"]),
        labels=_texts(tree["labels"]),
        annotations=_texts(tree.get("annotations")),
        status=str(status.get("at", "")),
        resolved=frozenset(str(one).casefold() for one in cast("Seq", status.get("resolved", ()))),
        started=str(tree.get("started", "")),
        ended=str(tree.get("ended", "")),
        severity=_grading(tree.get("severity")),
    )


def _grading(tree: object) -> Grading | None:
    if not isinstance(tree, Map):
        return None
    usual = Grading()
    return Grading(
        label=str(tree.get("label", usual.label)),
        values={name.casefold(): Severity(value) for name, value in _texts(tree.get("values")).items()},
        otherwise=Severity(str(tree.get("otherwise", usual.otherwise))),
    )


def _texts(tree: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in tree.items()} if isinstance(tree, Map) else {}
