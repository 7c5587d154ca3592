"""Real servers on loopback that messages are sent to, and that can misbehave: over HTTP, and over SMTP by aiosmtpd."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "hp", "correct-horse"


class Sink:
    """An HTTP server that keeps every body. `does` is what it does with the next ones: a status, `stall`, `close` or `flood`."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.does: int | str = 200
        self.leads = ""
        """Where its answers lead to."""
        self.asked = 0
        """So many requests came that were no message."""
        self.arrived = threading.Event()
        self.release = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.got.append(json.loads(body))
                sink.arrived.set()
                if sink.does == "stall":
                    sink.release.wait(60)
                if sink.does == "close":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                self.send_response(sink.does if isinstance(sink.does, int) else 200)
                if sink.leads:
                    self.send_header("Location", sink.leads)
                self.end_headers()
                if sink.does == "flood":
                    self._flood()

            def _flood(self) -> None:
                """Answer with more than a process may hold, until nobody listens."""
                with suppress(OSError):
                    for _ in range(2048):
                        self.wfile.write(bytes(1024 * 1024))

            def do_GET(self) -> None:
                sink.asked += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_args: object) -> None:
                """A client that was ended while it waited is what these tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def url(self, path: str = "hook") -> str:
        return f"json://127.0.0.1:{self.port}/{path}"

    @contextmanager
    def running(self) -> Iterator[Sink]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.release.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class Mail:
    """An SMTP server that keeps every mail. `does` is what it does once it has one: `take`, an answer, `stall`, `close`."""

    def __init__(
        self, *, does: str = "take", at: str = "DATA", tls: ssl.SSLContext | None = None, auth: bool = False
    ) -> None:
        self.got: list[Message] = []
        self.does = does
        self.at = at
        self.arrived = threading.Event()
        more: dict[str, Any] = {"tls_context": tls, "require_starttls": tls is not None}
        if auth:
            more |= {"authenticator": self._authenticated, "auth_required": True, "auth_require_tls": tls is not None}
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), **more)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def url(self, more: str = "", login: str = "") -> str:
        return f"mailto://{login}127.0.0.1:{self.port}?from=hp@example.org&to=ops@example.org&format=text{more}"

    @contextmanager
    def running(self) -> Iterator[Mail]:
        self._controller.start()
        try:
            yield self
        finally:
            self._controller.stop()

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.at == "RCPT":
            return self.does
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        assert isinstance(envelope.content, bytes)
        self.got.append(message_from_bytes(envelope.content))
        self.arrived.set()
        match self.does:
            case "take":
                return "250 OK"
            case "stall":
                await asyncio.sleep(60)
                return "250 OK"
            case "close":
                assert server.transport is not None
                server.transport.close()
                return "250 OK"
            case answer:
                return answer

    def _authenticated(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def silent() -> Iterator[int]:
    """A port at which connections are taken, and nothing is ever said."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "mail.pem").write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.pem")
    return context
