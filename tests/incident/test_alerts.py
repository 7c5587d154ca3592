"""`inv alert`, from outside: which incident it comes to, which runbook it finds, what it prints, and what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdpoint.app import alerts, incidents
from holdpoint.incident.payload import LARGEST
from tests.case import DOOR, Case
from tests.incident.alerting import GROUP, TEAM, alert, taken, webhook
from tests.incident.support import NOON, Room, json_of


def _alert(room: Room, payload: Any = None, **more: Any) -> Any:
    return taken(room, webhook() if payload is None else payload, **more)


def _sent(case: Case, payload: Any = None) -> Any:
    """Take a payload in a process of its own."""
    text = json.dumps(webhook() if payload is None else payload)
    return case.run("alert", "--json", stdin=text).expect(0, ..., ...).json()


def _listed(room: Room) -> Any:
    return json_of(room.said(lambda: incidents.list_all(room.world(json=True))))


def _kinds(data: Any) -> list[str]:
    return [record["kind"] for record in data["recorded"]]


# --- which incident ---


def test_an_alert_opens_an_incident(case: Case) -> None:
    data = _sent(case.runbook(), webhook(alert(labels={"service": "house"})))
    assert data["became"] == "declared"
    assert _kinds(data) == ["incident.declared", "alert.received", "message.rendered"]
    declared, received, _ = (record["data"] for record in data["recorded"])
    assert (declared["trigger"], declared["group"], declared["services"]) == ("alert", GROUP, ["house"])
    assert declared["title"] == "DoorOpen: The door stands open"
    assert data["noticed"] == "2026-11-25T09:30:00.123456Z"
    assert (data["severity"], data["alert"]["severity_because"]) == ("SEV2", "severity=warning")
    assert (received["fingerprints"], received["firing"], received["status"]) == (["ab12"], 1, "firing")
    assert received["happened"] == "2026-11-25T09:30:00.123456+00:00"


def test_the_same_again_is_counted_and_said_on_one_row(room: Room) -> None:
    first = _alert(room)
    again = [_alert(room) for _ in range(3)]
    assert [one["became"] for one in again] == ["again"] * 3
    assert [_kinds(one) for one in again] == [["alert.repeated"]] * 3
    assert {one["incident"] for one in again} == {first["incident"]}
    shown = room.show(json=True)
    rows = [row["text"] for row in shown["timeline"] if row["mark"] == "alert"]
    assert rows == ["1 firing: DoorOpen: The door stands open", "the same came again, 4 times by now"]
    assert len(shown["messages"]) == 1
    group = {"group": GROUP, "source": "alertmanager", "name": "DoorOpen", "status": "firing", "firing": 1}
    assert shown["alerts"] == [{**group, "fingerprints": ["ab12"], "times": 4, "gravest": "SEV2"}]


def test_news_of_a_group_joins_and_what_is_over_closes_nothing(room: Room) -> None:
    first = _alert(room)
    joined = _alert(room, webhook(alert("ab12"), alert("cd34")))
    again = _alert(room, webhook(alert("cd34"), alert("ab12")))
    fewer = _alert(room, webhook(alert("ab12", status="resolved"), alert("cd34")))
    over = _alert(room, webhook(alert("cd34", status="resolved")))
    twice = _alert(room, webhook(alert("cd34", status="resolved")))
    became = [one["became"] for one in (first, joined, again, fewer, over, twice)]
    assert became == ["declared", "joined", "again", "joined", "joined", "again"]
    (one,) = _listed(room)
    assert (one["incident"], one["status"]) == (first["incident"], "open")
    assert over["recorded"][0]["data"]["happened"] == "2026-11-25T09:45:00.000000+00:00"
    assert over["runbooks"] == first["runbooks"] == []


def test_another_group_is_another_incident(room: Room) -> None:
    one, two = _alert(room), _alert(room, webhook(groupKey="another"))
    assert one["incident"] != two["incident"]
    assert _alert(room)["incident"] == one["incident"]


def test_what_is_over_and_nobody_knows_of_opens_nothing(room: Room) -> None:
    data = _alert(room, webhook(alert(status="resolved")))
    assert (data["became"], data["incident"], data["recorded"]) == ("nothing", None, [])
    assert _listed(room) == []


def test_an_alert_can_be_put_into_an_incident_that_a_person_declared(room: Room) -> None:
    name = room.declare("the door")["incident"]
    joined = _alert(room, incident=name[-4:])
    assert (joined["became"], joined["incident"], joined["severity"]) == ("joined", name, "SEV1")
    assert _alert(room)["became"] == "again"
    assert len(_listed(room)) == 1


def _starting(minutes: float, fingerprint: str = "ab12", **more: Any) -> dict[str, Any]:
    """An alert that began so many minutes after noon."""
    return alert(fingerprint, startsAt=(NOON + timedelta(minutes=minutes)).isoformat(), **more)


def test_after_the_end_what_still_fires_is_said_there_and_what_fires_anew_is_a_new_incident(room: Room) -> None:
    first = taken(room, webhook(_starting(-5)))
    room.clock.on(minutes=30)
    room.resolve("c", "i", without_verify="w")
    still = taken(room, webhook(_starting(-5)))
    assert (still["became"], still["incident"], still["status"]) == ("after", first["incident"], "resolved")
    assert _kinds(still) == ["alert.repeated"]
    over = taken(room, webhook(_starting(-5, status="resolved")))
    assert (over["became"], _kinds(over)) == ("after", ["alert.received"])
    room.clock.on(minutes=30)
    anew = taken(room, webhook(_starting(45)))
    assert anew["became"] == "declared"
    assert anew["incident"] != first["incident"]
    assert taken(room, webhook(_starting(45)))["incident"] == anew["incident"]


def test_what_still_fires_after_the_end_is_said_loudly(room: Room) -> None:
    taken(room, webhook(_starting(-5)))
    room.resolve("c", "i", without_verify="w")
    file = str(room.case.folder / "payload.json")
    page = room.said(lambda: alerts.receive(room.world(), file=file, by=None, severity=None, incident=None))
    assert "WAS RESOLVED 2026-11-25 13:00:00 CET, AND IT STILL FIRES" in " ".join(page.split())
    assert "inv incident.reopen --incident" in page


def test_a_time_that_is_still_to_come_is_now(room: Room) -> None:
    data = taken(room, webhook(_starting(90)))
    assert data["noticed"] == "2026-11-25T12:00:00.000000Z"
    assert data["recorded"][1]["data"]["happened"] == "2026-11-25T12:00:00.000000+00:00"


def test_who_is_on_call_is_who_was_when_it_began(room: Room) -> None:
    people = "people: {ada: {name: A}, bob: {name: B}}\nrota: {start: 2026-11-18, order: [ada, bob]}\n"
    room.case.write("team.yaml", f"schema: holdpoint/team/1\nlanguage: fr\n{people}")
    data = taken(room, webhook(alert(startsAt="2026-11-25T07:59:00Z")))
    assert data["on_call"] == {"principal": "ada", "backup": "bob"}
    assert data["messages"][0]["language"] == "fr"


# --- how grave ---


@pytest.mark.parametrize(
    ("labels", "severity", "because"),
    [
        ({"severity": "critical"}, "SEV1", "severity=critical"),
        ({"severity": " Warning "}, "SEV2", "severity=Warning"),
        ({"severity": "info"}, "SEV3", "severity=info"),
        ({"severity": "P1"}, "SEV1", "severity=P1"),
        ({"severity": "purple"}, "SEV1", "severity=purple is not known"),
        ({"severity": "", "alertname": "Unknown"}, "SEV1", "no label `severity`"),
        ({"severity": ""}, "SEV3", "no label `severity`, so the runbook's"),
    ],
)
def test_severity_from_the_label(room: Room, labels: dict[str, str], severity: str, because: str) -> None:
    room.case.runbook()
    data = taken(room, webhook(alert(labels=labels)))
    assert (data["severity"], data["alert"]["severity_because"]) == (severity, because)


def test_the_gravest_of_a_group_counts_and_what_is_over_does_not(room: Room) -> None:
    info, page = {"severity": "info"}, {"severity": "page"}
    over = alert("c", status="resolved", labels=page)
    assert _alert(room, webhook(alert("a", labels=info), over))["severity"] == "SEV3"
    data = _alert(room, webhook(alert("a", labels=info), alert("b", labels=page), groupKey="other"))
    assert data["severity"] == "SEV1"


def test_the_teams_word_and_the_persons_word(room: Room) -> None:
    room.case.write("team.yaml", TEAM)
    sent = [webhook(alert(labels={"severity": one}), groupKey=one) for one in ("urgent", "warning", "critical", "odd")]
    assert [_alert(room, one)["severity"] for one in sent] == ["SEV1", "SEV3", "SEV1", "SEV2"]
    assert _alert(room, webhook(groupKey="typed"), severity="2")["severity"] == "SEV2"


def test_a_graver_alert_makes_it_graver_once_and_no_more_after_a_person_said_less(room: Room) -> None:
    info, page = alert("a", labels={"severity": "info"}), alert("b", labels={"severity": "page"})
    assert _alert(room, webhook(info))["severity"] == "SEV3"
    raised = _alert(room, webhook(info, page))
    assert (raised["severity"], _kinds(raised)) == ("SEV1", ["alert.received", "severity.changed"])
    assert raised["recorded"][1]["data"]["reason"] == "alert: severity=page"
    given = {"reason": "one door of ten", "at": None, "incident": None}
    room.said(lambda: incidents.change_severity(room.world(json=True), "3", **given))
    third = alert("c", labels={"severity": "page"})
    assert _alert(room, webhook(info, page, third))["severity"] == "SEV3"


def test_a_broken_library_or_team_costs_no_alert(case: Case) -> None:
    case.runbook("broken", "no: runbook\n").runbook("door", DOOR).write("team.yaml", "zone: nowhere\n")
    ran = case.run("alert", "--json", stdin=json.dumps(webhook())).expect(0, ..., ...)
    assert ran.json()["became"] == "declared"
    assert [one["runbook"] for one in ran.json()["runbooks"]] == ["door"]
    assert "so the defaults count" in ran.raw_error


# --- other monitors ---

DOWN = {"monitor_id": "7", "monitor": "The wiki", "alert_type": "1", "details": "HTTP 503", "at": "1764063000"}


def test_uptimerobot_down_and_up(room: Room) -> None:
    down = _alert(room, DOWN, by="uptimerobot")
    up = _alert(room, {**DOWN, "alert_type": "2"}, by="uptimerobot")
    assert (down["became"], up["became"]) == ("declared", "joined")
    assert (down["title"], down["severity"], up["status"]) == ("The wiki: HTTP 503", "SEV1", "open")
    ends = _alert(room, {**DOWN, "monitor_id": "8", "alert_type": "3"}, by="uptimerobot")
    assert ends["severity"] == "SEV3"


def test_the_alert_body_to_paste_has_all_that_the_map_names() -> None:
    root = Path(__file__).parent.parent.parent
    body = json.loads((root / "templates/alerts/uptimerobot.json").read_text())
    text = (root / "templates/alerts/uptimerobot.yaml").read_text()
    assert all(f"/{key}" in text for key in body)
    assert all(value.startswith("*") and value.endswith("*") for value in body.values())


def test_a_map_of_the_teams_own(room: Room) -> None:
    room.case.write("team.yaml", TEAM)
    data = _alert(room, {"id": 5, "what": "DoorOpen", "state": "bad"}, by="mine")
    assert (data["alert"]["group"], data["title"]) == ("mine:5", "DoorOpen")
    assert _alert(room, {"id": 5, "what": "DoorOpen", "state": "OK"}, by="mine")["became"] == "joined"


# --- bad input ---


@pytest.mark.parametrize(
    ("stdin", "words", "said"),
    [
        ("", [], "it is empty"),
        ("{", [], "it ends in the middle"),
        ("x", [], "payload:1:1: error[payload]"),
        ("{}", [], "this payload holds no alert"),
        ('{"alerts": [{"a": NaN}]}', [], "is no number of JSON"),
        ("[" * 50_000, [], "it is nested too deep"),
        ("x" * 10_000_000, [], f"at most {LARGEST:,}"),
        ("{}", ["--map", "uptimerobto"], "did you mean `uptimerobot`?"),
        ("{}", ["--map", "../../x"], "there is no map"),
        ("{}", ["--map", "uptimerobot"], "has nothing of what the map `uptimerobot` names"),
        ("{}", ["--severity", "7"], "this is not a severity"),
        ("{}", ["--severity"], "stands without a value"),
        ("{}", ["--file"], "stands without a value"),
        ("{}", ["--file", "nowhere.json"], "nowhere.json: error[payload]: the payload cannot be read: no such file"),
        ("{}", ["--file", "runbooks"], "is a directory"),
        (None, ["--incident", "nothing"], "there is no incident `nothing`"),
        (None, ["--incident", "../x"], "this is not the name of an incident"),
    ],
)
def test_bad_input_is_said_and_leaves_nothing(case: Case, stdin: str | None, words: list[str], said: str) -> None:
    text = json.dumps(webhook()) if stdin is None else stdin
    ran = case.run("alert", *words, stdin=text).expect(2, "", ...)
    assert said in ran.raw_error
    assert "Traceback" not in ran.raw_error
    assert list(case.state.glob("incidents/*")) == []


NASTY = "<script>alert(1)</script> [x](javascript:y) \x1b[31m \u202e # h1\n\n* a\r../../etc/passwd {{ 7*7 }}"


def test_texts_of_any_kind_break_nothing(case: Case) -> None:
    one = alert(labels={"alertname": f"A/{NASTY}", "service": NASTY, NASTY: NASTY}, annotations={"summary": NASTY})
    data = _sent(case, webhook(one, groupKey=NASTY))
    assert data["became"] == "declared"
    assert "/" not in data["incident"]
    assert "7*7" in data["messages"][0]["text"]
    assert _sent(case, webhook(one, groupKey=NASTY))["became"] == "again"
    page = case.run("alert", stdin=json.dumps(webhook(one, groupKey=NASTY))).expect(0, ..., ...).raw
    page += case.run("incident.show").expect(0, ..., ...).raw
    assert not {"\x1b", "\u202e", "\r"} & set(page)
    assert "<script>" in page
    assert case.run("incident.list", "--json").expect(0, ..., ...).json()[0]["status"] == "open"


def test_the_page_fits_its_width_but_for_the_command(case: Case) -> None:
    one = alert(labels={"door": "/a", "instance": "web1:9100", "x": "y" * 150}, annotations={"summary": "w " * 90})
    page = case.runbook().run("alert", stdin=json.dumps(webhook(one, groupKey="k" * 150))).expect(0, ..., ...).raw
    lines = page.partition("── message")[0].splitlines()
    assert max(len(line) for line in lines if not line.startswith("  inv runbook ")) <= 80
