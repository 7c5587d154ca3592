# shellcheck shell=sh
# A PostgreSQL cluster of the sandbox's own whose roles have passwords, and applications that log in to it.
#
# Over the socket the server trusts everybody, as it does inside the usual container image; over 127.0.0.1 it wants a
# password. It logs DDL, as many servers do. `pg` is the folder: data, socket, and log in data/log.

# shellcheck disable=SC2154
pg=$sandbox/pg

# make_cluster: a running server with the database `wiki`, an administrator `postgres`, and 2,000 pages.
make_cluster() {
  bin=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n 1)
  if [ -z "$bin" ]; then bin=$(command -v postgres) || { say "PostgreSQL's server is not installed"; return 1; }; fi
  bin=$(dirname "$(readlink -f "$bin")")
  pg_port=$(free_port)
  printf 'pg_bin=%s\npg_host=%s\npg_port=%s\nlogin_host=127.0.0.1\nlogin_port=%s\ndb=wiki\n' "$bin" "$pg/socket" "$pg_port" "$pg_port" \
    >>"$sandbox/values"
  mkdir -p "$pg/socket"
  # the way there has to be open for the server's user, and nothing more
  chmod 711 "$sandbox"
  chmod 700 "$pg/socket"
  own "$pg"
  as_user "$bin/initdb" -D "$pg/data" -U postgres -A trust -E UTF8 --locale C --no-sync >"$sandbox/log.initdb"
  as_user tee -a "$pg/data/postgresql.conf" >/dev/null <<END
listen_addresses = '127.0.0.1'
port = $pg_port
unix_socket_directories = '$(doubled "$pg/socket")'
unix_socket_permissions = 0700
fsync = off
dynamic_shared_memory_type = mmap
logging_collector = on
log_directory = 'log'
log_filename = 'server.log'
log_connections = on
log_statement = ddl
END
  printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' | as_user tee "$pg/data/pg_hba.conf" >/dev/null
  start_cluster
  admin -d postgres -c 'create database wiki'
}

cluster_value() { sed -n "s/^$1=//p" "$sandbox/values" | tail -n 1; }

start_cluster() {
  bin=$(cluster_value pg_bin)
  # (pg_ctl hands its paths to a shell, between quotes in which that expands them)
  (cd "$pg" && as_user "$bin/pg_ctl" -D data -w -t 30 -l start.log start </dev/null >/dev/null)
  note_process postgres "$(head -n 1 "$pg/data/postmaster.pid")"
}

# As a power cut would: nothing is said to anybody.
crash_cluster() {
  stop postgres QUIT
  start_cluster
}

# admin [OPTIONS...]: psql as the administrator, over the trusted socket.
admin() {
  "$(cluster_value pg_bin)/psql" -X -q -A -t -w -v ON_ERROR_STOP=1 -h "$pg/socket" -p "$(cluster_value pg_port)" -U postgres -d wiki "$@"
}

# set_password ROLE: the password is read from standard input. Quietly, so that a drill's own log is as clean as it should be.
set_password() {
  read -r word
  printf "set log_statement = none; alter role %s password '%s';\n" "$1" "$word" | admin
}

# new_word: a password of 30 letters and digits.
new_word() { od -An -N 15 -tx1 /dev/urandom | tr -d ' \n'; echo; }

# login ROLE PASSWORD: whether a new session is let in over 127.0.0.1; `said` is what the server answered.
login() {
  said=$(PGPASSWORD=$2 PGCONNECT_TIMEOUT=5 "$(cluster_value pg_bin)/psql" -X -q -A -t -w -h 127.0.0.1 -p "$(cluster_value login_port)" -U "$1" -d wiki \
    -c 'select current_user' 2>&1)
}

# make_tables OWNER: what the applications work on, and the ledger of it.
make_tables() {
  admin -v owner="$1" <<'END'
set role :"owner";
create table pages (id int primary key, text text not null);
insert into pages select n, md5('page ' || n) from generate_series(1, 2000) n;
create table visits (id bigint generated always as identity primary key, who text not null, at timestamptz not null default now());
END
  ledger >"$sandbox/ledger"
}

ledger() { admin -c "select count(*), md5(string_agg(id || text, ',' order by id)) from pages"; }

ledger_kept() {
  now=$(ledger) || { echo "the pages cannot be read"; return 1; }
  if [ "$now" = "$(cat "$sandbox/ledger")" ]; then echo "all pages are there"; else echo "pages were: $(cat "$sandbox/ledger"), are: $now"; return 1; fi
}

# app NAME env|url ROLE PASSWORD: an application that keeps two sessions open, its file NAME.env, its line in the list.
app() {
  file=$sandbox/$1.env http=$(free_port) port=$(cluster_value login_port)
  {
    printf '# settings of %s\nNAME=%s\nHTTP_PORT=%s\nPOOL=2\nPSQL=%s/psql\n' "$1" "$1" "$http" "$(cluster_value pg_bin)"
    if [ "$2" = env ]; then
      printf 'DB_HOST=127.0.0.1\nDB_PORT=%s\nDB_NAME=wiki\nDB_USER=%s\nDB_PASSWORD="%s"\n' "$port" "$3" "$4"
    else
      printf 'DATABASE_URL=postgresql://%s:%s@127.0.0.1:%s/wiki\n' "$3" "$4" "$port"
    fi
  } >"$file"
  chmod 600 "$file"
  if [ "$2" = env ]; then how="env DB_USER DB_PASSWORD $file"; else how="url DATABASE_URL $file"; fi
  printf '%s | %s | %s %s | %s %s/page\n' "$1" "$how" "$(quoted "$sandbox/reload")" "$1" "$(quoted "$sandbox/visit")" "$http" \
    >>"$sandbox/consumers"
  start_app "$1"
}

start_app() {
  # shellcheck disable=SC2154
  start "$1" python3 "$drills/stand-ins/pooled.py" "$sandbox/$1.env"
  until visit "$1" page >/dev/null 2>&1; do
    if ! running "$1"; then say "$1 does not start: $(tail -n 1 "$sandbox/log.$1")"; return 1; fi
    sleep 0.1
  done
}

# visit NAME page|new: what a user of that application sees.
visit() { "$sandbox/visit" "$(sed -n 's/^HTTP_PORT=//p' "$sandbox/$1.env")/$2"; }

# job ROLE PASSWORD: a nightly job `dump` that holds no session, and keeps its password in a file that a command sets.
job() {
  cat >"$sandbox/set-dump" <<END
#!/bin/sh
# Reads a role and a password, each on a line.
sandbox=$(quoted "$sandbox")
read -r role && read -r word || exit 1
umask 077
printf '127.0.0.1:*:wiki:%s:%s\n' "\$role" "\$word" >"\$sandbox/dump.pgpass.new" && mv "\$sandbox/dump.pgpass.new" "\$sandbox/dump.pgpass"
END
  cat >"$sandbox/run-dump" <<END
#!/bin/sh
sandbox=$(quoted "$sandbox")
role=\$(cut -d : -f 4 "\$sandbox/dump.pgpass")
PGPASSFILE="\$sandbox/dump.pgpass" exec "$(cluster_value pg_bin)/pg_dump" -w -h 127.0.0.1 -p "$(cluster_value login_port)" -U "\$role" -f "\$sandbox/dump.sql" wiki
END
  chmod 755 "$sandbox/set-dump" "$sandbox/run-dump"
  printf '%s\n%s\n' "$1" "$2" | "$sandbox/set-dump"
  printf 'dump | run %s | true | %s\n' "$(quoted "$sandbox/set-dump")" "$(quoted "$sandbox/run-dump")" >>"$sandbox/consumers"
}

# make_apps ROLE PASSWORD: three applications and a job that log in with it, and the programs that they come with.
make_apps() {
  cat >"$sandbox/visit" <<'END'
#!/bin/sh
# visit PORT/PATH: what the application answers, which ends with 0 only where that is no error.
curl -s -m 10 --fail-with-body "http://127.0.0.1:$1" && exit 0
[ "$?" = 22 ] || echo "nobody answers at $1"
exit 1
END
  cat >"$sandbox/reload" <<END
#!/bin/sh
# reload NAME: as a supervisor does, it starts one that is down.
sandbox=$(quoted "$sandbox") drills=$(quoted "$drills")
. "\$drills/lib/sandbox.sh"
. "\$drills/lib/roles.sh"
if running "\$1"; then kill -s HUP "\$(pid_of "\$1")"; else start_app "\$1"; fi
END
  chmod 755 "$sandbox/visit" "$sandbox/reload"
  echo '# name | how its secret is set | how it reloads | how one sees that it works' >"$sandbox/consumers"
  app wiki env "$1" "$2"
  app worker env "$1" "$2"
  app bridge url "$1" "$2"
  job "$1" "$2"
  printf 'consumers=%s\nsettle=10\n' "$sandbox/consumers" >>"$sandbox/values"
}

# Every user is served, also one who needs a session more; and the nightly job gets through.
all_served() {
  for one in wiki worker bridge; do
    for page in page new; do
      if ! said=$(visit "$one" "$page" 2>&1); then echo "$one, /$page: $(printf %s "$said" | tail -n 1)"; return 1; fi
    done
  done
  if ! said=$("$sandbox/run-dump" 2>&1); then echo "the nightly dump: $(printf %s "$said" | head -n 1)"; return 1; fi
}

restart_all() {
  crash_cluster
  restart_apps
}

restart_apps() {
  for one in wiki worker bridge; do
    stop "$one" KILL
    # one that does not come up is seen by the check
    start_app "$one" || :
  done
}

# change_over ROLE PASSWORD: give it to every consumer by hand, and have them reload.
change_over() {
  for one in wiki worker; do
    sed "s/^DB_USER=.*/DB_USER=$1/; s/^DB_PASSWORD=.*/DB_PASSWORD=$2/" "$sandbox/$one.env" >"$sandbox/new.env"
    cat "$sandbox/new.env" >"$sandbox/$one.env"
  done
  sed "s#//.*@#//$1:$2@#" "$sandbox/bridge.env" >"$sandbox/new.env"
  cat "$sandbox/new.env" >"$sandbox/bridge.env"
  rm -f "$sandbox/new.env"
  printf '%s\n%s\n' "$1" "$2" | "$sandbox/set-dump"
  for one in wiki worker bridge; do "$sandbox/reload" "$one"; done
  wait_for 10 visit wiki new && wait_for 10 visit worker new && wait_for 10 visit bridge new
}

# end_sessions ROLE
end_sessions() { admin -c "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '$1'" >/dev/null; }

# asks_for_password: over the way of the applications, a wrong one is refused.
asks_for_password() {
  if login "$1" "wrong-$(new_word)"; then echo "the server lets $1 in with any password"; return 1; fi
}

# give_words OLD NEW: what the runbook takes from the environment.
give_words() { printf 'HOLDPOINT_OLD_PASSWORD=%s\nHOLDPOINT_NEW_PASSWORD=%s\n' "$1" "$2" >"$sandbox/environment"; chmod 600 "$sandbox/environment"; }

old_word() { sed -n 's/^HOLDPOINT_OLD_PASSWORD=//p' "$sandbox/environment"; }
new_word_given() { sed -n 's/^HOLDPOINT_NEW_PASSWORD=//p' "$sandbox/environment"; }

# No password, old or new, stands in the server's log.
log_has_no_word() {
  if { old_word; new_word_given; } | grep -qF -f - -r "$pg/data/log"; then echo "a password stands in the server's log"; return 1; fi
}

# was_tested_inside ROLE: somebody logged in as that role over the server's own socket, by the server's log.
was_tested_inside() {
  awk -v role="$1" '
    match($0, /\[[0-9]+\]/) { pid = substr($0, RSTART, RLENGTH) }
    /connection received: / { inside[pid] = /host=\[local\]/ }
    index($0, "connection authorized: user=" role " ") && inside[pid] { found = 1 }
    END { exit !found }' "$pg/data/log/server.log"
}

heal_roles() {
  for one in wiki worker bridge intruder; do stop "$one" || :; done
  # a number in a file may be another process's by now; a server works in its data folder
  if pid=$(head -n 1 "$pg/data/postmaster.pid" 2>/dev/null) && [ "$(readlink "/proc/$pid/cwd")" = "$pg/data" ]; then
    note_process postgres "$pid"
  fi
  stop postgres INT || :
  end_all
}

# may_log_in ROLE
may_log_in() { [ "$(admin -c "select rolcanlogin from pg_roles where rolname = '$1'")" = t ]; }
