"""What options of several tasks say of themselves."""

from __future__ import annotations

JSON = "JSON alone on standard output; for people, standard error."
PLAIN = "No colour, no live redrawing."
ANSWERS = "A YAML map from step id to a gate's word or the value of an `ask`."
RUN = "A run's name, its beginning or end, or `last`."
RUN_OR_FILE = "A run's name, its beginning or end, `last`, or a file that was handed over."
NAME = "A runbook's id."
AT = "When it happened, where that is not now: `14:05`, `2026-11-25 14:05`, `10m ago`."
INCIDENT = "An incident's name, its beginning or end, or `last`; without it, the only one that is open."
LANG = "The language of the message: `en` or `fr`; without it, the incident's or the team's."
CHANNEL = "Where the message goes, in words."
SENT = "Record it as sent already."
SEND = "Send it at once, to the channels of `team.yaml`, without asking."
