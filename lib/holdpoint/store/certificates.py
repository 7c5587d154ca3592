"""Which runbook was proven by which drill, when, and as what: a small file of the state folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from holdpoint.drill.records import Certificate
from holdpoint.store import disk


@dataclass(frozen=True, slots=True)
class Certificates:
    """Those of a state folder, by drill."""

    path: Path

    def all(self) -> Mapping[str, Certificate]:
        """Give the newest of each drill; what cannot be read counts as none."""
        found: dict[str, Certificate] = {}
        with suppress(OSError, ValueError, TypeError, KeyError):
            for record in json.loads(self.path.read_bytes()):
                one = Certificate(**{**record, "time": datetime.fromisoformat(record["time"])})
                found[one.drill] = one
        return found

    def note(self, certificate: Certificate) -> None:
        """Keep one in the place of the drill's last."""
        kept = {**self.all(), certificate.drill: certificate}
        records = [{**asdict(one), "time": one.time.isoformat()} for one in kept.values()]
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.write_whole(self.path, json.dumps(records).encode())
