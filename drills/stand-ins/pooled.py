"""Takes the place of an application in a sandbox: it keeps a pool of database sessions open, and serves users over HTTP.

    pooled.py FILE

FILE has lines KEY=value: NAME, HTTP_PORT, POOL, PSQL, and either DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD or one
DATABASE_URL. `/page` works through the pool, as most requests do. `/new` needs one session more than the pool has, as after a
deploy, a crash or a busy hour. SIGHUP makes it read FILE again: it changes over to new sessions, and keeps the old ones where
those are refused, as many applications do.
"""

import contextlib
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

END = "-- end --"


class Refused(Exception):
    """The database did not do it; the text is its own."""


class Session:
    """One session of the database: a psql that waits for the next line."""

    def __init__(self, settings: dict[str, str]) -> None:
        own = {"PGCONNECT_TIMEOUT": "5", "PGAPPNAME": settings["NAME"], "PGPASSWORD": settings["DB_PASSWORD"]}
        own |= {"PGHOST": settings["DB_HOST"], "PGPORT": settings["DB_PORT"], "PGDATABASE": settings["DB_NAME"]}
        self._psql = subprocess.Popen(
            [settings["PSQL"], "-X", "-q", "-A", "-t", "-w", "-U", settings["DB_USER"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", **own},
        )
        self.ask("select 1")

    def ask(self, sql: str) -> str:
        """Give what the statement prints; raises `Refused` with what the server said."""
        lines = []
        with contextlib.suppress(BrokenPipeError):
            print(f"{sql};\n\\echo {END} :SQLSTATE", file=self._psql.stdin, flush=True)
        for line in self._psql.stdout:
            if line.startswith(END):
                if line.split()[-1] != "00000":
                    raise Refused(" ".join(lines))
                return "\n".join(lines)
            lines.append(line.rstrip("\n"))
        raise Refused(" ".join(lines) or "the session is gone")

    def close(self) -> None:
        """End it. Whatever it still had to say is of no interest."""
        self._psql.kill()
        self._psql.wait()
        for pipe in (self._psql.stdin, self._psql.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


class Pool:
    """So many sessions as the settings say; a broken one is made anew when it is needed."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings
        self._sessions: list[Session | None] = []
        try:
            for _ in range(int(settings["POOL"])):
                self._sessions.append(Session(settings))
        except Refused:
            self.close()
            raise
        self._next = 0

    def ask(self, sql: str) -> str:
        at = self._next = (self._next + 1) % len(self._sessions)
        for _ in range(2):
            session = self._sessions[at] = self._sessions[at] or Session(self._settings)
            try:
                return session.ask(sql)
            except Refused as error:
                session.close()
                self._sessions[at] = None
                last = error
        raise last

    def once(self, sql: str) -> str:
        session = Session(self._settings)
        try:
            return session.ask(sql)
        finally:
            session.close()

    def close(self) -> None:
        for session in self._sessions:
            if session is not None:
                session.close()


def read(file: Path) -> dict[str, str]:
    """Give the settings of a file; a value may stand in quotes."""
    found = {}
    for line in file.read_text().splitlines():
        key, sign, value = line.partition("=")
        if sign and not key.startswith("#"):
            found[key] = value[1:-1] if value[:1] in "\"'" and value[-1:] == value[:1] else value
    if "DATABASE_URL" in found:
        url = urlsplit(found["DATABASE_URL"])
        found |= {"DB_USER": unquote(url.username or ""), "DB_PASSWORD": unquote(url.password or "")}
        found |= {"DB_HOST": url.hostname or "", "DB_PORT": str(url.port), "DB_NAME": url.path[1:]}
    return found


class Application(HTTPServer):
    """The application; it reloads between two requests."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._reload = False
        settings = read(file)
        self.name = settings["NAME"]
        self.pool = Pool(settings)
        super().__init__(("127.0.0.1", int(settings["HTTP_PORT"])), Request)

    def ask_to_reload(self, *_: object) -> None:
        self._reload = True

    def service_actions(self) -> None:
        if not self._reload:
            return
        self._reload = False
        try:
            new = Pool(read(self._file))
        except Refused:
            return
        self.pool.close()
        self.pool = new


class Request(BaseHTTPRequestHandler):
    """A user's request."""

    server: Application

    def do_GET(self) -> None:
        sql = f"insert into visits (who) values ('{self.server.name}') returning 'saved'"
        asks = {"/page": self.server.pool.ask, "/new": self.server.pool.once}
        try:
            status, text = (200, asks[self.path](sql)) if self.path in asks else (404, "no such page")
        except Refused as error:
            status, text = 503, str(error)
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *more: object) -> None:
        pass


def main() -> None:
    application = Application(Path(sys.argv[1]))
    signal.signal(signal.SIGHUP, application.ask_to_reload)
    application.serve_forever(poll_interval=0.1)


main()
