# shellcheck shell=sh
# The no-code database: its stack, its rows with a ledger, and what its users would notice. Needs compose.sh.

nocode_random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

nocode_worker() {
  cat <<YAML
  $1:
    container_name: nocode-$1-1
    image: baserow/backend:1.30.1
    command: $2
    depends_on:
      - backend
    environment:
      SECRET_KEY: \${SECRET_KEY}
      DATABASE_PASSWORD: \${DATABASE_PASSWORD}
      REDIS_PASSWORD: \${REDIS_PASSWORD}
    restart: ${nocode_worker_restart:-unless-stopped}
    healthcheck:
      disable: true
YAML
}

nocode_make() {
  stack_begin
  {
    cat <<YAML
services:
  backend:
    container_name: nocode-backend-1
    image: baserow/backend:1.30.1
    depends_on:
      - db
      - redis
    environment:
      SECRET_KEY: \${SECRET_KEY}
      DATABASE_PASSWORD: \${DATABASE_PASSWORD}
      REDIS_PASSWORD: \${REDIS_PASSWORD}
      MIGRATE_ON_STARTUP: "true"
    ports:
      - "127.0.0.1:$stack_port:8000"
    restart: unless-stopped
YAML
    nocode_worker celery celery-worker
    nocode_worker celery-export-worker celery-exportworker
    nocode_worker celery-beat-worker celery-beat
    cat <<YAML
  db:
    container_name: nocode-db-1
    image: postgres:15
    environment:
      - POSTGRES_USER=baserow
      - POSTGRES_PASSWORD=\${DATABASE_PASSWORD}
      - POSTGRES_DB=baserow
    restart: unless-stopped
    volumes:
      - pgdata:/var/lib/postgresql/data
  redis:
    container_name: nocode-redis-1
    image: redis:7.2-alpine
    command: redis-server --requirepass \${REDIS_PASSWORD}
    restart: unless-stopped
volumes:
  pgdata:
YAML
  } >"$sandbox/stack/compose.yaml"
  (
    umask 077
    printf 'COMPOSE_PROJECT_NAME=nocode\nSECRET_KEY=%s\nDATABASE_PASSWORD=%s\nREDIS_PASSWORD=%s\n' \
      "$(nocode_random)" "$(nocode_random)" "$(nocode_random)" >"$sandbox/stack/.env"
  )
  stack_serve
  stack_db_first
  compose up -d >&2
  stack_wait 60 nocode_healthy || { say "the no-code database does not come up"; compose logs >&2; return 1; }
  printf 'Authorization: JWT %s\n' "$(nocode_token)" >"$sandbox/token"
  chmod 600 "$sandbox/token"
  nocode_sql <<'SQL'
INSERT INTO database_table_1 (name) SELECT md5(n::text) FROM generate_series(1, 2000) n;
CREATE ROLE reporting LOGIN;
CREATE TABLE nightly_import (id int PRIMARY KEY, line text NOT NULL);
GRANT INSERT, SELECT ON nightly_import TO reporting;
GRANT USAGE ON SCHEMA public TO reporting;
SQL
  nocode_rows >"$sandbox/ledger"
  : >"$sandbox/ledger.hooks"
  nocode_ids >"$sandbox/ledger.containers"
  stack_note_volume nocode_pgdata
}

nocode_services="backend celery celery-export-worker celery-beat-worker db redis"

nocode_ids() { for nocode_one in $nocode_services; do docker_ inspect -f "$nocode_one {{.Id}}" "nocode-$nocode_one-1"; done; }
nocode_began() { for nocode_one in $nocode_services; do docker_ inspect -f '{{.Id}} {{.State.StartedAt}}' "nocode-$nocode_one-1"; done; }

# nocode_token: what a log-in of the administrator would give.
nocode_token() {
  python3 -c 'import hashlib, hmac, sys
env = dict(line.rstrip("\n").split("=", 1) for line in open(sys.argv[1]))
print(hmac.new(env["SECRET_KEY"].encode(), b"admin", hashlib.sha256).hexdigest())' "$sandbox/stack/.env"
}

nocode_sql() { psql_db -q -At -U baserow -d baserow "$@"; }

# nocode_call METHOD PATH [JSON]: as the administrator; the token is in a file, so that no list of processes shows it.
nocode_call() {
  set -- "$1" "$(stack_url)$2" "${3:-}"
  curl -fsS -m 10 -X "$1" -H "@$sandbox/token" -H 'Content-Type: application/json' ${3:+-d "$3"} "$2"
}

# nocode_healthy: what /api/_health/full/ says; the other path is constant.
nocode_healthy() {
  [ -f "$sandbox/token" ] || printf 'Authorization: JWT %s\n' "$(nocode_token)" >"$sandbox/token"
  nocode_call GET /api/_health/full/ | grep -q '"passing":true'
}

nocode_constant() { [ "$(curl -fsS -m 5 "$(stack_url)/api/_health/")" = '"OK"' ]; }
nocode_queue() { curl -fsS -m 5 "$(stack_url)/api/_health/celery-queue/?queue=$1"; }

# nocode_add NAME: a row that a user makes; its webhook is a job in Redis. It counts as the user's data from now on.
nocode_add() {
  nocode_id=$(nocode_call POST /api/database/rows/table/1/ "{\"name\": \"$1\"}" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  [ -n "$nocode_id" ]
}
nocode_note() { nocode_add "$1" && printf '%s\n' "$nocode_id" >>"$sandbox/ledger.hooks"; }

nocode_hooked() { [ "$(nocode_sql -c "SELECT count(*) > 0 FROM webhook_call WHERE row_id = $1" </dev/null)" = t ]; }
nocode_exported() { nocode_call GET "/api/database/export/$1/" | grep -q '"state":"finished"'; }

# nocode_check: a row is made, read and deleted, its webhook goes out, an export ends, and the clock of the jobs runs.
nocode_check() {
  nocode_call GET /api/database/rows/table/1/7/ 2>/dev/null | grep -q "$(printf 7 | md5sum | cut -d ' ' -f 1)" ||
    { echo "a known row does not show"; return 1; }
  nocode_add "$(nocode_random)" 2>/dev/null || { echo "a row cannot be made"; return 1; }
  stack_wait 5 nocode_hooked "$nocode_id" || { echo "a webhook does not go out"; return 1; }
  nocode_call DELETE "/api/database/rows/table/1/$nocode_id/" 2>/dev/null || { echo "a row cannot be deleted"; return 1; }
  nocode_job=$(nocode_call POST /api/database/export/table/1/ '{}' 2>/dev/null | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
  [ -n "$nocode_job" ] || { echo "an export cannot be begun"; return 1; }
  stack_wait 5 nocode_exported "$nocode_job" || { echo "an export does not end"; return 1; }
  [ "$(docker_ inspect -f '{{.State.Status}}' nocode-celery-beat-worker-1 2>/dev/null)" = running ] ||
    { echo "periodic jobs are not begun"; return 1; }
  for nocode_one in celery export; do
    nocode_queue "$nocode_one" >/dev/null 2>&1 || { echo "the queue $nocode_one is too long"; return 1; }
  done
  echo "a row, its webhook and an export are good"
}

nocode_rows() {
  nocode_sql <<'SQL'
SELECT 'row', id, name FROM database_table_1 ORDER BY id;
SELECT 'migration', app, name FROM django_migrations ORDER BY name;
SQL
}

# nocode_kept: the ledger's rows are there, and no job of a row that users made is lost: done, or still in its queue.
nocode_kept() {
  if ! nocode_sql -c 'SELECT 1' </dev/null >/dev/null 2>&1; then
    [ -s "$(stack_volume nocode_pgdata)/PG_VERSION" ] || { echo "the database's files are gone"; return 1; }
    echo "the database does not run; its files are there"
    return 0
  fi
  nocode_now=$(nocode_rows) || { echo "the tables are gone"; return 1; }
  nocode_lost=$(printf '%s\n' "$nocode_now" | awk -v ledger="$sandbox/ledger" '
    FILENAME == ledger { want[$0] = 1; next } { delete want[$0] }
    END { for (row in want) lost++; print lost + 0 }' "$sandbox/ledger" -)
  [ "$nocode_lost" = 0 ] || { echo "$nocode_lost rows of the ledger are lost"; return 1; }
  nocode_queued=$(nocode_queue_text)
  while read -r nocode_hook; do
    case $nocode_queued in *"\"webhook\": $nocode_hook}"*) continue ;; esac
    stack_wait 6 nocode_hooked "$nocode_hook" || { echo "the webhook of row $nocode_hook is lost"; return 1; }
  done <"$sandbox/ledger.hooks"
  if [ -f "$sandbox/ledger.import" ] && nocode_import_was_ended; then echo "the nightly import was ended halfway"; return 1; fi
  echo "all rows and jobs are there"
}

nocode_queue_text() {
  # shellcheck disable=SC2016
  REDISCLI_AUTH=$(sed -n 's/^REDIS_PASSWORD=//p' "$sandbox/stack/.env") compose exec -T \
    -e "REDISCLI_AUTH=$(sed -n 's/^REDIS_PASSWORD=//p' "$sandbox/stack/.env")" redis redis-cli lrange celery 0 -1 </dev/null 2>/dev/null || :
}

# nocode_safe SERVICE...: these are still the containers that were made.
nocode_safe() {
  for nocode_one in "$@"; do
    nocode_is=$(docker_ inspect -f '{{.Id}}' "nocode-$nocode_one-1" 2>/dev/null) || nocode_is=none
    [ "$nocode_is" = "$(sed -n "s/^$nocode_one //p" "$sandbox/ledger.containers")" ] ||
      { echo "the container of $nocode_one was made anew"; return 1; }
  done
  echo "nothing else was touched"
}

# nocode_untouched: nothing was started, stopped or made anew since `nocode_began` was kept.
nocode_untouched() {
  [ "$(nocode_began 2>/dev/null)" = "$(cat "$sandbox/ledger.began")" ] ||
    { echo "a container was restarted, though nothing was wrong"; return 1; }
  echo "nothing was touched"
}

# nocode_session NAME ROLE SQL: a session of the database that executes this and then stays, from outside of the project.
nocode_session() {
  printf '%s\n' "$3" >"$sandbox/session.$1"
  # shellcheck disable=SC2016
  start "$1" sh -c '{ cat "$1"; exec sleep 100000; } | "$2" exec -i nocode-db-1 psql -XAtq -U "$3" -d baserow' \
    sh "$sandbox/session.$1" "$sandbox/bin/docker" "$2"
}

nocode_locked() {
  [ "$(nocode_sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 123456" </dev/null)" = 1 ]
}
nocode_waits() { [ "$(nocode_sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted" </dev/null)" = 1 ]; }
nocode_waiter() { nocode_sql -c "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted" </dev/null; }

# nocode_was_ended PID: somebody ended that session, and the database's log says so.
nocode_was_ended() {
  compose logs --no-color --no-log-prefix db </dev/null | grep -q "\[$1\] FATAL: *terminating connection due to administrator command"
}
nocode_importing() { [ "$(nocode_sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77" </dev/null)" = 1 ]; }

# nocode_import_was_ended: nobody is at it, and not all of its rows are there.
nocode_import_was_ended() {
  [ "$(nocode_sql -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reporting'" </dev/null)" = 0 ] &&
    [ "$(nocode_sql -c 'SELECT count(*) FROM nightly_import' </dev/null)" != "$(cat "$sandbox/ledger.import")" ]
}
