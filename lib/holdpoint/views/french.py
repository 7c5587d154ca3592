"""What happened in an incident and its runs, in French: the text of a row of the timeline, as the record has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdpoint.engine import events as run
from holdpoint.incident import alert_events as alerts
from holdpoint.incident import events as own
from holdpoint.incident import learning_events as learning
from holdpoint.incident import outside_events as outside
from holdpoint.incident.telling import Mark
from holdpoint.journal.record import Record

MARKS: Mapping[Mark, str] = {
    Mark.DECLARED: "déclaré",
    Mark.NOTE: "note",
    Mark.SEVERITY: "sévérité",
    Mark.FOUND_OUT: "constaté",
    Mark.DONE: "fait",
    Mark.UNDONE: "pas fait",
    Mark.RUN: "exécution",
    Mark.GATE: "accord",
    Mark.CAUSE: "cause",
    Mark.CHANGE: "changement",
    Mark.PROOF: "preuve",
    Mark.CALLED: "appelé",
    Mark.MESSAGE: "message",
    Mark.SENDING: "envoi",
    Mark.SENT: "envoyé",
    Mark.IN_DOUBT: "INCERTAIN",
    Mark.NOT_DONE: "NON FAIT",
    Mark.BANNER: "bandeau",
    Mark.ISSUE: "ticket",
    Mark.ALERT: "alerte",
    Mark.CHECK: "contrôle",
    Mark.HANDED: "remis",
    Mark.NOT_SENT: "NON ENVOYÉ",
    Mark.LOSS: "PERTE DE DONNÉES",
    Mark.RESOLVED: "résolu",
    Mark.REOPENED: "rouvert",
    Mark.AUTHORITY: "autorité",
}
ITEMS: Mapping[str, str] = {
    "scope": "Qui et quoi est touché ?",
    "since": "Depuis quand ?",
    "lost": "Qu'est-ce qui est perdu ?",
    "severity": "Sévérité confirmée",
    "backup": "Remplaçant prévenu",
    "management": "Direction prévenue",
    "announced": "Annoncé dans le canal ops",
    "banner": "Bandeau affiché",
    "issue": "Ticket ouvert",
    "workaround": "Contournement",
    "containers": "Conteneurs",
    "probe": "Contrôle de santé",
    "logs": "200 dernières lignes du journal",
    "load": "Processeur, mémoire, disque",
    "stores": "PostgreSQL et Redis joignables ?",
    "cause": "Cause racine, ou hypothèse forte",
    "restored": "Service rétabli",
    "health": "Contrôle de santé complet au vert",
    "smoke": "Test de fumée réussi",
    "flow": "Un parcours utilisateur réel fonctionne",
    "told": "Message de fin envoyé",
    "email": "E-mail à tout le monde",
    "authority": "Autorité de protection des données notifiée, ou pourquoi non",
    "banner-down": "Bandeau retiré",
}
TRIGGERS: Mapping[str, str] = {
    "monitor": "la supervision",
    "user": "un utilisateur",
    "logs": "les journaux",
    "alert": "une alerte",
}
_CHECKS = {"health": "contrôle de santé", "smoke": "test de fumée", "flow": "parcours utilisateur"}
_STATUSES = {
    run.Status.OK: "réussi",
    run.Status.FAILED: "échoué",
    run.Status.UNREACHABLE: "injoignable",
    run.Status.TIMED_OUT: "délai dépassé",
    run.Status.IN_DOUBT: "incertain",
    run.Status.SKIPPED: "omis",
}


def told(record: Record, titles: Mapping[str, str]) -> str:
    """The text of an incident's own record; empty for what has no French words, which is then told as it is."""
    match own.event_of(record):
        case own.Declared() as event:
            services = f" ({', '.join(event.services)})" if event.services else ""
            by = TRIGGERS.get(event.trigger.value, event.trigger.value)
            return f"{event.severity} : {event.title}{services} ; signalé par {by}"
        case own.SeverityChanged() as event:
            return f"de {event.was} à {event.to} : {event.reason}"
        case own.UsersSawIt(sees=sees):
            return "les utilisateurs le voient" if sees else "les utilisateurs ne le voient pas"
        case own.OutputRecorded(item=item, say=say) | own.OutputWithdrawn(item=item, reason=say):
            title = ITEMS.get(item, titles.get(item, item))
            return f"{title}{'' if title.endswith('?') else ' :'} {say}" if say else title
        case own.RunLinked() as event:
            return f"l'exécution {event.run} de {event.runbook} en fait partie"
        case own.DataLossNoticed() as event:
            return f"des données sont perdues : {event.what}"
        case own.LossRuledOut() as event:
            return f"aucune donnée n'est perdue, finalement : {event.reason}"
        case own.Resolved() as event:
            lost = "des données sont perdues" if event.data_loss else "aucune donnée perdue"
            without = f" ; non vérifié : {event.without_verify}" if event.without_verify else ""
            return f"{event.cause} ; impact : {event.impact} ; {lost}{without}"
        case own.CheckAnswered() as event:
            colour = {True: "VERT", False: "ROUGE", None: "sans réponse"}[event.green]
            name = _CHECKS.get(event.check, event.check)
            what = f"la version précédente de {event.service}" if event.service else f"{name} : {colour}"
            return f"{what} : {event.said}".removesuffix(" : ")
        case own.HandedOver() as event:
            return f"remis par {event.machine} à {event.receiver or 'qui a le fichier'}"
        case own.TakenOver() as event:
            return f"repris sur {event.machine}, de {event.from_person} sur {event.from_machine}"
        case learning.AuthorityTold() as event:
            late = f" ; en retard, car : {event.late}" if event.late else ""
            return f"l'autorité a été informée : {event.what}{late}"
        case learning.CodeBugFound():
            return "la cause est un défaut du code"
        case event:
            return _told_outside(event)


def _told_outside(event: own.Event) -> str:
    """Messages, the banner, the issue and alerts."""
    match event:
        case own.MessageSending():
            return f"message {event.message} en cours d'envoi à {', '.join(event.destinations)}"
        case own.MessageSent():
            to = f" à {event.destination}" if event.destination else ""
            how = "collé à la main" if event.how == "pasted by hand" else event.how
            return f"message {event.message} envoyé{to}, {how}"
        case own.MessageFailed():
            to = f" à {event.destination}" if event.destination else ""
            return f"message {event.message} {'peut-être ' if event.doubt else 'non '}envoyé{to} : {event.why}"
        case outside.BannerSetting():
            return f"affichage du bandeau : {event.text}" if event.up else "retrait du bandeau"
        case outside.BannerSet():
            return f"le bandeau est {'affiché' if event.up else 'retiré'}"
        case outside.BannerFailed():
            return f"le bandeau n'est pas {'affiché' if event.up else 'retiré'} : {event.why}"
        case outside.IssueFiling():
            return f"ouverture d'un ticket dans {event.where}"
        case outside.IssueFiled():
            return f"un ticket est ouvert, {event.how}"
        case outside.IssueFailed():
            return f"le ticket {'est peut-être' if event.doubt else 'n’est pas'} ouvert : {event.why}"
        case alerts.AlertReceived():
            counts = ((event.firing, "en cours"), (event.resolved, "terminées"))
            return f"{', '.join(f'{count} {word}' for count, word in counts if count)} : {event.text}"
        case alerts.AlertRepeated():
            return f"la même est revenue, {event.times} fois jusqu'ici"
        case _:
            return ""


def told_of_run(record: Record, titles: Mapping[str, str]) -> str:
    """The same for a record of a run; `titles` are those of its steps."""
    match run.event_of(record):
        case run.RunOpened() as event:
            return f"{event.title} sur {', '.join(event.order or tuple(event.hosts))}"
        case run.RunStopped() as event:
            return f"arrêtée, code {event.exit} : {event.why}"
        case run.RunFinished() as event:
            return f"terminée, code {event.exit} : {event.why}"
        case run.RollbackBegun() as event:
            return f"l'exécution {event.by_run} l'annule"
        case run.RunHandedOver() as event:
            return f"remise à {event.to or 'qui a le fichier'}"
        case run.RunTakenOver() as event:
            return f"reprise de {event.from_person}"
        case run.GateAnswered() as event:
            approved = f", approuvé par {', '.join(event.approved_by)}" if event.approved_by else ""
            return f"{event.word} : {titles.get(event.item, event.item)}{approved}"
        case run.StepIntended() as event:
            attempt = f", essai {event.attempt}" if event.attempt > 1 else ""
            return f"commencé : {titles.get(event.step, event.step)} ({event.host}{attempt})"
        case run.StepEnded() as event:
            return f"{_STATUSES[event.status]} : {titles.get(event.step, event.step)} ({event.host})"
        case run.DoubtSettled() as event:
            what = "c'est arrivé" if event.happened else "ce n'est pas arrivé"
            return f"{titles.get(event.step, event.step)} ({event.host}) : {what} : {event.by}"
        case run.ProofLooked() as event:
            colour = {True: "VERT", False: "ROUGE", None: "inconnu"}[event.green]
            return f"le contrôle de rétablissement, {'après' if event.after else 'avant'} : {colour} ({event.host})"
        case _:
            return ""


def titles_of(records: Iterable[Record]) -> dict[str, str]:
    """The titles that the gates of a run give its steps."""
    events = (run.event_of(record) for record in records)
    return {event.item: event.title for event in events if isinstance(event, run.GateOpened)}
