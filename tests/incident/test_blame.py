"""The check for blaming wording: what it finds in both languages, and what it lets stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdpoint.incident.blame import advice
from holdpoint.incident.blaming import RULES

BLAMES = (
    ("It was human error.", "human error"),
    ("Bob should have checked the backups.", "should have"),
    ("They failed to read the page.", "They failed to"),
    ("ada forgot to run it", "ada forgot to"),
    ("The on-call engineer broke the build", "The on-call engineer broke"),
    ("Who is to blame?", "to blame"),
    ("a careless migration", "careless"),
    ("We will be more careful.", "be more careful"),
    ("Obviously the disk was full.", "Obviously"),
    ("C'est une erreur humaine.", "erreur humaine"),
    ("Il aurait dû vérifier.", "aurait dû"),
    ("L’équipe a oublié de relancer", "L'équipe a oublié"),
    ("bob a cassé la base", "bob a cassé"),
    ("C'est de sa faute", "sa faute"),
    ("par la faute de Bob", "par la faute de Bob"),
    ("une négligence", "négligence"),
    ("il faut faire plus attention", "faire plus attention"),
    ("Évidemment, le disque", "Évidemment"),
)
FACTS = """\
The failed disk was replaced; nginx failed to start, and the container failed to reach the database.
The backup job failed. A segmentation fault, a page fault, fault tolerance, an error of the client.
operator: ops. The operator typed `run` at 13:04. Ada restarted docmost. bob noticed it and told the team.
`git blame` shows the line. This document is blameless. The default fault domain was lost.
The monitor did not alert. The job could have run twice..
Le disque en panne a été remplacé ; faute de place, la base n'a pas démarré. Par défaut, la sauvegarde échoue.
L'opérateur a tapé `run`. Le service a échoué à cause du disque. Il a redémarré à 13:04. À cause de la charge.
La défaillance du disque a provoqué la panne. L'erreur 500 était visible. Le responsable de la base a été prévenu.
https://example.org/human-error and [a page](human-error.md)
"""


@pytest.mark.parametrize(("text", "words"), BLAMES)
def test_what_blames_is_found(text: str, words: str) -> None:
    (found,) = advice(f"# Title\n\n{text}\n", ("Ada", "bob"))
    assert (found.line, found.words) == (3, words)
    assert found.why
    assert found.instead


def test_every_rule_is_tried() -> None:
    found = {one.why for text, _ in BLAMES for one in advice(text, ("ada", "bob"))}
    assert found == {rule.why for rule in RULES}


@pytest.mark.parametrize("line", FACTS.splitlines())
def test_facts_are_let_stand(line: str) -> None:
    assert advice(line, ("Ada", "bob", "ops")) == ()


def test_code_and_comments_are_not_looked_at() -> None:
    text = "<!-- he should have\nsaid -->\n```\nhe forgot to\n```\n`he forgot to`\nhe forgot to\n"
    assert [one.line for one in advice(text)] == [7]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_template_of_a_post_mortem_blames_nobody(language: str) -> None:
    template = Path(__file__).parents[2] / "templates" / language / "post-mortem.md"
    assert advice(template.read_text(encoding="utf-8")) == ()
