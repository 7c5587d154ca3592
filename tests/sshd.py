"""A real sshd on loopback, with its own keys and its own configuration, for the user who runs the tests.

Each connection gets an `sshd -i` of its own from a listener on a free port, so no port can be lost to somebody else, and
each can be ended by its pid. A `Wire` between client and server stalls, cuts or closes what passes through it.
"""

from __future__ import annotations

import getpass
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.needs import require

BLOCK = 65536


def keypair(path: Path, kind: str = "ed25519", *more: str) -> Path:
    """Make a key pair without pass-phrase, or with what `more` says."""
    line = ["ssh-keygen", "-q", "-t", kind, "-f", str(path), *(more or ("-N", ""))]
    subprocess.run(line, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return path


class Listener:
    """Accepts on a free port of loopback, each connection in a thread; `serve` is what a subclass does with it."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self._socket = socket.create_server((self.address, 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def hang_up(self) -> int:
        """End what is connected, and give how much that was; new connections are accepted still."""
        return 0

    def close(self) -> None:
        self._closed = True
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 5).close()  # wakes `accept`
        self._accepting.join(10)
        self._socket.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._closed:
                connection.close()
                return
            thread = threading.Thread(target=self.serve, args=(connection,), daemon=True)
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(thread)
            thread.start()


class Sshd(Listener):
    """A server. `environment` is what the programs find that it starts; `options` are lines of its configuration."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, *options: str) -> None:
        self._program = require("sshd", "openssh-server")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = folder / "host_key"
        if not self.key.exists():
            keypair(self.key)
        self.authorized = folder / "authorized_keys"
        self.log = folder / "log"
        self._config = folder / "sshd_config"
        given = " ".join(f'"{name}={value}"' for name, value in (environment or {}).items())
        lines = [
            *options,  # the first of a name counts
            f"HostKey {self.key}",
            f"AuthorizedKeysFile {self.authorized}",
            "StrictModes no",
            "UsePAM no",
            "PidFile none",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxSessions 100",
            "UseDNS no",
            *([f"SetEnv {given}"] if given else []),
        ]
        self._config.write_text("".join(f"{line}\n" for line in lines))
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        super().__init__()

    @property
    def public(self) -> str:
        """The host key as a known_hosts line has it after the name."""
        return " ".join(self.key.with_name(self.key.name + ".pub").read_text().split()[:2])

    def pids(self) -> list[int]:
        """The servers of the connections that stand."""
        with self._lock:
            return [each.pid for each in self._running if each.poll() is None]

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, self.log.open("ab") as log:
            process = subprocess.Popen(
                [self._program, "-i", "-e", "-f", str(self._config)],
                stdin=connection.fileno(),
                stdout=connection.fileno(),
                stderr=log.fileno(),
                start_new_session=True,
            )
            with self._lock:
                self._running.append(process)
        process.wait()

    def hang_up(self) -> int:
        pids = self.pids()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)


class Wire(Listener):
    """Stands between a client and a port, and does to what passes what it is told."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self.cut_after: int | None = None
        """Bytes towards the server after which the next connection, and only that, is closed."""
        self.answer_cut_after: int | None = None
        """Bytes towards the client after which it is."""
        self.refuses = False
        self._live: list[dict[str, int | None]] = []
        super().__init__()

    def cut_next(self, after: int) -> None:
        """Cut what is connected now once so many more bytes went towards the server."""
        for left in self._live:
            left["up"] = after

    def lead_to(self, port: int) -> None:
        """Connect to another port from now on, and close what is connected."""
        self._to = port
        self.hang_up()

    def stall(self) -> None:
        """Forward nothing more, and close nothing."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    def connections(self) -> list[socket.socket]:
        """What stands now, seen from the client."""
        with self._lock:
            return [client for client, _ in self._pairs]

    def given_up(self, connections: list[socket.socket]) -> bool:
        """Whether the client closed all of these; it may not have been forwarded yet."""
        return all(each.fileno() < 0 or _at_end(each) for each in connections)

    def hang_up(self) -> int:
        """Close every connection; gives how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for each in pair:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        if self._closed:
            self._flows.set()
        return len(pairs)

    def serve(self, connection: socket.socket) -> None:
        if self.refuses:
            connection.close()
            return
        left = {"up": self.cut_after, "down": self.answer_cut_after}
        self.cut_after = self.answer_cut_after = None
        self._live.append(left)
        with connection, socket.create_connection(("127.0.0.1", self._to), 10) as server:
            for each in (connection, server):
                each.settimeout(None)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append((connection, server))
            with suppress(OSError):
                self._pump(connection, server, left)
            with self._lock:
                self._pairs = [pair for pair in self._pairs if pair[0] is not connection]

    def _pump(self, connection: socket.socket, server: socket.socket, left: dict[str, int | None]) -> None:
        while True:
            ready, _, _ = select.select([connection, server], [], [], 10)
            for source in ready:
                self._flows.wait()
                way, sink = ("up", server) if source is connection else ("down", connection)
                data = source.recv(BLOCK)
                budget = left[way]
                if budget is not None:
                    data, left[way] = data[:budget], budget - len(data[:budget])
                sink.sendall(data)
                if not data or left[way] == 0:
                    return


def _at_end(connection: socket.socket) -> bool:
    """Whether the other side hung up: what it sent before may lie here unread."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


class Site:
    """Servers, keys, and the configuration of a client that knows them; everything below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = getpass.getuser()
        self.config = folder / "ssh_config"
        self.known_hosts = folder / "known_hosts"
        self.key = keypair(folder / "id_ed25519")
        self._opened: list[Listener] = []
        self._hosts: dict[str, str] = {}
        self.known_hosts.write_text("")

    def sshd(self, name: str, environment: Mapping[str, str] | None = None, *options: str) -> Sshd:
        """Start a server that lets the site's key in. Its home is a folder of its own."""
        home = self.folder / f"home-{name}"
        home.mkdir(exist_ok=True)
        server = Sshd(self.folder / f"sshd-{name}", {"HOME": str(home), **(environment or {})}, *options)
        server.authorized.write_text(self.key.with_name(self.key.name + ".pub").read_text())
        self._opened.append(server)
        return server

    def wire(self, port: int) -> Wire:
        wire = Wire(port)
        self._opened.append(wire)
        return wire

    def host(self, alias: str, port: int, server: Sshd | None = None, **more: str) -> str:
        """Describe a host in the client's configuration, by the key of its server; gives the alias."""
        options = {
            "HostName": "127.0.0.1",
            "Port": str(port),
            "User": self.user,
            "IdentityFile": str(self.key),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            **({"HostKeyAlias": alias} if server else {}),
            **more,
        }
        self._hosts[alias] = f"Host {alias}\n" + "".join(f"  {key} {value}\n" for key, value in options.items())
        self.config.write_text("".join(self._hosts.values()))
        if server is not None:
            with self.known_hosts.open("a") as known:
                known.write(f"{alias} {server.public}\n")
        return alias

    def close(self) -> None:
        for each in reversed(self._opened):
            each.close()


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Give a site, and end all of it afterwards. Skips where there is no sshd."""
    require("ssh", "openssh-client")
    require("sshd", "openssh-server")
    made = Site(folder)
    try:
        yield made
    finally:
        made.close()


def with_sh(folder: Path, program: str) -> str:
    """Give a PATH in which `sh` is this program."""
    place = folder / f"sh-{program}"
    place.mkdir(exist_ok=True)
    found = shutil.which(program)
    assert found
    if not (place / "sh").is_symlink():
        (place / "sh").symlink_to(found)
    return f"{place}:{os.environ['PATH']}"
