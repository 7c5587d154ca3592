"""One incident as a page of its own: no network, no script, everything that anybody typed is text. Pure.

It can be mailed, printed, and read by light and by night. What the terminal's page says stands here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from html import escape

from holdpoint.incident.clocks import Clock, Standing
from holdpoint.incident.messages import lasted
from holdpoint.incident.phases import OUTPUTS, Item, Phase
from holdpoint.incident.severity import RULES
from holdpoint.incident.state import Message, State
from holdpoint.incident.timeline import Row
from holdpoint.views import incident_svg
from holdpoint.views import incidents as view
from holdpoint.views.incident_style import STYLE
from holdpoint.views.inert import inert
from holdpoint.views.times import full_time

BEGINS = "<!doctype html><!-- an incident, written by Holdpoint -->"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STANDINGS = {
    Standing.RUNS: ("", "runs"),
    Standing.SOON: ("warn", "soon"),
    Standing.OVER: ("bad", "overdue"),
    Standing.KEPT: ("good", "kept"),
    Standing.MISSED: ("bad", "missed"),
}


def page(of: view.Page, now: datetime, zone: tzinfo | None) -> str:
    """Write the page, whole."""
    state = of.state
    title = f"{state.severity}: {state.opening.title}"
    parts = [
        BEGINS,
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">',
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body><main>",
        _head(of, now, zone),
        _pressing(state),
        _clocks(of.listed.clocks, zone),
        '<section class="wide"><h2>Timeline</h2><div class="frame">',
        incident_svg.drawing(state, of.rows, now, zone),
        "</div>",
        _rows(of.rows, zone),
        "</section>",
        _proposals(of),
        _checklist(state, zone),
        _messages(state, zone),
        _runs(of),
        (
            f"<footer>Incident {_text(of.listed.incident)}, as it was recorded up to {_text(full_time(now, zone))}; "
            f"record {state.seq} is the last. Written by Holdpoint.</footer>"
        ),
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _text(text: str) -> str:
    """Whatever was typed, as text: no markup, no controls, nothing that turns it around."""
    return escape(inert(text), quote=True)


def _lines(text: str) -> str:
    return "<br>".join(_text(one) for one in text.split("\n"))


# --- the head ---------------------------------------------------------------------------------------------------


def _head(of: view.Page, now: datetime, zone: tzinfo | None) -> str:
    state, opening = of.state, of.state.opening
    ended = state.resolved
    stands = "resolved" if ended else "open"
    back = incident_svg.restored(state)
    down = f"{lasted((back or now) - state.began)}{'' if back else ' so far'}"
    seen = {True: "see it", False: "do not see it", None: "not known yet"}[state.users_see]
    facts = [
        ("noticed", f"{full_time(opening.happened, zone)}, by {opening.trigger}"),
        ("since", full_time(state.began, zone)),
        ("down for", down),
        ("phase", _phase(state)),
        ("services", ", ".join(opening.services)),
        ("on call", f"{opening.principal}{f', backup {opening.backup}' if opening.backup else ''}"),
        ("people", ", ".join(state.people)),
        ("users", seen),
        ("data", _data(state, zone)),
    ]
    if back:
        facts.append(("restored", full_time(back, zone)))
    if ended:
        facts += [
            ("resolved", full_time(ended.happened, zone)),
            ("cause", ended.cause),
            ("impact", ended.impact),
            ("not verified", ended.without_verify),
        ]
    listed = "".join(f"<div><dt>{name}</dt><dd>{_text(said)}</dd></div>" for name, said in facts if said)
    again = f'<span class="badge warn">reopened {state.times_reopened}x</span>' if state.times_reopened else ""
    return (
        f'<header><p class="badges"><span class="badge {state.severity.value.lower()}">{state.severity}</span>'
        f'<span class="badge {"good" if ended else "warn"}">{stands}</span>{again}</p>'
        f"<h1>{_text(opening.title)}</h1><p>{_text(RULES[state.severity].meaning)}</p><dl>{listed}</dl></header>"
    )


def _phase(state: State) -> str:
    if state.phase is None:
        return "nothing is left to do"
    missing = ", ".join(item.id for item in state.missing(state.phase))
    return f"{state.phase}, lacks {missing}"


def _data(state: State, zone: tzinfo | None) -> str:
    if state.aware is None:
        return "no loss" if state.resolved else "no loss is known"
    known = f"known since {full_time(state.aware, zone)}"
    return f"LOST, {known}" if state.loses_data else f"thought to be lost ({known}), ruled out since"


def _pressing(state: State) -> str:
    """What must not be overlooked."""
    said = [
        f"Message {one.rendered.message} ({one.rendered.purpose}) has not gone out{f': {one.failed}' if one.failed else ''}"
        for one in state.waiting()
    ]
    if state.jumps:
        said.append(view.set_back(state.jumps).capitalize())
    if state.handed is not None:
        said.append(f"Handed over to {state.handed.receiver or 'somebody else'}; this is as it was then")
    return f'<ul class="pressing">{"".join(f"<li>{_text(one)}</li>" for one in said)}</ul>' if said else ""


def _clocks(clocks: Iterable[Clock], zone: tzinfo | None) -> str:
    drawn = []
    for clock in clocks:
        tone, word = _STANDINGS[clock.standing]
        whole = clock.due - clock.start
        used = 1.0 if not whole else min(1.0, max(0.0, 1 - clock.left / whole))
        text = view.told_clock(clock, zone)[0]
        drawn.append(
            f'<li class="{tone}"><b>{_text(view.name_of(clock))}</b> <span class="badge {tone}">{word}</span>'
            f'<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect class="all" width="100" height="6" rx="3"/><rect class="used" width="{used * 100:.1f}" height="6" rx="3"/>'
            f"</svg><span>{_text(text)}</span></li>"
        )
    return f'<section><h2>Clocks</h2><ul class="clocks">{"".join(drawn)}</ul></section>' if drawn else ""


# --- the timeline -----------------------------------------------------------------------------------------------


def _rows(rows: Iterable[Row], zone: tzinfo | None) -> str:
    drawn: list[str] = []
    day = ""
    for row in rows:
        on = f"{row.happened.astimezone(zone):%Y-%m-%d %Z}"
        if on != day:
            day = on
            drawn.append(f'<tr class="day"><th colspan="3" scope="rowgroup">{_text(on)}</th></tr>')
        tone = incident_svg.tone_of(row)
        drawn.append(
            f'<tr id="row-{_text(row.source or "own")}-{row.seq}"><td class="at">{row.happened.astimezone(zone):%H:%M:%S}</td>'
            f'<td><span class="mark {tone}">{_text(row.mark)}</span></td>'
            f"<td>{_lines(row.text)}<small>{_text(view.source_of(row, zone))}</small></td></tr>"
        )
    return f'<table class="rows"><tbody>{"".join(drawn)}</tbody></table>'


def _proposals(of: view.Page) -> str:
    said = "".join(f"<li><code>{_text(one.command)}</code><small>{_text(one.why)}</small></li>" for one in of.proposals)
    return f'<section><h2>What could be run</h2><ol class="proposals">{said}</ol></section>' if said else ""


# --- checklist, messages, runs ----------------------------------------------------------------------------------


def _checklist(state: State, zone: tzinfo | None) -> str:
    drawn: list[str] = []
    for phase in Phase:
        items = [item for item in state.items if item.phase is phase]
        if items:
            here = " here" if phase is state.phase else ""
            said = "".join(_item(item, state, zone) for item in items)
            now = '<span class="badge warn">now</span>' if here else ""
            drawn.append(
                f'<div class="phase{here}"><h3>{_text(phase)} {now}</h3><p>{_text(OUTPUTS[phase])}</p><ul>{said}</ul></div>'
            )
    return f'<section><h2>Checklist</h2><div class="phases">{"".join(drawn)}</div></section>'


def _item(item: Item, state: State, zone: tzinfo | None) -> str:
    done = state.done.get(item.id)
    if done is None:
        word = "to do" if item.required else "advised"
        return f'<li class="{"open" if item.required else "advised"}"><b>{word}</b> {_text(item.title)}</li>'
    at = f"{full_time(done.happened, zone)} " if item.dated else ""
    said = f": {_lines(f'{at}{done.say}'.strip())}" if at or done.say else ""
    below = f"{done.person}{f'; {done.evidence}' if done.evidence else ''}"
    return f'<li class="done"><b>done</b> {_text(item.title)}{said}<small>{_text(below)}</small></li>'


def _messages(state: State, zone: tzinfo | None) -> str:
    drawn = "".join(_message(one, zone) for one in state.messages.values())
    return f"<section><h2>Messages</h2>{drawn}</section>" if drawn else ""


def _message(one: Message, zone: tzinfo | None) -> str:
    rendered = one.rendered
    if one.sent is not None:
        stands, tone = f"sent {full_time(one.sent, zone)}", "good"
    else:
        stands, tone = f"NOT SENT{f': {one.failed}' if one.failed else ''}", "bad"
    return (
        f"<article><h3>{rendered.message}. {_text(rendered.purpose)}, for {_text(rendered.channel)} "
        f'<span class="badge {tone}">{_text(stands)}</span></h3><pre lang="{_text(rendered.language)}">{_text(rendered.text)}</pre></article>'
    )


def _runs(of: view.Page) -> str:
    why = dict(of.unread)
    said = "".join(
        f"<li><code>{_text(run)}</code>{f' <small>its record cannot be read here: {_text(why[run])}</small>' if run in why else ''}</li>"
        for run in of.state.runs
    )
    return f"<section><h2>Runs</h2><ul>{said}</ul></section>" if said else ""
