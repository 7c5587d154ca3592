"""A runbook as a page of Markdown, with a Mermaid flowchart. Deterministic: the same document gives the same bytes.

Nothing of a document is ever markup here: text is escaped, code stands in fences that are longer than what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from holdpoint.document.duration import show
from holdpoint.document.model import Effect, Runbook, Section, Step
from holdpoint.views.inert import inert
from holdpoint.views.runbook import parameter
from holdpoint.views.steps import CONDITION, condition, deed, details

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|~&#$])")
_AT_START = re.compile(r"^([-+=]|\d+(?=[.)]))")
_TITLES = {
    Section.SYMPTOMS: "Symptoms",
    Section.DIAGNOSTIC: "Diagnosis",
    Section.RESOLUTION: "Resolution",
    Section.PREVENTION: "Prevention",
    Section.ROLLBACK: "Rollback",
}


def escape(text: str) -> str:
    """Text in one line that no reader of Markdown or HTML takes for anything else."""
    plain = " ".join(inert(text).split())
    escaped = _MARKUP.sub(r"\\\1", plain).replace("\\&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")
    return _AT_START.sub(_inert_start, escaped)


def _inert_start(match: re.Match[str]) -> str:
    """A list, a heading's underline or a number at the start of a line."""
    return f"&#{ord(match[0][0])};{match[0][1:]}"


def fenced(text: str, language: str = "") -> str:
    """Code, whole, in a fence that it cannot close."""
    body = inert(text.rstrip("\n"))
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}\n"


def inline(text: str) -> str:
    """Code in one line."""
    body = " ".join(inert(text).split())
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * (longest + 1)
    room = " " if longest or not body else ""
    return f"{fence}{room}{body}{room}{fence}"


def page(runbook: Runbook) -> str:
    """The whole page, ending with a newline."""
    parts = [f"# {escape(runbook.title)}\n", _facts(runbook)]
    parts += [_flowchart(runbook)] if runbook.causes or runbook.resolution else []
    parts += [_parameters(runbook)] if runbook.params else []
    parts += [_section(Section.SYMPTOMS, _symptoms_also(runbook), runbook.symptoms)]
    parts += [_section(Section.DIAGNOSTIC, "", runbook.diagnostic)]
    parts += [_causes(runbook)] if runbook.causes else []
    parts += [_section(Section.RESOLUTION, "", runbook.resolution)]
    if runbook.recovered is not None:
        parts.append(f"## Recovered\n\nThis check must be green:\n\n{fenced(runbook.recovered.run.script, 'sh')}")
    parts += [_section(Section.PREVENTION, "", runbook.prevention), _section(Section.ROLLBACK, "", runbook.rollback)]
    parts += [_escalation(runbook)] if runbook.escalation else []
    return "\n".join(parts)


def index(runbooks: Sequence[Runbook]) -> str:
    """The page that leads to all others; each stands beside it as `ID.md`."""
    lines = ["# Runbooks\n", "| runbook | severity | services | title |", "| --- | --- | --- | --- |"]
    for one in sorted(runbooks, key=lambda runbook: runbook.id):
        services = ", ".join(escape(service) for service in one.services)
        lines.append(f"| [{escape(one.id)}]({one.id}.md) | {one.severity} | {services} | {escape(one.title)} |")
    return "\n".join(lines) + "\n"


def _facts(runbook: Runbook) -> str:
    lines = [
        f"- Runbook: {inline(runbook.id)}, {runbook.severity}",
        f"- Owner: {escape(runbook.owner)}, reviewed {runbook.reviewed.isoformat()}",
    ]
    lines += [f"- Services: {', '.join(escape(one) for one in runbook.services)}"] if runbook.services else []
    lines += [f"- Alerts: {', '.join(inline(one) for one in runbook.alerts)}"] if runbook.alerts else []
    return "\n".join([*lines, "", f"Run it: {inline(f'inv runbook {runbook.id}')}"]) + "\n"


def _symptoms_also(runbook: Runbook) -> str:
    if not runbook.matches:
        return ""
    return "Messages that lead here:\n\n" + "\n".join(f"- {inline(one)}" for one in runbook.matches) + "\n"


def _parameters(runbook: Runbook) -> str:
    return "## Parameters\n\n" + "\n".join(f"- {escape(parameter(param))}" for param in runbook.params) + "\n"


def _section(section: Section, before: str, steps: tuple[Step, ...]) -> str:
    parts = [f"## {_TITLES[section]}\n", *([before] if before else [])]
    parts += [_step(number, step) for number, step in enumerate(steps, 1)] or ["Nothing.\n"]
    return "\n".join(parts)


def _step(number: int, step: Step) -> str:
    does = deed(step.action, step.become)
    effect = "" if step.effect is Effect.READ else f", **{step.effect.upper()}**"
    parts = [f"### {number}\\. {escape(step.title)}\n", f"{inline(step.id)}{effect}: {escape(does.phrase)}.\n"]
    if does.text:
        parts.append(fenced(does.text, "sh" if does.code else "text"))
    listed = [f"- {label}: {(inline if label == CONDITION else escape)(text)}" for label, text in details(step)]
    parts += ["\n".join(listed) + "\n"] if listed else []
    if step.verify is not None:
        parts.append(f"Its own check:\n\n{fenced(step.verify.run.script, 'sh')}")
    if step.undo is not None:
        undone = deed(step.undo.action, step.undo.become or step.become)
        parts.append(
            f"Can be taken back ({escape(step.undo.title)}): {escape(undone.phrase)}.\n\n{fenced(undone.text, 'sh' if undone.code else 'text')}"
        )
    return "\n".join(parts)


def _causes(runbook: Runbook) -> str:
    lines = ["## Causes\n"]
    for cause in runbook.causes:
        lines.append(f"- {inline(cause.id)} {escape(cause.title)}: when {inline(condition(cause.when))}")
        lines += [f"  Evidence: {escape(cause.evidence)}"] if cause.evidence else []
    return "\n".join(lines) + "\n"


def _escalation(runbook: Runbook) -> str:
    lines = [f"- after {show(one.after)}: {escape(one.to)}: {escape(one.say)}" for one in runbook.escalation]
    return "## Escalation\n\n" + "\n".join(lines) + "\n"


# --- the flowchart ----------------------------------------------------------------------------------------------


def _flowchart(runbook: Runbook) -> str:
    """From the diagnosis over the causes to the steps of the resolution that each leads to."""
    lines = ["flowchart TD", '  start(["Diagnosis"])']
    numbers = {cause.id: f"c{number}" for number, cause in enumerate(runbook.causes)}
    for cause in runbook.causes:
        lines += [f"  {numbers[cause.id]}{{{_label(cause.title)}}}", f"  start --> {numbers[cause.id]}"]
    last = {node: node for node in numbers.values() or ("start",)}
    for number, step in enumerate(runbook.resolution):
        node = f"s{number}"
        shape = f"[[{_label(step.title)}]]" if step.effect is Effect.READ else f"[{_label(step.title)}]"
        lines.append(f"  {node}{shape}")
        sources = [numbers[cause] for cause in step.causes if cause in numbers] or list(last)
        arrows = dict.fromkeys(last[source] for source in sources)
        lines += [f"  {arrow} --> {node}" for arrow in arrows]
        last.update(dict.fromkeys(sources, node))
    if runbook.recovered is not None:
        lines.append('  done(["Recovered?"])')
        lines += [f"  {arrow} --> done" for arrow in dict.fromkeys(last.values())]
    return fenced("\n".join(lines), "mermaid")


def _label(text: str) -> str:
    """A quoted label; what Mermaid or HTML could take for markup becomes a numbered entity."""
    plain = " ".join(inert(text).split())
    return '"' + "".join(c if c.isalnum() or c in " ,.?" else f"#{ord(c)};" for c in plain) + '"'
