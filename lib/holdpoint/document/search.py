"""Which runbooks fit a text: a message that somebody sees, the name of an alert, or a few words.

Pure: cards in, hits out, the best first. A card is all that a listing and a search need of a runbook, so that neither
has to read documents that have not changed.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from holdpoint.document.model import Runbook, Step


class Card(NamedTuple):
    """What stands on the back of a runbook. `texts` is everything else that it says to people."""

    id: str
    title: str
    severity: str
    owner: str
    services: tuple[str, ...]
    reviewed: str
    alerts: tuple[str, ...]
    matches: tuple[str, ...]
    symptoms: tuple[str, ...]
    texts: tuple[str, ...]


class Hit(NamedTuple):
    """A card that fits; `because` quotes what fitted best."""

    card: Card
    score: float
    because: str


class _Field(NamedTuple):
    name: str
    text: str
    weight: float
    words: tuple[str, ...]


class _Term(NamedTuple):
    """A word of the query: the words that it may stand for, and how much it tells apart."""

    likenesses: Mapping[str, float]
    rarity: float

    def likeness(self, field: _Field) -> float:
        return max((self.likenesses.get(word, 0.0) for word in field.words), default=0.0)


_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FILLERS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "do",
        "does",
        "for",
        "from",
        "has",
        "have",
        "i",
        "in",
        "is",
        "it",
        "its",
        "my",
        "of",
        "on",
        "or",
        "our",
        "that",
        "the",
        "there",
        "this",
        "to",
        "was",
        "we",
        "what",
        "why",
        "with",
        "you",
    ]
)
_WHOLE, _PART = 60.0, 40.0
"""For a whole text of `matches` or an alert that stands in the query, and for a query that stands in a text."""
_SHORTEST, _ALIKE, _STEM = 4, 0.75, 3
"""From how many letters on a word may be misspelt, how like the right one it has to be, and how short a beginning is."""
_SENTENCE = "matches"
_WORTH_SHOWING = 0.15
"""Hits below this share of the best one are left out."""


def card_of(runbook: Runbook) -> Card:
    """Write the card of a runbook."""
    causes = [cause.title for cause in runbook.causes]
    return Card(
        id=runbook.id,
        title=runbook.title,
        severity=runbook.severity.value,
        owner=runbook.owner,
        services=runbook.services,
        reviewed=runbook.reviewed.isoformat(),
        alerts=runbook.alerts,
        matches=runbook.matches,
        symptoms=tuple(step.title for step in runbook.symptoms),
        texts=(*causes, *(text for step in runbook.steps() for text in _texts(step))),
    )


def _texts(step: Step) -> list[str]:
    said = [step.title, step.why, getattr(step.action, "text", ""), step.irreversible or ""]
    return [text for text in said if text]


def rank(query: str, cards: Sequence[Card]) -> tuple[Hit, ...]:
    """Order the cards that fit by how well they do; cards that do not are left out."""
    wanted = _wanted(query)
    fields = [_fields(card) for card in cards]
    vocabularies = [frozenset(word for field in of_card for word in field.words) for of_card in fields]
    known = frozenset().union(*vocabularies)
    terms = [_Term(_likenesses(word, known), _rarity(word, vocabularies)) for word in wanted]
    asked = f" {' '.join(words(query))} "
    every = (_hit(asked, terms, card, of_card) for card, of_card in zip(cards, fields, strict=True))
    hits = [hit for hit in every if hit.score > 0]
    best = max((hit.score for hit in hits), default=0.0)
    shown = [hit for hit in hits if hit.score >= best * _WORTH_SHOWING]
    return tuple(sorted(shown, key=lambda hit: (-hit.score, hit.card.id)))


def _wanted(query: str) -> tuple[str, ...]:
    every = tuple(dict.fromkeys(words(query)))
    return tuple(word for word in every if word not in _FILLERS) or every


def words(text: str) -> tuple[str, ...]:
    """Give the words of a text in lower case; `NodeDiskFull` and `disk_full` are several."""
    return tuple(word.casefold() for word in _WORD.findall(_HUMP.sub(" ", _plain(text))))


def _plain(text: str) -> str:
    """Fold away what is written in more than one way: width, accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _fields(card: Card) -> tuple[_Field, ...]:
    weights: tuple[tuple[str, float, Iterable[str]], ...] = (
        (_SENTENCE, 10, card.matches),
        ("alert", 8, card.alerts),
        ("symptom", 6, card.symptoms),
        ("id", 6, (card.id,)),
        ("title", 5, (card.title,)),
        ("service", 4, card.services),
        ("owner", 1, (card.owner,)),
        ("text", 1, card.texts),
    )
    return tuple(_Field(name, text, weight, words(text)) for name, weight, texts in weights for text in texts)


def _rarity(word: str, vocabularies: Sequence[frozenset[str]]) -> float:
    """How much a word tells apart: the fewer cards have it, the more."""
    count = sum(word in vocabulary for vocabulary in vocabularies)
    return 1 + math.log((1 + len(vocabularies)) / (1 + count))


def _hit(asked: str, terms: Sequence[_Term], card: Card, fields: Sequence[_Field]) -> Hit:
    weighed = [(field, _weight(field, terms)) for field in fields]
    phrases = [(_phrase(asked, field, weight), field) for field, weight in weighed]
    score, strongest = max(phrases, key=lambda pair: pair[0])
    most = score
    for term in terms:
        worth, field = max(((term.likeness(each) * weight, each) for each, weight in weighed), key=lambda pair: pair[0])
        score += worth * term.rarity
        if worth > most:
            most, strongest = worth, field
    return Hit(card, score, f"{strongest.name}: {strongest.text}" if most else "")


def _weight(field: _Field, terms: Sequence[_Term]) -> float:
    """How much a word in a field counts. One of `matches` is a sentence that a system says: its words count by how many are there."""
    if field.name != _SENTENCE:
        return field.weight
    telling = [word for word in field.words if word not in _FILLERS] or field.words
    found = sum(max((term.likenesses.get(word, 0.0) for term in terms), default=0.0) for word in telling)
    return max(1.0, field.weight * found / max(1, len(telling)))


def _phrase(asked: str, field: _Field, weight: float) -> float:
    """A whole text in what was asked, as in a line of a log; or what was asked inside of a text."""
    text = f" {' '.join(field.words)} "
    if not field.words or not asked.strip():
        return 0.0
    if text in asked:
        return (
            _WHOLE * min(1.0, field.weight / 8) if field.weight > 1 and (len(field.words) > 1 or text == asked) else 0.0
        )
    if asked in text:
        return _PART * min(1.0, weight / 8)
    return 0.0


def _likenesses(word: str, known: Iterable[str]) -> Mapping[str, float]:
    """Which known words a word may stand for: 1 for itself, less where only the beginning or the spelling is alike."""
    likenesses: dict[str, float] = {}
    if len(word) >= _SHORTEST:
        near = [other for other in known if abs(len(other) - len(word)) <= 2 and other[0] == word[0]]  # noqa: PLR2004
        likenesses |= dict.fromkeys(difflib.get_close_matches(word, near, n=5, cutoff=_ALIKE), 0.5)
    if len(word) >= _STEM:
        longer = (other for other in known if other.startswith(word))
        shorter = (other for other in known if len(other) >= _SHORTEST and word.startswith(other))
        likenesses |= dict.fromkeys((*longer, *shorter), 0.7)
    return likenesses | {word: 1.0}
