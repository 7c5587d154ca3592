"""What a journal does not say and people want to read: the titles, sections and effects of a plan's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdpoint.document.model import Effect, Section
from holdpoint.planning.plan import CausesItem, Plan, ProofItem, StepItem


@dataclass(frozen=True, slots=True)
class Named:
    title: str
    section: Section
    effect: Effect
    used: str = ""
    """The runbook that it belongs to, where the run's own only uses that."""


@dataclass(frozen=True, slots=True)
class Background:
    """Names by item key. Empty where the document is not at hand; then the keys themselves are shown."""

    steps: Mapping[str, Named] = field(default_factory=dict)

    def title(self, key: str) -> str:
        named = self.steps.get(key)
        return named.title if named else key

    def changes(self) -> tuple[str, ...]:
        """The keys of the steps that change something, in the plan's order."""
        return tuple(key for key, named in self.steps.items() if named.effect is not Effect.READ)


NONE = Background()
HEADINGS = {
    Section.SYMPTOMS: "Symptoms",
    Section.DIAGNOSTIC: "Diagnosis",
    Section.RESOLUTION: "Repair",
    Section.PREVENTION: "Prevention",
    Section.ROLLBACK: "Rollback",
}


def background(plan: Plan) -> Background:
    """Take the names from a plan."""
    steps: dict[str, Named] = {}
    for item in plan.items:
        used = plan.scopes[item.scope].runbook.id if item.scope else ""
        match item:
            case StepItem(key=key, step=step):
                steps[key] = Named(step.title, step.section, step.effect, used)
            case ProofItem(key=key):
                steps[key] = Named("the check of recovery", Section.RESOLUTION, Effect.READ, used)
            case CausesItem(key=key):
                steps[key] = Named("the causes", Section.DIAGNOSTIC, Effect.READ, used)
    return Background(steps)
