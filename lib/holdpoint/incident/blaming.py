"""The words that blame, as data: what each shows, and how the same is said without blame. English and French.

A form is a regular expression, matched without regard to case at the borders of words. `{who}` stands for somebody: a
pronoun, a role or a name. What machines do too (a disk that failed, a page fault) is blame only with somebody before it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """Forms of words, why they blame, and what to write in their place."""

    forms: tuple[str, ...]
    why: str
    instead: str


WHO = {
    "en": (
        "he|she|they|we|i|you|somebody|someone|nobody|no one|everybody|everyone|"
        "(?:the|an?|our|their) (?:on-call )?(?:engineer|operator|developer|admin|administrator|sysadmin|dba|"
        "intern|junior|trainee|team|person|user|manager|colleague|contractor|on-call)s?"
    ),
    "fr": (
        "il|elle|ils|elles|on|nous|je|tu|vous|quelqu'un|personne|tout le monde|"
        "(?:l'|le |la |les |un |une |notre |leur )(?:ingénieure?|opérateur|opératrice|développeur|développeuse|"
        "admin|administrateur|administratrice|stagiaire|équipe|utilisateur|utilisatrice|collègue|prestataire|astreinte)s?"
    ),
}
"""Who is somebody, by language; names of people are added."""

RULES: tuple[Rule, ...] = (
    Rule(
        (
            r"(?:human|operator|user|pilot) error",
            r"erreurs? (?:humaines?|de manipulation|d'inattention)",
        ),
        "it ends the search where it should begin: what made that step easy to get wrong?",
        "say what the tool, the page or the process let happen, and what would have stopped it",
    ),
    Rule(
        (
            r"should(?:n't| not)? have",
            r"ought(?:n't| not)? to have",
            r"could have (?:easily|simply|just)",
            r"(?:aurait|auraient|aurions|auriez|aurais) (?:dû|du)",
            r"il suffisait d[e']",
            r"il fallait (?:juste|seulement|simplement)",
        ),
        "hindsight: what was known then made another choice look right",
        "say what was known at that time, and what would have shown the rest",
    ),
    Rule(
        (
            r"{who} (?:failed|neglected|forgot|omitted|refused) to",
            r"{who} (?:didn't|did not) bother",
            r"forgot to",
            r"neglected to",
            r"n'a(?:vait|vaient)? (?:pas|même pas) (?:su|pris la peine)",
            r"n'ont (?:pas|même pas) (?:su|pris la peine)",
            r"{who} (?:a|ont|avait|avaient|avons|ai|as|avez) (?:oublié|omis|négligé)",
            r"(?:a|ont) (?:oublié|omis|négligé) d[e']",
        ),
        "it names what somebody did not do, and not why that step could be missed",
        "say which check, reminder or default was not there",
    ),
    Rule(
        (
            r"{who} (?:broke|ruined|crashed|wrecked|caused|screwed up|messed up|took down|brought down)",
            r"(?:screwed|messed) (?:it |this |that |things )?up",
            r"{who} (?:a|ont|avait|avaient) (?:cassé|planté|bousillé|provoqué|causé)",
            r"responsables? (?:de la panne|de l'incident|for the (?:outage|incident|loss))",
        ),
        "it makes a person the cause; a system that one person can bring down is the cause",
        "say what was done and what it set off: `the migration was started and locked the table`",
    ),
    Rule(
        (
            r"(?:to blame|at fault|whose fault|his fault|her fault|their fault|your fault|my fault)",
            r"(?:blames?|blamed|blaming) {who}",
            r"(?:par la|de la|à la) faute d(?:e |u |es |')\w+",
            r"(?:sa|ta|ma|leur|votre|notre) faute",
            r"(?:coupable|coupables|fautif|fautive|fautifs)",
        ),
        "it looks for somebody who is guilty; nobody tells the truth to that",
        "say what happened and under which circumstances",
    ),
    Rule(
        (
            r"careless(?:ly|ness)?",
            r"negligen(?:t|ce|tly)",
            r"(?:sloppy|sloppily|lazy|laziness|reckless|recklessly|incompetent|incompetence)",
            r"(?:stupid|stupidly|idiotic|clueless|inattentive|thoughtless)",
            r"(?:négligente?s?|négligence|incompétente?s?|incompétence|imprudente?s?)",
            r"(?:étourderie|inattention|stupides?|bâclée?s?|paresse|désinvolture)",
        ),
        "it judges a person and explains nothing",
        "say what was hard to see or easy to mix up there",
    ),
    Rule(
        (
            r"(?:be|been) more careful",
            r"(?:pay|paid|paying) (?:more|closer) attention",
            r"try harder",
            r"(?:faire|être|fera|ferons|serons) (?:plus|davantage) (?:attention|attentifs?|attentive|prudents?|vigilants?)",
            r"redoubler de vigilance",
        ),
        "care is no action: the next person at 3 a.m. has no more of it",
        "say what is changed so that care is not needed",
    ),
    Rule(
        (
            r"(?:obviously|common sense)",
            r"(?:évidemment|de toute évidence|simple bon sens)",
        ),
        "hindsight: it was not obvious to those who were there",
        "leave it out, or say what would have made it visible",
    ),
)
