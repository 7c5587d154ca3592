"""Alerts in a test: payloads as Alertmanager writes them, the door that is served, and a real Alertmanager."""

from __future__ import annotations

import base64
import http.client
import json
import queue
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdpoint.app import alerts
from holdpoint.journal.chain import Chain, read
from tests.case import LIMIT, Case
from tests.incident.support import Room, json_of

TOKEN = "a-token-of-these-tests"
HEAD = f"POST /alert HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
"""The beginning of a request, without its length."""
GROUP = '{}:{alertname="DoorOpen"}'
STARTED = "2026-11-25T09:30:00.123456789Z"
NEVER = "0001-01-01T00:00:00Z"

TEAM = """\
schema: holdpoint/team/1
alerts:
  severity: {values: {urgent: SEV1, warning: SEV3}, otherwise: SEV2}
  params: {path: door}
  host: node
  service: app
  maps:
    mine: {group: /id, labels: {alertname: /what}, status: {at: /state, resolved: [ok]}}
"""


def alert(fingerprint: str = "ab12", *, status: str = "firing", **more: Any) -> dict[str, Any]:
    """One alert of a payload; `labels` and `annotations` are added to the usual ones."""
    return {
        "status": status,
        "startsAt": STARTED,
        "endsAt": NEVER if status == "firing" else "2026-11-25T09:45:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": fingerprint,
        **more,
        "labels": {"alertname": "DoorOpen", "severity": "warning", **more.get("labels", {})},
        "annotations": {"summary": "The door stands open", **more.get("annotations", {})},
    }


def webhook(*alerts: Any, **more: Any) -> dict[str, Any]:
    """A payload of version 4."""
    sent = list(alerts) or [alert()]
    fires = any(isinstance(one, dict) and one["status"] == "firing" for one in sent)
    return {
        "receiver": "holdpoint",
        "status": "firing" if fires else "resolved",
        "alerts": sent,
        "groupLabels": {"alertname": "DoorOpen"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "version": "4",
        "groupKey": GROUP,
        "truncatedAlerts": 0,
        **more,
    }


def incidents(case: Case) -> list[Any]:
    return case.run("incident.list", "--json").expect(0, ..., ...).json()  # type: ignore[no-any-return]


def kinds(case: Case) -> list[str]:
    """The kinds of the records of all incidents, one after the other."""
    chains = (read(path.read_bytes()) for path in sorted(case.state.glob("incidents/*/journal.jsonl")))
    return [record.kind for chain in chains if isinstance(chain, Chain) for record in chain.records]


def taken(room: Room, payload: Any, **more: Any) -> Any:
    """Take a payload in this process, and give what it came to."""
    file = room.case.folder / "payload.json"
    file.write_text(json.dumps(payload))
    given = {"file": str(file), "by": None, "severity": None, "incident": None, **more}
    return json_of(room.said(lambda: alerts.receive(room.world(json=True), **given)))


class Served:
    """`alert.serve`, on a port of its own; what it prints is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: queue.Queue[Any] = queue.Queue()
        self.errors: list[str] = []
        self.threads = [threading.Thread(target=one) for one in (self._read_out, self._read_errors)]
        for thread in self.threads:
            thread.start()
        self.url = self.next()["listening"]
        self.port = int(urllib.parse.urlsplit(self.url).port or 0)

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line.decode())

    def next(self) -> Any:
        """The next document; None after the last."""
        return self.lines.get(timeout=LIMIT)

    def raw(self, data: bytes, *, end: bool = True) -> bytes:
        """Send bytes as they are, and give what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT) as connection:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").read()

    def send(
        self,
        body: bytes | dict[str, Any],
        path: str = "/alert",
        *,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        port: int = 0,
    ) -> tuple[int, Any]:
        """Send a request, and give its status and what was answered."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=LIMIT)
        try:
            connection.request(method, path, data, bearer() if headers is None else headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(token: str = TOKEN, name: str = "holdpoint") -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{token}'.encode()).decode()}"}


@contextmanager
def served(case: Case, port: int = 0, **environ: str) -> Iterator[Served]:
    """Serve while the block goes on; what is not ended by then is killed."""
    given = {"HOLDPOINT_ALERT_TOKEN": TOKEN, **environ}
    with case.started("alert.serve", "--port", str(port), "--json", environ=given) as process:
        door = Served(process)
        try:
            yield door
        finally:
            if process.poll() is None:
                process.kill()
            for thread in door.threads:
                thread.join(LIMIT)


def ended(door: Served, signal: int) -> int:
    door.process.send_signal(signal)
    return door.process.wait(timeout=LIMIT)


# --- Alertmanager -----------------------------------------------------------------------------------------------

EXAMPLE = Path(__file__).parent.parent.parent / "docs/alertmanager.yml"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def configured(folder: Path, port: int, **instead: str) -> Path:
    """The example of the docs, with this test's port, token and times in the place of its own."""
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    changes = {
        "127.0.0.1:9095": f"127.0.0.1:{port}",
        "credentials_file: /etc/alertmanager/holdpoint.token": f"credentials_file: {token}",
        "group_wait: 30s": "group_wait: 100ms",
        "group_interval: 5m": "group_interval: 500ms",
        "repeat_interval: 4h": "repeat_interval: 1s",
        **instead,
    }
    text = EXAMPLE.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "alertmanager.yml"
    path.write_text(text)
    return path


class Alertmanager:
    """A real one, on loopback, with a folder of its own and without a cluster."""

    def __init__(self, port: int) -> None:
        self.port = port

    def post(self, *alerts: dict[str, Any]) -> None:
        status, text = self._ask("POST", "/api/v2/alerts", json.dumps(alerts))
        assert status == 200, text

    def ready(self) -> bool:
        try:
            return self._ask("GET", "/-/ready")[0] == 200
        except OSError:
            return False

    def failed(self) -> int:
        """How many notifications it gave up, by its own count."""
        return self._count("alertmanager_notifications_failed_total")

    def requests(self) -> int:
        """How often it tried to send one."""
        return self._count("alertmanager_notification_requests_total")

    def _count(self, name: str) -> int:
        _, text = self._ask("GET", "/metrics")
        lines = [line for line in text.splitlines() if line.startswith(f'{name}{{integration="webhook"')]
        return sum(int(float(line.rpartition(" ")[2])) for line in lines)

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def alertmanager(program: str, folder: Path, config: Path) -> Iterator[Alertmanager]:
    port = free_port()
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            found = Alertmanager(port)
            wait_until(lambda: found.ready() or process.poll() is not None)
            assert process.poll() is None, (folder / "alertmanager.log").read_text()
            yield found
        finally:
            process.kill()


def wait_until(true: Any) -> None:
    """Wait for something that surely comes; fails only where it hangs."""
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
