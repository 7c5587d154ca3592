"""A tracker on loopback that keeps the rules which Forgejo and GitHub document for the part of their API that is used.

Neither can be had where the tests run. Its rules: the header of the token (401), what the token may do (403), a
repository that is not there (404), issues turned off (410), bodies that do not fit (422), labels by id or by name,
labels dropped where the token may not write, pages that are shorter than one asked for, pull requests among the issues.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "forge-token-77aa"
PAGE = 2


class AnswerError(Exception):
    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


@dataclass
class Forge:
    """One repository, `ops/wiki`. `does` is what it does when an issue was posted: `take`, a status, `stall`, `close`, an answer."""

    github: bool
    writes: bool = True
    issues_on: bool = True
    does: str | int | dict[str, Any] = "take"
    issues: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    shared: list[dict[str, Any]] = field(default_factory=list)
    """The labels of the organisation that owns the repository; a person owns it where there are none."""
    milestones: list[dict[str, Any]] = field(default_factory=list)
    lists: Any = None
    """What it answers instead of any list."""
    asked: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.asked.append(f"{method} {parts.path}")
        self._admit(headers)
        if parts.path == "/api/v1/orgs/ops/labels" and not self.github and self.shared:
            return 200, self.shared if query["page"] == "1" else []
        match = re.fullmatch(
            f"{'/api/v3' if self.github else '/api/v1'}/repos/ops/wiki/(issues|labels|milestones)", parts.path
        )
        if match is None:
            raise AnswerError(404, "Not Found")
        what = match[1]
        if what == "issues" and not self.issues_on:
            raise AnswerError(410, "Issues are disabled for this repo")
        if method == "GET" and self.lists is not None:
            return 200, self.lists
        if method == "GET":
            return 200, self._page(what, query)
        if what == "issues":
            return 201, self._post(json.loads(body))
        if self.github or what != "labels":
            raise AnswerError(404, "Not Found")
        return 201, self._label(json.loads(body))

    def _admit(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme not in {"Bearer", "token"} or token != TOKEN:
            raise AnswerError(401, f"Bad credentials: {token}")
        if self.github and not headers.get("User-Agent"):
            raise AnswerError(403, "Request forbidden by administrative rules")

    def _page(self, what: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = {"issues": self.issues, "labels": self.labels, "milestones": self.milestones}[what]
        state = query.get("state", "open")
        if what != "labels" and state != "all":
            rows = [one for one in rows if one["state"] == state]
        if what == "issues" and "since" in query:
            rows = [one for one in rows if one["updated_at"] >= query["since"]]
        if what == "issues" and not self.github and query.get("type") == "issues":
            rows = [one for one in rows if one["pull_request"] is None]
        size = min(PAGE, int(query.get("per_page" if self.github else "limit", "30")))
        start = (int(query.get("page", "1")) - 1) * size
        return rows[start : start + size]

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        if not str(given.get("title", "")).strip() or len(given["title"]) > 255:
            raise AnswerError(422, "Validation Failed")
        wanted = str if self.github else int
        if not all(type(one) is wanted for one in given.get("labels", [])):
            raise AnswerError(422, "cannot unmarshal labels")
        labels = self._labelled(given.get("labels", [])) if self.writes else []
        milestone = given.get("milestone") if self.writes else None
        known = {one["number" if self.github else "id"] for one in self.milestones}
        if milestone is not None and milestone not in known:
            raise AnswerError(422 if self.github else 404, "milestone does not exist")
        if isinstance(self.does, int):
            raise AnswerError(self.does, "no", Location="https://elsewhere.example/")
        issue = self.add(given["title"], given.get("body", ""), labels=labels, milestone=milestone)
        self.arrived.set()
        if isinstance(self.does, dict):
            return self.does
        if self.does == "stall":
            self.release.wait(60)
        if self.does == "close":
            raise ConnectionError
        return issue

    def _labelled(self, wanted: list[Any]) -> list[dict[str, Any]]:
        if self.github:  # makes those that are not there
            return [
                next((one for one in self.labels if one["name"] == name), None) or self._made(name) for name in wanted
            ]
        return [one for one in (*self.labels, *self.shared) if one["id"] in wanted]

    def _label(self, given: dict[str, Any]) -> dict[str, Any]:
        if not self.writes:
            raise AnswerError(403, "user should be a writer")
        if not given.get("name") or not re.fullmatch("#?[0-9a-fA-F]{6}", str(given.get("color", ""))):
            raise AnswerError(422, "Color is not valid")
        return self._made(given["name"])

    def _made(self, name: str) -> dict[str, Any]:
        self.labels.append({"id": 100 + len(self.labels), "name": name})
        return self.labels[-1]

    def add(self, title: str, body: str, **more: Any) -> dict[str, Any]:
        number = len(self.issues) + 1
        pull = {"merged": False} if more.pop("pull", False) else None
        issue = {
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "updated_at": "2199-01-01T00:00:00Z",
            "html_url": f"{self.url}/ops/wiki/issues/{number}",
            "labels": [],
            **more,
        }
        if pull or not self.github:
            issue["pull_request"] = pull
        self.issues.append(issue)
        return issue

    @contextmanager
    def running(self) -> Iterator[Forge]:
        server = _server(self)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.release.set()
            server.shutdown()
            server.server_close()
            thread.join()


def _server(forge: Forge) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers: Mapping[str, str] = {}
            try:
                status, data = forge.answer(self.command, self.path, dict(self.headers.items()), body)
            except AnswerError as error:
                status, data, headers = error.status, {"message": str(error)}, error.headers
            except ConnectionError:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(data).encode())

        do_GET = do_POST = _answer  # noqa: N815 - the names that the server calls

        def log_message(self, *_args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: object) -> None:
            """A client that was ended while it waited is what these tests are about."""

    return Server(("127.0.0.1", 0), Handler)
