"""Which parts of an address of Apprise are secrets: nobody but the service knows, so each of them is taken for one.

A token can stand in the place of a user, of a host, of a folder or of an option.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote

_SHORTEST = 4
_PLAIN = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "http", "https", "apprise"})
"""Where the host is a host, and its name may be shown."""
_OPTIONS = frozenset({"mode", "format", "overflow", "verify", "rto", "cto", "emojis", "method"})
"""Options of Apprise whose values are words of everybody's."""


def secrets_of(address: str) -> tuple[str, ...]:
    """Give the whole address, and each of its parts."""
    scheme, _, rest = address.partition("://")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    login, _, host = authority.rpartition("@")
    shown = {host, *host.split(":")} if scheme.lower() in _PLAIN else set()
    parts = [*re.split(r"[:/@]", login), *re.split(r"[:,]", host), *re.split(r"[/@,:]", path)]
    parts += [value for key, value in parse_qsl(query) if key not in _OPTIONS]
    long = {one for part in parts for one in (part, unquote(part)) if len(one) >= _SHORTEST}
    return tuple(sorted({address, *long} - shown, key=len, reverse=True))
