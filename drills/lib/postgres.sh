# shellcheck shell=sh disable=SC2030,SC2031
# A small PostgreSQL cluster of the sandbox's own, for drills: on a socket in the sandbox, never on a network, and never as
# root. Comes after drills/lib/sandbox.sh. Everything lies below "$sandbox/pg".
# A drill gives the runbook pg_bin {sandbox}/bin, pg_host {sandbox}/pg/run, pg_data {sandbox}/pg/data and pg_log {sandbox}/pg/log.
#
#   pg_make checksums|plain [initdb's options]   makes it and starts it; also "$sandbox/bin" and the database `wiki`
#   pg_start, pg_stop [MODE], pg_kill, pg_restart, pg_running
#   pg_sql DB [psql's options]                   psql as the cluster's owner, strict, unaligned; SQL from standard input or -c
#   pg_seed                                      fills `wiki`, and writes "$sandbox/ledger"
#   pg_ledger DB                                 prints what a ledger holds: a line for each row of the seeded tables
#   pg_note                                      writes the ledger of `wiki` anew, in "$sandbox/ledger"
#   pg_spent                                     after a fault: notes the rows that it took, and prints how many these are
#   pg_kept DB                                   whether every row of the ledger is there, but for those that the fault took
#   pg_look COMMAND...                           runs it with pg_sql asking a copy of the cluster, where a damaged page is read as it is
#   pg_backup NAME [MINUTES]                     a dump of `wiki`, so old, in "$sandbox/backup", with its manifest and its SHA-256
#   pg_database_is_new, pg_was_restarted         whether `wiki` is another database, or the server another start, than pg_note saw
#   pg_follows                                   whether somebody follows its log through the slot `archive`
#   pg_block DB RELATION                         prints the file of a relation; pg_find FILE TEXT: where it stands
#   pg_flip FILE OFFSET                          changes one byte there
#   pg_end                                       stops every cluster below "$sandbox"; at any time, and twice

: "${sandbox:?}"
pg_data=$sandbox/pg/data
pg_socket=$sandbox/pg/run

# Debian keeps the programs out of the PATH, one folder a version.
pg_real() {
  newest=
  for folder in /usr/lib/postgresql/*/bin; do
    version=${folder%/bin}
    version=${version##*/}
    was=${newest%/bin}
    was=${was##*/}
    if [ -x "$folder/postgres" ] && [ "${version%%.*}" -ge "${was:-0}" ]; then newest=$folder; fi
  done
  if [ -n "$newest" ]; then
    version=${newest%/bin}
    version=${version##*/}
    [ "${version%%.*}" -ge 15 ] || { say "PostgreSQL $version is here; the drills need 15 or a later one"; return 1; }
    echo "$newest"
    return
  fi
  found=$(command -v postgres) || { say "PostgreSQL's server is not here: apt-get install postgresql"; return 1; }
  dirname -- "$found"
}

# The cluster's owner as numbers, which is how the programs in "$sandbox/bin" drop to it.
pg_wrappers() {
  folder=$(pg_real) || return 1
  mkdir -p "$sandbox/bin"
  drop=
  if [ "$(id -u)" = 0 ]; then drop="$(command -v setpriv) --reuid=$(as_user id -u) --regid=$(as_user id -g) --clear-groups "; fi
  for program in "$folder"/*; do
    printf '#!/bin/sh\n# The working folder may be closed to the owner of the cluster.\ncd / && exec %s"%s" "$@"\n' "$drop" "$program" \
      >"$sandbox/bin/${program##*/}"
  done
  chmod 755 "$sandbox/bin" "$sandbox/bin"/*
}

pg_folder() {
  mkdir -p "$1"
  own "$1"
}

pg_make() {
  sums=$1
  shift
  case $sums in
    checksums) set -- --data-checksums "$@" ;;
    plain) ;;
    *) say "pg_make: checksums or plain, not $sums"; return 1 ;;
  esac
  # A socket's path may have 107 bytes.
  if [ "${#pg_socket}" -gt 85 ]; then say "the path of the sandbox is too long for a socket: $pg_socket"; return 1; fi
  pg_wrappers
  for folder in "$sandbox/pg" "$pg_socket" "$sandbox/backup" "$sandbox/copy"; do pg_folder "$folder"; done
  if ! as_user test -x "$sandbox"; then say "the owner of the cluster may not enter $sandbox"; return 1; fi
  "$sandbox/bin/initdb" -D "$pg_data" -U postgres -A trust -E UTF8 --locale C --no-sync "$@" >"$sandbox/log.initdb"
  # Without fsync it is quick, and still keeps what it has when a process is killed. Nothing runs that was not asked for.
  cat >>"$pg_data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$(doubled "$pg_socket")'
fsync = off
dynamic_shared_memory_type = mmap
shared_buffers = 16MB
autovacuum = off
max_worker_processes = 2
logging_collector = off
END
  pg_start
  "$sandbox/bin/createdb" -h "$pg_socket" -U postgres wiki
}

# Below a shell that waits for it: a server that was killed and that nobody waits for looks alive to PostgreSQL.
pg_start() {
  # The cluster's owner writes there as well, when pg_ctl starts it.
  : >>"$sandbox/pg/log"
  own "$sandbox/pg/log"
  # shellcheck disable=SC2016
  setsid sh -c '"$@"; exit' sh "$sandbox/bin/postgres" -D "$pg_data" </dev/null >>"$sandbox/pg/log" 2>&1 &
  pg_began=$!
  pg_tries=0
  until "$sandbox/bin/pg_isready" -q -h "$pg_socket"; do
    pg_tries=$((pg_tries + 1))
    if ! kill -0 "$pg_began" 2>/dev/null || [ "$pg_tries" -gt 300 ]; then
      tail -n 5 "$sandbox/pg/log" >&2
      return 1
    fi
    sleep 0.1
  done
}

pg_stop() { "$sandbox/bin/pg_ctl" stop -s -w -t 30 -D "$pg_data" -m "${1:-fast}"; }

pg_running() { "$sandbox/bin/pg_ctl" status -s -D "$pg_data" >/dev/null 2>&1; }

# As a power cut would: the postmaster is killed at once; its children see that and end.
pg_kill() {
  pid=$(head -n 1 "$pg_data/postmaster.pid")
  pg_is_ours "$pid" && kill -9 "$pid"
  tries=0
  while { pg_is_used "$pg_data" || [ -e "/proc/$pid" ]; } && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}

# One that is down stays down: to start it may be the repair.
pg_restart() {
  if ! pg_running; then return; fi
  pg_stop immediate
  pg_start
}

# PostgreSQL's processes work in their data folder.
pg_is_used() {
  for link in /proc/[0-9]*/cwd; do
    [ "$(readlink "$link" 2>/dev/null)" != "$1" ] || return 0
  done
  return 1
}

pg_is_ours() {
  case $(readlink "/proc/$1/cwd" 2>/dev/null) in "$sandbox"/*) return 0 ;; *) return 1 ;; esac
}

pg_end() {
  find "$sandbox" -name postmaster.pid 2>/dev/null | while IFS= read -r file; do
    pid=$(head -n 1 "$file" 2>/dev/null) || continue
    if ! pg_is_ours "$pid"; then continue; fi
    kill -QUIT "$pid" 2>/dev/null || :
    tries=0
    while pg_is_ours "$pid" && [ "$tries" -lt 50 ]; do
      tries=$((tries + 1))
      [ "$tries" -ne 40 ] || kill -9 "$pid" 2>/dev/null || :
      sleep 0.1
    done
  done
}

pg_sql() {
  database=$1
  shift
  PGTZ=UTC PGDATESTYLE=ISO "$sandbox/bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$pg_socket" -U postgres -d "$database" "$@"
}

# Two tables with what a wiki has, and one that nobody breaks. `amcheck` is there, as it should be on every server.
pg_seed() {
  pg_sql wiki <<'END'
create extension amcheck;
create role wiki_app login;
create table pages (id integer primary key, slug text not null, title text not null, body text not null, saved timestamptz not null);
create table attachments (id integer primary key, page integer not null references pages, name text not null, bytes integer not null);
insert into pages select n, 'page-' || md5(n::text), 'Page ' || n, repeat(md5(n::text), 6), timestamptz '2026-01-01 00:00Z' + n * interval '1 minute'
  from generate_series(1, 4000) n;
insert into attachments select n, 1 + n % 4000, 'file-' || n, n * 7 from generate_series(1, 2000) n;
create unique index pages_slug on pages (slug);
create index attachments_page on attachments (page);
grant select, insert, update, delete on pages, attachments to wiki_app;
END
  pg_sql wiki -c 'vacuum (freeze, analyze)' -c checkpoint
  pg_note
}

pg_tables() { pg_sql "$1" -c "select t from unnest('{pages,attachments}'::text[]) t where to_regclass('public.' || t) is not null"; }

pg_ledger() {
  tables=$(pg_tables "$1") || return 1
  for table in $tables; do
    pg_sql "$1" -c "set enable_indexscan = off" -c "set enable_indexonlyscan = off" -c "
      select '$table', id, md5(t::text) from $table t where id <= 100000" || return 1
  done
}

pg_note() {
  pg_database_id >"$sandbox/ledger.database"
  pg_start_time >"$sandbox/ledger.start"
  pg_ledger wiki | LC_ALL=C sort >"$sandbox/ledger"
  [ -s "$sandbox/ledger" ]
}

pg_database_id() { pg_sql postgres -c "select oid from pg_database where datname = 'wiki'"; }
pg_start_time() { pg_sql postgres -c "select pg_postmaster_start_time()"; }
pg_database_is_new() { now=$(pg_database_id) && [ "$now" != "$(cat "$sandbox/ledger.database")" ]; }
pg_was_restarted() { now=$(pg_start_time) && [ "$now" != "$(cat "$sandbox/ledger.start")" ]; }

# Which rows of the ledger are not in a database, or not as they were. A server that does not run, or does not give a damaged page,
# still has what stands in its files: that is read from a copy, since a page that was read with its damage passes for good afterwards.
pg_gone() {
  pg_rows=$(pg_ledger "$1" 2>/dev/null) || pg_rows=$(pg_look pg_ledger "$1" 2>&1) ||
    { echo "not to be read: $(echo "$pg_rows" | grep -v WARNING | tail -n 1)"; return 1; }
  printf '%s\n' "$pg_rows" | LC_ALL=C sort | LC_ALL=C comm -23 "$sandbox/ledger" -
}

pg_spent() {
  pg_gone wiki >"$sandbox/ledger.spent"
  wc -l <"$sandbox/ledger.spent"
}

pg_kept() {
  touch "$sandbox/ledger.spent"
  gone=$(pg_gone "$1") || { echo "$gone"; return 1; }
  gone=$(printf '%s\n' "$gone" | LC_ALL=C comm -23 - "$sandbox/ledger.spent" | grep .) || { echo "every row that the fault left is there"; return 0; }
  printf '%s of %s rows are gone, or not as they were; the first: %s\n' "$(echo "$gone" | wc -l)" "$(wc -l <"$sandbox/ledger")" \
    "$(echo "$gone" | head -n 1 | cut -d '|' -f 1,2 | tr '|' ' ')"
  return 1
}

pg_look() (
  look=$sandbox/look
  rm -rf "$look"
  pg_folder "$look"
  if pg_running; then
    "$sandbox/bin/pg_basebackup" -h "$pg_socket" -U postgres -D "$look/data" -c fast -X stream --no-verify-checksums --no-sync || exit 1
  else
    cp -aL "$pg_data" "$look/data"
    rm -f "$look/data/postmaster.pid"
  fi
  "$sandbox/bin/pg_ctl" start -s -w -t 30 -D "$look/data" -l "$look/data/look.log" \
    -o "-c unix_socket_directories=$(quoted "$look") -c ignore_checksum_failure=on" >/dev/null || exit 1
  pg_socket=$look
  code=0
  "$@" || code=$?
  "$sandbox/bin/pg_ctl" stop -s -w -t 30 -D "$look/data" -m immediate
  rm -rf "$look"
  exit "$code"
)

# What a user feels: every page and every attachment opens, by its address and in the list, and a new page can be saved.
pg_check() {
  seen=$(pg_sql wiki 2>&1 <<'END'
set role wiki_app;
set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off;
create temp table listed as select id, slug, md5(body) as sum from pages;
select 'there is no page' where not exists (select from listed);
select 'attachment ' || id || ' belongs to a page that is not there' from attachments where page not in (select id from listed) limit 1;
set enable_indexscan = on; set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set enable_memoize = off;
select 'page ' || id || ' is listed, and does not open' from listed l
  where not exists (select from pages p where p.slug = l.slug and md5(p.body) = l.sum) limit 1;
begin;
insert into pages values (100001, 'probe', 'probe', 'probe', now());
select 'a saved page does not open' where not exists (select from pages where slug = 'probe');
rollback;
END
  ) || { echo "$seen" | grep -v WARNING | head -n 1; return 1; }
  if [ -n "$seen" ]; then echo "$seen" | head -n 1; return 1; fi
  gone=$(pg_gone wiki) || { echo "$gone"; return 1; }
  if [ -n "$gone" ]; then echo "a user misses something: $(echo "$gone" | head -n 1 | cut -d '|' -f 1,2 | tr '|' ' ')"; return 1; fi
  echo "every page opens, and a new one can be saved"
}

# The manifest has, for each table, its rows and the hash of its rows at the time of the backup, as restore-from-backup reads it.
pg_backup() {
  file=$sandbox/backup/$1.dump
  "$sandbox/bin/pg_dump" -Fc -h "$pg_socket" -U postgres -f "$file" wiki
  for table in $(pg_tables wiki); do
    pg_sql wiki -c "select 'public.$table ' || count(*) || ' ' || coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint::numeric), 0) from $table t"
  done >"$file.manifest"
  (cd "$sandbox/backup" && sha256sum "$1.dump" >"$1.dump.sha256")
  chmod 644 "$file" "$file.manifest" "$file.sha256"
  touch -d "@$(($(date +%s) - ${2:-0} * 60))" "$file"
}

# Whether somebody follows the log through the slot `archive`.
pg_follows() { [ "$(pg_sql postgres -c "select count(*) from pg_replication_slots where slot_name = 'archive' and active")" = 1 ]; }

pg_block() { printf '%s/%s\n' "$pg_data" "$(pg_sql "$1" -c "select pg_relation_filepath('$2')")"; }

# Where a text stands in a file, in bytes.
pg_find() { python3 -c 'import sys; print(open(sys.argv[1], "rb").read().index(sys.argv[2].encode()))' "$1" "$2"; }

# The server must be down: it would write its own copy over the change.
pg_flip() {
  if pg_running; then say "pg_flip: the server runs"; return 1; fi
  byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\$(printf %03o "$((255 - byte))")" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
