"""Commands that are known to change things, in steps that say they only read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdpoint.document import shelltext
from holdpoint.document.build import Draft
from holdpoint.document.scope import all_texts, entries
from holdpoint.problem import Level, Problem

_PREFIX = re.compile(
    r"(?:(?:sudo|doas|nohup|exec|command|env|nice|ionice|xargs|setsid|stdbuf|chroot)(?:\s+-\S+(?:\s+\d+)?)*|timeout(?:\s+-\S+)*\s+\d\S*)\s+"
)
_CHANGING = re.compile(
    r"""
    (?:\S*/)?(?P<command>
      (?:rm|rmdir|mv|cp|ln|dd|truncate|shred|mkdir|touch|install|chmod|chown|chgrp|setfacl|fallocate|mkfifo|unlink)\b(?=\s|$)
    | (?:mkfs(?:\.\w+)?|mkswap|swapoff|swapon|umount|fdisk|parted|growpart|resize2fs|xfs_growfs|lvextend|lvremove|wipefs)\b
    | (?:kill(?!\s+(?:-0|-l|-s\s+0)\b)|pkill|killall|reboot|shutdown|halt|poweroff|renice)\b
    | systemctl(?:\s+-\S+)*\s+(?:start|stop|restart|reload\S*|try-restart|kill|mask|unmask|enable|disable|isolate|daemon-\S+|reset-failed|set-\S+|edit)\b
    | service\s+\S+\s+(?:start|stop|restart|reload)\b
    | docker\s+(?:rm|rmi|stop|start|restart|kill|pause|unpause|update|rename|run|create|pull|push|load|import|tag|commit)\b
    | docker\s+(?:system|image|container|volume|network|builder|buildx)\s+(?:prune|rm|create|connect|disconnect)\b
    | docker(?:\s+|-)compose(?:\s+(?!ps\b|logs\b|config\b)\S+)*\s+(?:up|down|stop|start|restart|rm|kill|pull|build|run|create)\b
    | kubectl\s+(?:delete|apply|create|scale|edit|patch|replace|drain|cordon|rollout\s+(?:restart|undo))\b
    | journalctl(?:\s+\S+)*\s+--(?:vacuum-\w+|rotate|flush)\b
    | (?:apt|apt-get|dnf|yum|apk|pip|npm)\s+(?:-\S+\s+)*(?:install|remove|purge|upgrade|autoremove|clean|update)\b
    | (?:useradd|userdel|usermod|groupadd|groupdel|passwd|chpasswd|visudo|crontab\s+-[re])\b
    | (?:dropdb|createdb|createuser|dropuser|pg_resetwal|initdb|vacuumdb|reindexdb|pg_restore(?=.*\s(?:-d|--dbname)))\b
    | pg_ctl\s+(?:-\S+\s+)*(?:start|stop|restart|reload|promote)\b
    | redis-cli(?:\s+\S+)*\s+(?:flushall|flushdb|del|set|unlink|shutdown|FLUSHALL|FLUSHDB|DEL|SET|SHUTDOWN)\b
    | sed\s+(?:\S+\s+)*(?:-\w*i|--in-place)
    | find(?:\s+\S+)*\s+(?:-delete\b|-exec(?:dir)?\s+(?:rm|mv|chmod|chown|truncate)\b)
    | tee(?!\s+/dev/(?:null|stderr|tty)\b)\b
    | sysctl\s+(?:\S+\s+)*-w\b
    | (?:iptables|ip6tables|nft)\s+(?:-[ADIFRX]\b|add|delete|flush)
    | git\s+(?:\S+\s+)*(?:reset|checkout|clean|push|pull|commit|merge|stash)\b
    | curl(?:\s+\S+)*\s+(?:-X|--request)[\s=]*(?:POST|PUT|PATCH|DELETE)\b
    )""",
    re.VERBOSE,
)
_SQL = re.compile(
    r"\b(?:DROP\s+(?:TABLE|DATABASE|INDEX|ROLE|USER|SCHEMA|OWNED)|DELETE\s+FROM|TRUNCATE\s+(?:TABLE\s+)?\w|INSERT\s+INTO|UPDATE\s+\S+\s+SET|ALTER\s+(?:TABLE|ROLE|USER|SYSTEM|DATABASE)|CREATE\s+(?:TABLE|ROLE|DATABASE|INDEX|EXTENSION)|REINDEX|VACUUM|pg_drop_replication_slot|pg_terminate_backend|pg_reload_conf)\b",
    re.IGNORECASE,
)
_CLIENT = re.compile(r"\b(?:psql|mysql|mariadb|sqlite3)\b")
_READING = ("symptoms", "diagnostic", "prevention")
_BELONGS = "a step with `effect: change` belongs in `resolution`"
_HARMLESS = re.compile(r"/dev/(?:null|stderr|stdout|tty|fd/\d+)|&?\d+-?|-")


def warnings(draft: Draft) -> Iterator[Problem]:
    """Warn of the first command of each script that only reads by its own word, but is known to change something."""
    steps = _steps(draft)
    for text in all_texts(draft):
        who = steps.get(id(text.owner), "a check")
        found = changing(text.text) if text.shell is not None and who else None
        if found is not None:
            offset, command = found
            place = draft.reader.inside(text.owner, text.key, offset, len(command))
            message = f"{who} only reads, but `{command}` is known to change things"
            hint = "a check is asked again and again; let it only look" if who == "a check" else _BELONGS
            yield Problem("changing-command", message, place, hint=hint, level=Level.WARNING)


def _steps(draft: Draft) -> dict[int, str]:
    """Name the steps that only read, by the identity of their trees; those that may change things have no name."""
    names: dict[int, str] = {}
    for section, entry in entries(draft.tree):
        by_section = "read" if section in _READING else ""
        names[id(entry)] = f"step `{entry.get('id')}`" if entry.get("effect", by_section) == "read" else ""
        if "undo" in entry:
            names[id(entry["undo"])] = ""
    return names


def changing(script: str) -> tuple[int, str] | None:
    """Give the offset and the words of the first command that is known to change things."""
    found = shelltext.scan(script)
    hits: list[tuple[int, str]] = []
    for offset, words in found.words:
        bare = words
        while match := _PREFIX.match(bare):
            bare = bare[match.end() :]
        if match := _CHANGING.match(bare):
            command = " ".join(match["command"].split())
            at = script.find(command.split()[0], offset)
            written = command if script.startswith(command, at) else command.split()[0]
            hits.append((max(at, 0), written))
    hits += [(at, ">") for at, target in found.redirects if not _HARMLESS.fullmatch(target)]
    if _CLIENT.search(script) and (match := _SQL.search(script)):
        hits.append((match.start(), match.group()))
    return min(hits, default=None)
