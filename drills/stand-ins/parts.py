"""What both application stand-ins need: names of services, PostgreSQL through `psql`, and Redis.

It refuses to know what the applications mean. In a container names are looked up in its network, and `SERVICE` is
the address on which it listens. In a process that takes the place of one, `SERVICE` is its name, and `NET` the folder where
each running service has a file with its address; a service that does not run has none, as in the network of containers.
"""

import os
import socket
import subprocess
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Down(Exception):
    """A database or Redis did not answer, or refused."""


def log(text, level="LOG", who="NestApplication"):
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    print(f"{moment} {level:<5} [{who}] {text}", flush=True)


def address(host, port):
    """Give `unix:PATH` or `HOST:PORT` of a service."""
    try:
        if "NET" not in os.environ:
            return f"{socket.gethostbyname(host)}:{port}"
        return (Path(os.environ["NET"]) / host).read_text()
    except OSError:
        if host in ("127.0.0.1", "localhost"):
            return f"{host}:{port}"
        raise Down(f"getaddrinfo ENOTFOUND {host}") from None


def environment(url):
    """The environment in which `psql` reaches the database of a URL; the password is never an argument."""
    parts = urlsplit(url)
    host, _, port = address(parts.hostname or "", parts.port or 5432).rpartition(":")
    return {
        **os.environ,
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/").split("?")[0],
        "PGCONNECT_TIMEOUT": "3",
    }


def query(url, text, **values):
    """Execute SQL in one transaction and give the lines; values are `:'name'` in the text. Raises `Down`."""
    command = ["psql", "-XAtq", "-1", "-v", "ON_ERROR_STOP=1", "-F", "\x1f", "-f", "-"]
    script = "".join(f"\\getenv {key} VALUE_{key}\n" for key in values) + text + "\n;\n"
    env = {**environment(url), **{f"VALUE_{key}": str(value) for key, value in values.items()}}
    try:
        done = subprocess.run(command, input=script, capture_output=True, text=True, env=env, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        raise Down("timeout expired") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        hints = [line for line in said[1:] if line.startswith("HINT:")]
        text = (said[0] if said else "psql failed").removeprefix("psql: error: ").removeprefix("psql:<stdin>:")
        raise Down(" ".join((text, *hints)))
    return [line.split("\x1f") for line in done.stdout.splitlines()]


class Redis:
    """One connection, opened anew for each use, as a health check does."""

    def __init__(self, host, port=6379, password=""):
        self.host, self.port, self.password = host, port, password

    def do(self, *words, wait=3.0):
        at = address(self.host, self.port)
        try:
            if at.startswith("unix:"):
                line = socket.socket(socket.AF_UNIX)
                line.settimeout(wait)
                line.connect(at[5:])
            else:
                host, _, port = at.rpartition(":")
                line = socket.create_connection((host, int(port)), timeout=wait)
                line.settimeout(wait)
            with line, line.makefile("rwb") as stream:
                if self.password:
                    self._send(stream, "AUTH", self.password)
                    self._read(stream)
                self._send(stream, *words)
                return self._read(stream)
        except (OSError, ValueError) as no:
            reason = "ECONNREFUSED" if isinstance(no, (ConnectionError, FileNotFoundError)) else str(no)
            raise Down(f"connect {reason} {self.host}:{self.port}") from None

    @staticmethod
    def _send(stream, *words):
        parts = [str(word).encode() for word in words]
        stream.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        stream.flush()

    def _read(self, stream):
        line = stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Down(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        count = int(rest)
        if count < 0:
            return None
        if kind == b"$":
            return stream.read(count + 2)[:-2].decode()
        return [self._read(stream) for _ in range(count)]


def hang(server):
    """Answer nobody any more and live on, as a process in a dead end does; who asks is told at once, so tests are quick."""
    threading.Thread(target=lambda: (server.shutdown(), server.server_close())).start()


def give_up(text, who="NestApplication"):
    log(text, "ERROR", who)
    sys.exit(1)
