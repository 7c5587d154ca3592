"""Takes the place of a wiki: the health paths, the boot, the migrations and the late save of Docmost.

`/api/health/live` is constant, `/api/health` asks PostgreSQL and Redis. An edit is kept in memory and saved after a
while; a stop saves it first, a kill loses it.
"""

import hashlib
import hmac
import json
import os
import secrets
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from parts import Down, Redis, address, give_up, hang, log, query

MIGRATIONS = [
    ("0.20.0", "20240324T085500-uuid_v7_fn", "CREATE TABLE workspaces (id int PRIMARY KEY, name text)"),
    (
        "0.20.0",
        "20240324T085600-users",
        "CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, password text NOT NULL)",
    ),
    (
        "0.20.0",
        "20240324T086700-pages",
        "CREATE TABLE pages (id text PRIMARY KEY, title text NOT NULL, content text NOT NULL, updated_at timestamptz)",
    ),
    ("0.21.0", "20250725T052004-email_index", "CREATE UNIQUE INDEX users_email_lower ON users (lower(email))"),
    ("0.21.0", "20250725T052500-page_words", "ALTER TABLE pages ADD COLUMN words int NOT NULL DEFAULT 0"),
]
DATABASE, SECRET = os.environ.get("DATABASE_URL", ""), os.environ.get("APP_SECRET", "")
VERSION = os.environ["IMAGE"].rpartition(":")[2]
SAVE_AFTER = float(os.environ.get("SAVE_AFTER", "10"))
ATTEMPTS = 15
INTERVAL = float(os.environ.get("BOOT_INTERVAL", "3"))


def checked_environment():
    wrong = []
    if urlsplit(DATABASE).scheme not in ("postgres", "postgresql") or not urlsplit(DATABASE).hostname:
        wrong.append({"isUrl": "DATABASE_URL must be a valid postgres connection string"})
    if urlsplit(os.environ.get("REDIS_URL", "")).scheme not in ("redis", "rediss"):
        wrong.append({"isUrl": "REDIS_URL must be a valid redis connection string"})
    if len(SECRET) < 32:
        wrong.append({"minLength": "APP_SECRET must be longer than or equal to 32 characters"})
    if SECRET == "REPLACE_WITH_LONG_SECRET":
        wrong.append({"isNotIn": "APP_SECRET should not be one of the following values: REPLACE_WITH_LONG_SECRET"})
    if wrong:
        print("The Environment variables has failed the following validations:")
        for one in wrong:
            print(json.dumps(one))
        print("Please fix the environment variables and try again. Exiting program...", flush=True)
        sys.exit(1)


def establish():
    log("Establishing database connection", who="DatabaseModule")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            query(DATABASE, "SELECT 1=1")
            log("Database connection successful", who="DatabaseModule")
            return
        except Down as no:
            log(str(no), "ERROR", "DatabaseModule")
            if attempt < ATTEMPTS:
                log(f"Retrying [{attempt}/{ATTEMPTS}] in {INTERVAL:g} seconds", who="DatabaseModule")
                time.sleep(INTERVAL)
    give_up(f"Failed to connect to database after {ATTEMPTS} attempts. Exiting...", "DatabaseModule")


def number(version):
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]


def migrate():
    who = "DatabaseMigrationService"
    known = [(name, text) for since, name, text in MIGRATIONS if number(since) <= number(VERSION)]
    try:
        query(
            DATABASE,
            "SET client_min_messages = error;"
            "CREATE TABLE IF NOT EXISTS kysely_migration (name varchar(255) PRIMARY KEY, timestamp varchar(255) NOT NULL)",
        )
        done = [row[0] for row in query(DATABASE, "SELECT name FROM kysely_migration ORDER BY name")]
        for name in done:
            if name not in dict(known):
                raise Down(f"Error: corrupted migrations: previously executed migration {name} is missing")
        pending = [(name, text) for name, text in known if name not in done]
        if not pending:
            log("No pending database migrations", who=who)
            return
        script, failed = "", ""
        for name, text in pending:
            failed = name
            script += f"{text};\nINSERT INTO kysely_migration VALUES ('{name}', now()::text);\n"
        try:
            query(DATABASE, script)
        except Down as no:
            failed = next((name for name, text in pending if at_fault(text, str(no))), failed)
            log(f'Failed to execute migration "{failed}"', "ERROR", who)
            raise
        for name, _ in pending:
            log(f'Migration "{name}" executed successfully', who=who)
    except Down as no:
        log("Failed to run database migration. Exiting program.", "ERROR", who)
        give_up(str(no), who)


def at_fault(text, said):
    """Whether an error names what this migration makes."""
    made = [word.strip("(),") for word in text.split() if word.strip("(),").isidentifier() and len(word) > 4]
    return any(f'"{word}"' in said for word in made)


class Pages:
    """The documents that are open, and their late save."""

    def __init__(self):
        self.open, self.lock = {}, threading.RLock()

    def edit(self, page, content):
        with self.lock:
            if page not in self.open and not query(DATABASE, "SELECT 1 FROM pages WHERE id = :'page'", page=page):
                raise KeyError(page)
            self.open[page] = (content, time.monotonic() + SAVE_AFTER)

    def read(self, page):
        with self.lock:
            if page in self.open:
                return {"id": page, "title": "", "content": self.open[page][0], "saved": False}
        rows = query(DATABASE, "SELECT title, content FROM pages WHERE id = :'page'", page=page)
        if not rows:
            raise KeyError(page)
        return {"id": page, "title": rows[0][0], "content": rows[0][1], "saved": True}

    def save(self, everything=False):
        with self.lock:
            for page, (content, due) in list(self.open.items()):
                if not everything and time.monotonic() < due:
                    continue
                words = ", words = 1" if number(VERSION) >= number("0.21.0") else ""
                try:
                    query(
                        DATABASE,
                        f"UPDATE pages SET content = :'content', updated_at = now(){words} WHERE id = :'page'",
                        page=page,
                        content=content,
                    )
                    del self.open[page]
                except Down as no:
                    log(f"page {page} is not saved, and is tried again: {no}", "ERROR", "PersistenceExtension")
                    self.open[page] = (content, time.monotonic() + 1)

    def keep_saving(self):
        while True:
            time.sleep(0.1)
            self.save()


pages = Pages()


def redis():
    parts = urlsplit(os.environ["REDIS_URL"])
    return Redis(parts.hostname, parts.port or 6379, parts.password or "")


def signed(text):
    return text + "." + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/api/health/live":
            return self.give(200, "ok")
        if path == "/api/health":
            return self.health()
        return self.give(
            200 if path == "/" else 404, "<!doctype html><title>Wiki</title>" if path == "/" else "Not found"
        )

    def health(self):
        up, down = {}, {}
        for name, ask in (("database", lambda: query(DATABASE, "SELECT 1=1")), ("redis", lambda: redis().do("PING"))):
            try:
                ask()
                up[name] = {"status": "up"}
            except Down as no:
                log(str(no), "ERROR", "PostgresHealthIndicator" if name == "database" else "RedisHealthIndicator")
                down[name] = {"status": "down"}
        state = {"status": "error" if down else "ok", "info": up, "error": down, "details": {**up, **down}}
        return self.give(503 if down else 200, state)

    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            if self.path == "/api/auth/login":
                rows = query(DATABASE, "SELECT id FROM users WHERE email = :'email' AND password = :'password'", **body)
                return self.give(200, {"token": signed(rows[0][0])}) if rows else self.give(401, "Unauthorized")
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(signed(token.rpartition(".")[0]), token):
                return self.give(401, "Unauthorized")
            if self.path == "/api/pages/info":
                return self.give(200, pages.read(body["id"]))
            if self.path == "/api/pages/update":
                redis().do("PUBLISH", "collaboration", body["id"])
                pages.edit(body["id"], body["content"])
                return self.give(200, {"id": body["id"]})
            return self.give(404, "Not found")
        except KeyError:
            return self.give(404, "Not found")
        except Down as no:
            log(str(no), "ERROR", "ExceptionsHandler")
            return self.give(500, {"statusCode": 500, "message": "Internal server error"})

    def give(self, code, value):
        data = (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log("Starting Nest application...", who="NestFactory")
    checked_environment()
    establish()
    migrate()
    host, _, port = address(os.environ["SERVICE"], 3000).rpartition(":")
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=pages.keep_saving, daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGUSR1, lambda *_: hang(server))
    log(f"Listening on http://127.0.0.1:3000 ({VERSION}, {secrets.token_hex(4)})")
    try:
        while True:
            signal.pause()
    finally:
        pages.save(everything=True)
        if pages.open:
            log(f"{len(pages.open)} pages could not be saved", "ERROR", "PersistenceExtension")


if __name__ == "__main__":
    main()
