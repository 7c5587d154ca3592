#!/bin/sh
# Takes the place of PostgreSQL's image: it makes a cluster where there is none, with the user and the password of the
# environment, and starts it. On a cluster that is there the password of the environment is ignored, as in the image.
set -eu
data="${ROOT:-}/var/lib/postgresql/data"
if [ ! -s "$data/PG_VERSION" ]; then
  printf '%s\n' "$POSTGRES_PASSWORD" >"${data%/*}/password"
  initdb -D "$data" -U "$POSTGRES_USER" --pwfile="${data%/*}/password" --auth-local=trust --auth-host=scram-sha-256 \
    -E UTF8 --locale=C.UTF-8 -N >/dev/null
  rm -f "${data%/*}/password"
  cat >>"$data/postgresql.conf" <<'CONF'
fsync = off
shared_buffers = 16MB
max_connections = 60
dynamic_shared_memory_type = mmap
log_line_prefix = '%m [%p] '
timezone = 'UTC'
log_timezone = 'UTC'
CONF
  [ -n "${NET:-}" ] || echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  printf 'CREATE DATABASE "%s";\n' "${POSTGRES_DB:-$POSTGRES_USER}" |
    postgres --single -D "$data" postgres >/dev/null
  echo "PostgreSQL init process complete; ready for start up."
else
  echo "PostgreSQL Database directory appears to contain a database; Skipping initialization"
fi
address='*:5432' # in a container: every address
[ -z "${NET:-}" ] || address=$(cat "$NET/$SERVICE")
exec postgres -D "$data" -c listen_addresses="${address%:*}" -c port="${address##*:}" -c unix_socket_directories="$PGHOST"
