"""Every message, whole, in both languages; and a team's own templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdpoint.app import incidents, messages
from holdpoint.incident.messages import Asked, lasted, slug
from holdpoint.store.library import shipped
from holdpoint.store.texts import Texts, UnusableError
from tests.incident.support import Room, json_of

ID = "20261125-1200-the-wiki-is-down-0000"


def test_a_whole_story_in_english(room: Room) -> None:
    declared = room.declare(services=("docmost", "baserow"), users_see=True, at="12:55")
    assert declared["incident"] == ID
    assert (
        declared["messages"][0]["text"]
        == f"""\
[SEV1] the wiki is down
Service: docmost, baserow
What: we are finding out what is affected
Since: 2026-11-25 12:55 CET
Users see it.
Now: investigating
Estimate: none yet, investigating
Next message: within 30 minutes, in the ops channel
Incident {ID}"""
    )
    room.done("scope", "all 40 people, the whole wiki")
    room.done("since", at="12:40")
    room.clock.on(minutes=4)
    assert room.sent()["messages"][0]["sent"] == "2026-11-25T12:04:00.000000Z"
    room.done("cause", "the disk is full")
    room.clock.on(minutes=20)
    update = room.update("clearing old backups", "14:00", sent=True)
    assert (
        update["text"]
        == f"""\
[SEV1] the wiki is down: update of 2026-11-25 13:24 CET
Service: docmost, baserow
What: all 40 people, the whole wiki
Since: 2026-11-25 12:40 CET
Cause found so far: the disk is full
Now: clearing old backups
Estimate: 14:00
Next message: within 30 minutes, in the ops channel
Incident {ID}"""
    )
    for item in ("lost", "severity", "backup", "banner", "restored", "health", "smoke", "flow"):
        room.clock.on(minutes=3)
        room.done(item, "nothing" if item == "lost" else "")
    assert "Now: verified" in room.update()["text"]
    end = room.resolve("backups filled the disk", "40 people without the wiki")
    assert (
        end["text"]
        == f"""\
[SEV1] the wiki is down: RESOLVED
Service: docmost, baserow
Down for: 59 min (from 2026-11-25 12:40 CET to 2026-11-25 13:39 CET)
Cause: backups filled the disk
Impact: 40 people without the wiki
Data lost: no
Post-mortem, within 7 days: docs/post-mortems/2026-11-25-the-wiki-is-down.md
Incident {ID}"""
    )
    assert (end["status"], end["down_seconds"], end["phase"]) == ("resolved", 59 * 60, "communicate")
    assert room.sent()["phase"] == "communicate"  # the banner is up still
    assert room.done("banner-down")["phase"] == "post-mortem"


def test_the_same_in_french(room: Room) -> None:
    room.case.write("team.yaml", "schema: holdpoint/team/1\nlanguage: fr\nzone: Europe/Paris\n")
    declared = room.declare("le wiki est tombé", services=("docmost",), users_see=True, data_loss=True)
    incident = declared["incident"]
    assert incident == "20261125-1200-le-wiki-est-tombe-0000"
    first, loss = (one["text"] for one in declared["messages"])
    assert (
        first
        == f"""\
[SEV1] le wiki est tombé
Service : docmost
Quoi : nous cherchons ce qui est touché
Depuis : 2026-11-25 13:00 CET
Les utilisateurs le voient.
Des données peuvent être perdues ; la direction est prévenue à part.
Où en sommes-nous : analyse en cours
Estimation : pas encore, analyse en cours
Prochain message : d'ici 30 minutes, dans le canal ops
Incident {incident}"""
    )
    assert (
        loss
        == f"""\
À la direction : perte de données dans l'incident [SEV1] le wiki est tombé
Service : docmost
Ce qui est perdu : pas encore connu
Depuis : 2026-11-25 13:00 CET
Connu depuis : 2026-11-25 13:00 CET
S'il s'agit de données personnelles, l'autorité doit être notifiée avant le
2026-11-28 13:00 CET (72 heures, article 33 du RGPD). Ce qui n'est pas connu d'ici
là peut suivre par étapes ; une notification tardive doit être motivée.
Incident {incident}"""
    )
    room.sent(message="1")
    room.done("cause", "le disque est plein")
    assert (
        room.update(estimate="14 h", sent=True)["text"]
        == f"""\
[SEV1] le wiki est tombé : point du 2026-11-25 13:00 CET
Service : docmost
Depuis : 2026-11-25 13:00 CET
Cause trouvée à ce stade : le disque est plein
Où en sommes-nous : nous cherchons ce qui est touché
Estimation : 14 h
Prochain message : d'ici 30 minutes, dans le canal ops
Incident {incident}"""
    )
    room.clock.on(hours=1, minutes=5)
    end = room.resolve("disque plein", "40 personnes", "yes", without_verify="personne n'est là")
    assert (
        end["text"]
        == f"""\
[SEV1] le wiki est tombé : RÉSOLU
Service : docmost
Durée d'interruption : 1 h 5 min (du 2026-11-25 13:00 CET au 2026-11-25 14:05 CET)
Cause : disque plein
Impact : 40 personnes
Données perdues : oui
Post-mortem, sous 7 jours : docs/post-mortems/2026-11-25-le-wiki-est-tombe.md
Incident {incident}"""
    )


def test_data_loss_found_out_later_tells_management_in_english(room: Room) -> None:
    room.declare("the wiki is down")
    room.clock.on(minutes=10)
    world = room.world(json=True)
    room.said(
        lambda: incidents.note(world, "uploads of today", at=None, incident=None, data_loss=True, users_see=False)
    )
    room.done("lost", "uploads of today")
    shown = room.show(json=True)
    assert shown["aware"] == "2026-11-25T12:10:00.000000Z"
    assert shown["messages"][1]["channel"] == "management"
    assert (
        shown["messages"][1]["text"]
        == f"""\
To management: data loss in incident [SEV1] the wiki is down
What is lost: not known yet
Since: 2026-11-25 13:00 CET
Aware since: 2026-11-25 13:10 CET
If it is personal data, the authority is to be notified by
2026-11-28 13:10 CET (72 hours, GDPR article 33). What is not known by then may
follow in phases; a late notice needs its reasons.
Incident {ID}"""
    )


def test_what_was_asked_for_counts_more_than_the_teams_language(room: Room) -> None:
    room.declare("the wiki is down", language="fr")
    assert "Quoi :" in room.show(json=True)["messages"][0]["text"]
    assert "What:" in room.update(language="en")["text"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_message_ships_in_every_language(language: str) -> None:
    names = {path.stem for path in (shipped("templates") / language).glob("*.txt")}
    assert names == {"first", "update", "data-loss", "resolved", "everybody", "issue", "banner"}
    assert (shipped("templates") / language / "banner.html").is_file()


# --- a team's own ---


def test_a_teams_own_template_takes_the_place_of_ours(room: Room) -> None:
    room.case.write("templates/en/first.txt", "{{ severity }} {{ title | upper }}, see {{ incident }}\n")
    assert room.declare("<b>wiki</b> & more")["messages"][0]["text"].startswith("SEV1 <B>WIKI</B> & MORE, see 2026")


def test_a_byte_order_mark_at_the_head_of_a_template_is_no_part_of_the_message(room: Room) -> None:
    room.case.write("templates/en/first.txt", b"\xef\xbb\xbf{{ severity }} {{ title }}\n")
    assert room.declare("down")["messages"][0]["text"] == "SEV1 down"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ nothing }}", "'nothing' is undefined"),
        ("line\n{% if %}", "line 2: Expected an expression"),
        ("{{ title.__class__.__mro__ }}", "is unsafe"),
        ("{{ 1 // 0 }}", "ZeroDivisionError"),
        ("{% include '/etc/passwd' %}", "no loader"),
        (b"\xff", "it is not UTF-8"),
        ("  \n", "it gives an empty text"),
        ("x" * 70_000, "it is larger than 65,536 bytes"),
        ("{% for a in range(9999) %}{{ '%999s' % a }}{% endfor %}", "it gives more than 65,536 characters"),
    ],
)
def test_a_broken_one_falls_back_to_ours_and_says_so(room: Room, template: str | bytes, why: str) -> None:
    room.case.write("templates/en/first.txt", template)
    told = incidents.Told("the wiki is down", severity="1")
    assert incidents.declare(room.world(json=True), told) == 0
    out = room.capsys.readouterr()
    assert json_of(out.out)["messages"][0]["text"].startswith("[SEV1] the wiki is down\nWhat:")
    assert "so the template that ships takes its place" in out.err
    assert why in out.err
    assert out.err.count("\n") == 1


def test_where_ours_is_broken_that_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="not a file"):
        Texts((tmp_path,)).render("first", "en", {})


# --- small parts ---


def test_words() -> None:
    from datetime import timedelta

    assert [lasted(timedelta(minutes=n)) for n in (0, 42, 60, 65, 1560, -5)] == [
        *("0 min", "42 min", "1 h 0 min", "1 h 5 min", "26 h 0 min", "0 min"),
    ]
    named = [slug(title) for title in ("Élan & Co", "../../etc", "<b>x</b>", "日本", "a" * 50, "-x-", "¹²³")]
    assert named == ["elan-co", "etc", "b-x-b", "incident", "a" * 40, "x", "123"]


def test_a_message_that_did_not_go_out_is_said_loudly(room: Room) -> None:
    room.declare()
    failed = room.sent(failed="the chat answers 500")
    assert failed["messages"][0]["failed"] == "the chat answers 500"
    page = room.show()
    assert "NOT SENT   message 1 (first) has not gone out: the chat answers 500" in page
    assert failed["messages"][0]["sent"] is None
    again = room.update(sent=True)
    assert again["messages"][1]["sent"] is not None
    assert "has not gone out" not in room.show()


def test_after_the_end_an_update_is_the_last_message_again(room: Room) -> None:
    room.declare()
    room.resolve("c", "i", without_verify="w")
    world = room.world(json=True)
    call = lambda: messages.update(world, Asked(), language="fr", sent=True, incident="last")  # noqa: E731
    assert "RÉSOLU" in json_of(room.said(call))["text"]


def test_the_least_grave_has_no_cadence_no_verify_and_no_post_mortem(room: Room) -> None:
    declared = room.declare("one button is grey", severity="3", trigger="user")
    assert "Next message" not in declared["messages"][0]["text"]
    assert [clock["clock"] for clock in declared["clocks"]] == ["response"]
    room.done("scope", "one button")
    room.done("issue", evidence="#41")
    assert room.done("workaround", "press Enter")["clocks"][0]["standing"] == "kept"
    end = room.resolve("a typo", "nobody was stopped")
    assert "ost-mortem" not in end["text"]
    assert (end["phase"], end["recorded"][0]["data"]["without_verify"]) == (None, "")
    journal = Path(end["journal"])
    room.sent()
    assert journal.stat().st_blocks * 512 < 32 * 1024  # nothing is left to do, so no room is kept
