"""What `team.yaml` says, with its defaults, and the whole message of every document that says it wrongly."""

import json
from datetime import date, timedelta

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from holdpoint.document.fits import compiled
from holdpoint.document.model import FromCommand, FromEnv, Severity
from holdpoint.document.source import Source
from holdpoint.oncall import parse
from holdpoint.oncall.alerts import AlertMap, Alerts, Grading
from holdpoint.oncall.model import OFFICE, Cover, Holidays, Hours, Language, Order, Person, Rota, Swap, Team
from holdpoint.oncall.outside import Audience, BannerPlace, Forge
from holdpoint.problem import HoldpointError, draw
from tests.oncall.clocks import PARIS, paris
from tests.oncall.samples import HEAD, HERE, SCHEMA, team

BAD = sorted((HERE / "bad").glob("*.yaml"))
WHOLE = """\
schema: holdpoint/team/1
name: ops
zone: Europe/Paris
language: fr
hours:
  - {days: [mon, tue, wed, thu], from: "09:00", to: "12:30"}
  - {days: [mon, tue, wed, thu], from: "13:30", to: "24:00"}
holidays: {country: FR, region: "57", own: [{day: 2026-12-24, why: the office is closed}]}
people:
  ada: {name: Ada Lovelace, email: ada@example.org, calendar: ada@group.example}
  bob.m: {name: Bob}
rota:
  start: 2026-10-07
  handover: {day: wed, at: "08:30"}
  order: [ada, bob.m]
  backup: [bob.m]
  changes: [{from: 2026-12-02, order: [bob.m]}]
  swaps: [{week: 2026-10-14, with: 2026-10-21, why: a wedding}]
  cover:
    - {from: 2026-10-25T02:30+01:00, to: 2026-10-25 03:30, who: ada, for: bob.m, why: asleep}
    - {from: 2026-12-24, to: 2026-12-25, who: bob.m, for: ada, why: Christmas}
"""


def test_the_whole_of_it():
    weekdays = frozenset(range(4))
    assert team(WHOLE) == Team(
        zone=PARIS,
        name="ops",
        language=Language.FR,
        hours=(Hours(weekdays, 540, 750), Hours(weekdays, 810, 1440)),
        holidays=Holidays("FR", "57", {date(2026, 12, 24): "the office is closed"}, team(WHOLE).holidays.place),
        people={
            "ada": Person("ada", "Ada Lovelace", "ada@example.org", "ada@group.example"),
            "bob.m": Person("bob.m", "Bob"),
        },
        rota=Rota(
            orders=(Order(date(2026, 10, 7), ("ada", "bob.m"), ("bob.m",)), Order(date(2026, 12, 2), ("bob.m",))),
            handover=8 * 60 + 30,
            swaps=(Swap(date(2026, 10, 14), date(2026, 10, 21), "a wedding"),),
            covers=(
                Cover(paris("2026-10-25 02:30", fold=1), paris("2026-10-25 03:30"), "ada", "bob.m", "asleep"),
                Cover(paris("2026-12-24 00:00"), paris("2026-12-26 00:00"), "bob.m", "ada", "Christmas"),
            ),
        ),
    )
    assert team(WHOLE).holidays.place.line == 8


def test_where_the_team_is_reached():
    found = team(
        f"{HEAD}channels:\n  ops:\n    - {{name: chat, from: {{env: OPS_CHAT}}, within: 1m5s}}\n"
        "    - {name: mail, url: 'mailtos://mail.example.org?to=ops@example.org'}\n"
        "  management:\n    - {name: chat, from: {command: [pass, show, chat]}}\n"
        "banner: {file: www/banner.html, run: [./tell, status]}\n"
        "tracker: {kind: github, repository: ops/wiki, token: {env: T}, labels: [bug], milestone: next}\n"
    ).outside
    (chat, mail), (boss,) = found.to(Audience.OPS), found.to(Audience.MANAGEMENT)
    assert (chat.name, chat.address, chat.within) == ("chat", FromEnv("OPS_CHAT"), timedelta(seconds=65))
    assert (mail.address, mail.within) == ("mailtos://mail.example.org?to=ops@example.org", timedelta(seconds=30))
    assert boss.address == FromCommand(("pass", "show", "chat"))
    assert found.to(Audience.EVERYBODY) == ()
    assert found.banner == BannerPlace("www/banner.html", ("./tell", "status"))
    tracker = found.tracker
    assert tracker is not None
    assert (tracker.kind, tracker.url, tracker.labels) == (Forge.GITHUB, "https://github.com", ("bug",))
    assert (tracker.token, tracker.milestone) == (FromEnv("T"), "next")


def test_defaults():
    assert team(HEAD) == parse.default() == Team(PARIS, "team", Language.EN, OFFICE, Holidays("FR"), {}, None)
    assert team(f"{HEAD}holidays: {{country: none}}\n").holidays.country == ""
    assert (
        team(f"{HEAD}people: {{ada: {{name: Ada}}}}\nrota: {{start: 2026-10-05, order: [ada]}}\n").rota.handover == 540
    )


ALERTS = """\
alerts:
  severity: {label: level, values: {Page: SEV1}, otherwise: SEV2}
  params: {path: mount}
  host: node
  maps:
    mine:
      group: /check/id
      labels: {alertname: /check/name, instance: /host}
      annotations: {summary: /text}
      status: {at: /state, resolved: [OK, up]}
      started: /from
      severity: {values: {"1": SEV3}}
"""


def test_alerts():
    found = team(f"{HEAD}{ALERTS}").alerts
    assert found.severity == Grading("level", {"page": Severity.SEV1}, Severity.SEV2)
    assert [found.severity.of(one) for one in (" PAGE ", "info", "odd", "")] == [
        *(Severity.SEV1, Severity.SEV3, None, None)
    ]
    assert (found.host, found.service) == ("node", "service")
    assert found.params == {"mountpoint": "mount", "path": "mount"}
    assert found.maps["mine"] == AlertMap(
        group="/check/id",
        labels={"alertname": "/check/name", "instance": "/host"},
        annotations={"summary": "/text"},
        status="/state",
        resolved=frozenset({"ok", "up"}),
        started="/from",
        severity=Grading("severity", {"1": Severity.SEV3}, Severity.SEV1),
    )
    assert team(HEAD).alerts == Alerts()


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_message(path):
    with pytest.raises(HoldpointError) as caught:
        parse.parse(Source("team.yaml", path.read_bytes()), SCHEMA)
    assert "\n".join(map(draw, caught.value.problems)) + "\n" == path.with_suffix(".expected").read_text()
    assert caught.value.exit_code == 2


def test_a_day_alone_is_meant_whole_and_overlapping_hours_are_told_once():
    text = f"{HEAD}hours: [{{days: [mon], from: '09:00', to: '12:00'}}, {{days: [mon], from: '12:00', to: '13:00'}}]\n"
    assert len(team(text).hours) == 2


@pytest.mark.parametrize("validator", [Draft7Validator, Draft202012Validator])
def test_the_schema_is_valid_and_its_parts_are_described(validator):
    validator.check_schema(SCHEMA)
    assert compiled(SCHEMA)({"schema": "holdpoint/team/1"})
    assert not compiled(SCHEMA)({"schema": "holdpoint/team/1", "more": 1})
    stack = [SCHEMA]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            assert "$ref" not in here or len(here) == 1, "a validator of draft-07 would not look at what is beside it"
            stack += here.values()
            if here.get("type") == "object" and "properties" in here:
                assert here["additionalProperties"] is False
                assert here["description"]
    assert json.dumps(SCHEMA)
