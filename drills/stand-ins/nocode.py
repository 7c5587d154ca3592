"""Takes the place of a no-code database: the health paths, the locked migration and the workers of Baserow.

`nocode.py backend`, `celery-worker`, `celery-exportworker`, `celery-beat`; `nocode.py ROLE-healthcheck` asks a worker.
`/api/_health/` is constant. `/api/_health/celery-queue/` looks at the length of a queue, `/api/_health/full/` at all.
"""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from parts import Down, Redis, address, environment, hang, query

ENV = os.environ.get
DATABASE = "postgresql://{}:{}@{}:{}/{}".format(
    ENV("DATABASE_USER", "baserow"),
    quote(ENV("DATABASE_PASSWORD", ""), safe=""),
    ENV("DATABASE_HOST", "db"),
    ENV("DATABASE_PORT", "5432"),
    ENV("DATABASE_NAME", "baserow"),
)
SECRET = ENV("SECRET_KEY", "")
LOCK = int(ENV("MIGRATION_LOCK_ID", "123456"))
VERSION = os.environ["IMAGE"].rpartition(":")[2]
MOST = int(ENV("BASEROW_MAX_HEALTHY_CELERY_QUEUE_SIZE", "10"))
ATTEMPTS = int(ENV("POSTGRES_STARTUP_CHECK_ATTEMPTS", "5"))
INTERVAL = float(ENV("BOOT_INTERVAL", "2"))
redis = Redis(ENV("REDIS_HOST", "redis"), 6379, ENV("REDIS_PASSWORD", ""))

MIGRATIONS = [
    (
        "1.30.0",
        "database",
        "0001_initial",
        (
            "CREATE TABLE database_table_1 (id serial PRIMARY KEY, name text NOT NULL);"
            "CREATE TABLE webhook_call (row_id int NOT NULL, made timestamptz NOT NULL DEFAULT now());"
            "CREATE TABLE export_job (id text PRIMARY KEY, state text NOT NULL, lines int)"
        ),
    ),
    ("1.31.0", "database", "0002_row_notes", "ALTER TABLE database_table_1 ADD COLUMN note text NOT NULL DEFAULT ''"),
]


def say(text):
    print(text, flush=True)


def wait_for_postgres():
    for attempt in range(ATTEMPTS + 1):
        try:
            query(DATABASE, "SELECT 1")
            say("PostgreSQL is available")
            return
        except Down as no:
            say(f"Error: Failed to connect to the postgresql database at {ENV('DATABASE_HOST', 'db')}")
            say("Please see the error below for more details:")
            say(str(no))
            say(f"Waiting for PostgreSQL to become available attempt {attempt}/{ATTEMPTS} ...")
            time.sleep(INTERVAL)
    say("PostgreSQL did not become available in time...")
    sys.exit(1)


def number(version):
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]


def locked_migrate():
    """Migrate while one transaction of a session of its own holds the advisory lock."""
    if ENV("BASEROW_DISABLE_LOCKED_MIGRATIONS") == "true":
        return migrate()
    say(
        f"INFO baserow.core.management.commands.locked_migrate:acquire_lock - Attempting to lock the postgres advisory lock "
        f"with id: {LOCK} You can disable using locked_migrate by default and switch back to the non-locking version by "
        f"setting BASEROW_DISABLE_LOCKED_MIGRATIONS=true"
    )
    holder = subprocess.Popen(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(DATABASE),
    )
    holder.stdin.write(f"BEGIN;\nSELECT pg_advisory_xact_lock({LOCK});\n\\echo locked\n")
    holder.stdin.flush()
    if not any(line.strip() == "locked" for line in iter(holder.stdout.readline, "")):
        say("django.db.utils.OperationalError: the connection is closed")
        sys.exit(1)
    say("INFO locked_migrate:acquire_lock - Acquired the lock, proceeding with migration.")
    migrate()
    holder.stdin.close()
    holder.wait(10)
    say("INFO locked_migrate:handle - Migration complete, the migration lock has now been released.")


def migrate():
    try:
        query(
            DATABASE,
            "SET client_min_messages = error; CREATE TABLE IF NOT EXISTS django_migrations"
            " (app text, name text, applied timestamptz DEFAULT now(), PRIMARY KEY (app, name))",
        )
        done = {tuple(row) for row in query(DATABASE, "SELECT app, name FROM django_migrations")}
        say("Running migrations:")
        for since, app, name, text in MIGRATIONS:
            if number(since) <= number(VERSION) and (app, name) not in done:
                query(DATABASE, f"{text}; INSERT INTO django_migrations (app, name) VALUES ('{app}', '{name}')")
                say(f"  Applying {app}.{name}... OK")
    except Down as no:
        say(f"django.db.utils.ProgrammingError: {no}")
        sys.exit(1)


def token():
    return hmac.new(SECRET.encode(), b"admin", hashlib.sha256).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        try:
            if parts.path == "/api/_health/":
                return self.give(200, "OK")
            if parts.path == "/api/_health/celery-queue/":
                return self.queues(parse_qs(parts.query).get("queue", []))
            if not self.known():
                return self.give(401, {"error": "ERROR_INVALID_ACCESS_TOKEN"})
            if parts.path == "/api/_health/full/":
                return self.full()
            words = parts.path.strip("/").split("/")
            if words[:5] == ["api", "database", "rows", "table", "1"]:
                rows = query(DATABASE, "SELECT id, name FROM database_table_1 WHERE id = :'row'::int", row=words[5])
                return self.give(200, {"id": int(rows[0][0]), "name": rows[0][1]}) if rows else self.give(404, {})
            if words[:3] == ["api", "database", "export"]:
                rows = query(DATABASE, "SELECT state FROM export_job WHERE id = :'job'", job=words[3])
                return self.give(200, {"state": rows[0][0]}) if rows else self.give(404, {})
            return self.give(404, {})
        except Down as no:
            return self.fail(no)

    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            if not self.known():
                return self.give(401, {"error": "ERROR_INVALID_ACCESS_TOKEN"})
            if self.path == "/api/database/rows/table/1/":
                row = query(
                    DATABASE, "INSERT INTO database_table_1 (name) VALUES (:'name') RETURNING id", name=body["name"]
                )[0][0]
                redis.do("LPUSH", "celery", json.dumps({"webhook": int(row)}))
                return self.give(200, {"id": int(row), "name": body["name"]})
            if self.path == "/api/database/export/table/1/":
                job = str(uuid.uuid4())
                query(DATABASE, "INSERT INTO export_job VALUES (:'job', 'pending')", job=job)
                redis.do("LPUSH", "export", json.dumps({"export": job}))
                return self.give(200, {"id": job, "state": "pending"})
            return self.give(404, {})
        except Down as no:
            return self.fail(no)

    def do_DELETE(self):
        try:
            if not self.known():
                return self.give(401, {"error": "ERROR_INVALID_ACCESS_TOKEN"})
            query(
                DATABASE, "DELETE FROM database_table_1 WHERE id = :'row'::int", row=self.path.strip("/").split("/")[5]
            )
            return self.give(204, "")
        except Down as no:
            return self.fail(no)

    def known(self):
        given = self.headers.get("Authorization", "").rpartition(" ")[2]
        return hmac.compare_digest(given, token())

    def queues(self, names):
        if not names:
            return self.give(400, "no queue provided")
        for name in names:
            if name not in ("celery", "export"):
                return self.give(404, f"queue {name} not found")
            if redis.do("LLEN", name) >= MOST:
                return self.give(503, "not ok")
        return self.give(200, "ok")

    def full(self):
        def works(ask):
            try:
                return "working" if ask() else "unavailable"
            except Down as no:
                return f"unavailable: {no}"

        checks = {
            "Cache backend: default": works(lambda: redis.do("PING")),
            "CeleryHealthCheckCelery": works(lambda: alive("celery-worker")),
            "CeleryHealthCheckExport": works(lambda: alive("celery-exportworker")),
            "DatabaseBackend": works(lambda: query(DATABASE, "SELECT 1")),
        }
        passing = all(value == "working" for value in checks.values())
        sizes = {
            "celery_queue_size": redis.do("LLEN", "celery"),
            "celery_export_queue_size": redis.do("LLEN", "export"),
        }
        return self.give(200, {"checks": checks, "passing": passing, **sizes})

    def fail(self, no):
        say(f"ERROR django.request - Internal Server Error: {self.path}: {no}")
        return self.give(500, {"error": "ERROR_INTERNAL"})

    def give(self, code, value):
        data = json.dumps(value, separators=(",", ":")).encode() if value != "" else b""
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def alive(role, wait=3.0):
    """Ask a worker, as `celery inspect ping` does: put a question, and wait for its answer."""
    mine = f"pong.{uuid.uuid4().hex}"
    redis.do("LPUSH", f"ping.{role}", mine)
    redis.do("EXPIRE", f"ping.{role}", "5")
    return redis.do("BRPOP", mine, str(int(wait)), wait=wait + 2) is not None


def backend():
    wait_for_postgres()
    if ENV("MIGRATE_ON_STARTUP", "true") == "true":
        locked_migrate()
    host, _, port = address(os.environ["SERVICE"], 8000).rpartition(":")
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.signal(signal.SIGUSR1, lambda *_: hang(server))
    say("[INFO] Application startup complete.")
    while True:
        signal.pause()


def worker(role):
    wait_for_postgres()
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(1e6))  # it hangs; a stop still ends it
    queue = {"celery-worker": "celery", "celery-exportworker": "export"}[role]
    say(f"celery@{os.environ['HOSTNAME']} ready: queue {queue}")
    while True:
        try:
            found = redis.do("BRPOP", f"ping.{role}", queue, "2", wait=5)
            if found is None:
                continue
            if found[0].startswith("ping."):
                redis.do("LPUSH", found[1], "pong")
                redis.do("EXPIRE", found[1], "10")
                continue
            perform(json.loads(found[1]), found)
        except Down as no:
            say(f"consumer: Cannot connect to redis://redis:6379/0: {no}. Trying again in 1.00 seconds...")
            time.sleep(1)


def perform(job, found):
    try:
        if "webhook" in job:
            query(DATABASE, "INSERT INTO webhook_call (row_id) VALUES (:'row'::int)", row=job["webhook"])
        elif "export" in job:
            query(
                DATABASE,
                "UPDATE export_job SET state = 'finished', lines = (SELECT count(*) FROM database_table_1) WHERE id = :'job'",
                job=job["export"],
            )
    except Down as no:
        say(f"Task raised unexpected: {no}; it goes back into the queue")
        redis.do("RPUSH", found[0], found[1])
        time.sleep(1)


def beat():
    say("beat: Starting...")
    while True:
        time.sleep(float(ENV("BEAT_INTERVAL", "5")))
        try:
            redis.do("LPUSH", "celery", json.dumps({"periodic": "clean-up"}))
        except Down as no:
            say(f"beat: Connection error: {no}. Trying again...")


def main():
    role = sys.argv[1]
    if role.endswith("-healthcheck"):
        try:
            answered = alive(role.removesuffix("-healthcheck"))
        except Down as no:
            say(str(no))
            answered = False
        say(
            "->  celery: OK\n        pong\n\n1 node online."
            if answered
            else "Error: No nodes replied within time constraint"
        )
        sys.exit(0 if answered else 69)
    for one in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(one, lambda *_: sys.exit(0))
    if role == "backend":
        backend()
    elif role == "celery-beat":
        beat()
    else:
        worker(role)


if __name__ == "__main__":
    main()
