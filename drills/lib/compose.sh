# shellcheck shell=sh
# A compose project of real PostgreSQL, real Redis and stand-ins for the applications: on a Docker engine of the sandbox's
# own where engine.sh comes after this and one can be started, else as processes with a stand-in for Docker. Scripts are the
# same for both. `$drills` is the folder of the drills. Everything lies in $sandbox/stack (the compose file), $sandbox/docker
# and $sandbox/bin. For tests DRILL_CONTAINERS=engine or =processes says which, and what cannot be is an error.

# docker_ and compose: what a person at the keyboard would type.
docker_() { "$sandbox/bin/docker" "$@"; }
compose() { docker_ compose -f "$sandbox/stack/compose.yaml" "$@"; }

# stack_begin: docker with its images; the compose file is the caller's.
stack_begin() {
  chmod 755 "$sandbox"
  stack_pg=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$stack_pg" ] || { say "there is no PostgreSQL in /usr/lib/postgresql"; return 1; }
  mkdir -p "$sandbox/stack" "$sandbox/docker" "$sandbox/bin"
  stack_port=$(free_port)
  printf 'url=http://127.0.0.1:%s\n' "$stack_port" >>"$sandbox/values"
  if stack_takes_engine; then return 0; fi
  [ "${DRILL_CONTAINERS:-}" != engine ] || return 1
  processes_begin
}

# stack_takes_engine: begins a real engine, or says why there is none.
stack_takes_engine() {
  [ "${DRILL_CONTAINERS:-}" != processes ] && command -v engine_begin >/dev/null || return 1
  if stack_why=$(engine_lacks); then
    say "no Docker engine: $stack_why"
    return 1
  fi
  echo engine >"$sandbox/docker/kind"
  engine_begin || { rm -f "$sandbox/docker/kind"; return 1; }
}
stack_has_engine() { [ -f "$sandbox/docker/kind" ]; }

# stack_volume NAME: the folder of a volume.
stack_volume() { if stack_has_engine; then engine_volume "$1"; else echo "$sandbox/docker/volumes/$1"; fi; }

processes_begin() {
  stack_python=$(as_user sh -c 'command -v python3')
  mkdir -p "$sandbox/docker/redis-bin" "$sandbox/docker/worker-bin" "$sandbox/docker/net"
  cp -R "${drills:?}/stand-ins" "$sandbox/docker/stand-ins"
  chmod -R a+rX "$sandbox/docker/stand-ins"
  stack_code="$sandbox/docker/stand-ins"
  # Compiled once, since it is started many times.
  "$stack_python" -c 'import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[1] + "c", doraise=True)' "$stack_code/docker.py"
  chmod a+r "$stack_code/docker.pyc"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec redis-cli-real -s "$NET/$SERVICE.sock" "$@"\n' |
    sed "s|redis-cli-real|$(command -v redis-cli)|" >"$sandbox/docker/redis-bin/redis-cli"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec %s %s "$@"\n' "$stack_python" "$(quoted "$stack_code/nocode.py")" >"$sandbox/docker/worker-bin/entrypoint"
  cat >"$sandbox/bin/docker" <<SH
#!/bin/sh
PYTHONDONTWRITEBYTECODE=1 STAND_IN=$(quoted "$sandbox/docker") exec $stack_python -ES $(quoted "$stack_code/docker.pyc") "\$@"
SH
  chmod 755 "$sandbox/bin/docker" "$sandbox/docker/redis-bin/redis-cli" "$sandbox/docker/worker-bin/entrypoint"
  stack_db_port=$(free_port)
  cat >"$sandbox/docker/images.json" <<JSON
{
  "postgres:15": {"command": ["/bin/sh", "$(escaped "$stack_code")/postgres.sh"], "stop_signal": "INT", "path": ["$stack_pg"],
    "env": {"PGHOST": "$(escaped "$sandbox")/docker/net", "PGPORT": "$stack_db_port"}, "volumes": ["/var/lib/postgresql/data"]},
  "redis:7.2-alpine": {"command": ["/bin/sh", "$(escaped "$stack_code")/redis.sh"], "path": ["$(escaped "$sandbox")/docker/redis-bin"],
    "listens": "socket", "volumes": ["/data"]},
  "docmost/docmost:0.20.4": {"command": ["$stack_python", "$(escaped "$stack_code")/wiki.py"], "path": ["$stack_pg"],
    "env": {"BOOT_INTERVAL": "0.2", "SAVE_AFTER": "3"}},
  "docmost/docmost:0.21.0": {"command": ["$stack_python", "$(escaped "$stack_code")/wiki.py"], "path": ["$stack_pg"],
    "env": {"BOOT_INTERVAL": "0.2", "SAVE_AFTER": "3"}},
  "baserow/backend:1.30.1": {"command": ["$stack_python", "$(escaped "$stack_code")/nocode.py"], "arguments": ["backend"],
    "path": ["$stack_pg"], "health": "/api/_health/", "env": {"BOOT_INTERVAL": "0.3", "BEAT_INTERVAL": "2"},
    "files": {"/baserow/backend/docker/docker-entrypoint.sh": "$(escaped "$sandbox")/docker/worker-bin/entrypoint"}},
  "baserow/backend:1.31.0": {"command": ["$stack_python", "$(escaped "$stack_code")/nocode.py"], "arguments": ["backend"],
    "path": ["$stack_pg"], "health": "/api/_health/", "env": {"BOOT_INTERVAL": "0.3", "BEAT_INTERVAL": "2"},
    "files": {"/baserow/backend/docker/docker-entrypoint.sh": "$(escaped "$sandbox")/docker/worker-bin/entrypoint"}}
}
JSON
  printf '{"db": %s, "docmost": %s, "backend": %s}\n' "$stack_db_port" "$stack_port" "$stack_port" >"$sandbox/docker/ports.json"
  own "$sandbox/docker"
}

# stack_wait SECONDS COMMAND...: until it succeeds; by the clock, since one look may take seconds where a part is down.
stack_wait() {
  stack_until=$(($(date +%s) + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$stack_until" ] || return 1
    sleep 0.05
  done
}

# stack_url: where the application answers.
stack_url() { sed -n 's/^url=//p' "$sandbox/values"; }

# stack_serve: start what stack_begin prepared; an engine runs already.
stack_serve() { stack_has_engine || processes_serve; }

# processes_serve: start the stand-in; containers that ran come up again.
processes_serve() {
  stack_python=$(as_user sh -c 'command -v python3')
  set -- "$stack_python" "$sandbox/docker/stand-ins/docker.py" serve "$sandbox/docker"
  set -- env PYTHONDONTWRITEBYTECODE=1 HOME="$sandbox" BACKOFF_MAX="${backoff_max:-1}" "$@"
  if [ "$(id -u)" = 0 ]; then
    set -- setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"
  fi
  rm -f "$sandbox/docker/docker.sock"
  (cd "$sandbox/docker" && start docker "$@")
  stack_wait 10 docker_ ps
}

# stack_crash: all containers and the daemon die at once, as in a power cut, and come up again as Docker brings them up.
stack_crash() {
  if stack_has_engine; then
    engine_crash
    engine_serve
  else
    stop docker KILL
    processes_serve
  fi
}

# stack_again: the same, and what ran before runs again also where no restart policy says so; what did not run does not.
stack_again() {
  stack_ran=$(docker_ ps --format '{{.Names}}')
  stack_crash
  case $stack_ran in *-db-1*) stack_wait 60 stack_db_answers || : ;; esac
  for stack_one in $stack_ran; do docker_ start "$stack_one" >/dev/null; done
}

# stack_end: from any moment, and twice.
stack_end() {
  if stack_has_engine; then engine_end; fi
  end_all
}

# stack_db_first: a new database takes a moment, and a worker without a restart policy would not come back for it.
stack_db_first() {
  compose up -d db redis >&2
  stack_wait 60 stack_db_answers_or_fails || :
  stack_db_answers || { say "the database does not come up"; compose logs db >&2; return 1; }
}
# One that ended three times ends the fourth time too, as on a full disk.
stack_db_answers_or_fails() { stack_db_answers || [ "$(docker_ inspect -f '{{.RestartCount}}' "$(stack_db)")" -ge 3 ]; }
stack_db_answers() { docker_ exec "$(stack_db)" pg_isready -q </dev/null; }

# stack_db: the database's container. `docker exec` is asked and not `docker compose`, which takes its time on Debian 12.
stack_db() { echo "$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' "$sandbox/stack/.env")-db-1"; }

# psql_db ARGUMENTS...: a superuser's psql in the database's container.
psql_db() { docker_ exec -i "$(stack_db)" psql -X -v ON_ERROR_STOP=1 "$@"; }

# stack_note CONTAINER...: remember which containers these are and since when they run.
stack_note() {
  for stack_one in "$@"; do stack_ran_as "$stack_one" >"$sandbox/ledger.ran.$stack_one"; done
}
stack_ran_as() { docker_ inspect -f '{{.Id}} {{.State.StartedAt}}' "$1" 2>/dev/null || echo none none; }

# stack_recreated CONTAINER: it is another one than was noted. stack_restarted CONTAINER: it is that one, and was begun anew.
stack_recreated() {
  read -r stack_id _ <"$sandbox/ledger.ran.$1"
  case $(stack_ran_as "$1") in "$stack_id "*) return 1 ;; esac
}
stack_restarted() { ! stack_recreated "$1" && [ "$(stack_ran_as "$1")" != "$(cat "$sandbox/ledger.ran.$1")" ]; }

# stack_note_volume VOLUME, stack_volume_is_new VOLUME: whether it is another one than was noted, by when its cluster was made.
stack_note_volume() { stack_cluster_of "$1" >"$sandbox/ledger.volume.$1"; }
stack_volume_is_new() { [ "$(stack_cluster_of "$1")" != "$(cat "$sandbox/ledger.volume.$1")" ]; }
stack_cluster_of() { stat -c %y "$(stack_volume "$1")/PG_VERSION" 2>/dev/null || echo none; }
