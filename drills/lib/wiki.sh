# shellcheck shell=sh
# The wiki: its stack, its pages with a ledger, and what its users would notice. Needs compose.sh.

wiki_make() {
  stack_begin
  cat >"$sandbox/stack/compose.yaml" <<YAML
services:
  docmost:
    container_name: wiki-docmost-1
    image: docmost/docmost:0.20.4
    depends_on:
      - db
      - redis
    environment:
      APP_URL: http://localhost:3000
      APP_SECRET: \${APP_SECRET}
      DATABASE_URL: postgresql://docmost:\${DB_PASSWORD}@db:5432/docmost?schema=public
      REDIS_URL: redis://redis:6379
    ports:
      - "127.0.0.1:$stack_port:3000"
    restart: unless-stopped
    volumes:
      - docmost:/app/data/storage
  db:
    container_name: wiki-db-1
    image: postgres:15
    environment:
      POSTGRES_DB: docmost
      POSTGRES_USER: docmost
      POSTGRES_PASSWORD: \${DB_PASSWORD}
    restart: unless-stopped
    volumes:
      - db_data:/var/lib/postgresql/data
  redis:
    container_name: wiki-redis-1
    image: redis:7.2-alpine
    command: redis-server --appendonly yes
    restart: ${wiki_redis_restart:-unless-stopped}
    volumes:
      - redis_data:/data
volumes:
  docmost:
  db_data:
  redis_data:
YAML
  (umask 077 && printf 'COMPOSE_PROJECT_NAME=wiki\nAPP_SECRET=%s\nDB_PASSWORD=%s\n' "$(wiki_random)$(wiki_random)" "$(wiki_random)" >"$sandbox/stack/.env")
  stack_serve
  stack_db_first
  compose up -d >&2
  stack_wait 60 wiki_healthy || { say "the wiki does not come up"; compose logs >&2; return 1; }
  psql_db -q -U docmost -d docmost <<'SQL'
INSERT INTO workspaces VALUES (1, 'Acme');
INSERT INTO users (email, password) VALUES ('ann@example.org', 'correct horse'), ('bob@example.org', 'battery staple');
INSERT INTO pages (id, title, content, updated_at)
  SELECT 'page-' || n, 'Page ' || n, md5(n::text) || repeat(' text', n % 50), now() FROM generate_series(1, 2000) n;
SQL
  wiki_ledger
  stack_note_volume wiki_db_data
}

# wiki_ledger: what is there now must not be lost from now on.
wiki_ledger() {
  wiki_rows >"$sandbox/ledger"
  for wiki_one in docmost db redis; do
    echo "$wiki_one $(docker_ inspect -f '{{.Id}}' "wiki-$wiki_one-1")"
  done >"$sandbox/ledger.containers"
}

wiki_random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

wiki_healthy() { curl -fsS -m 5 "$(stack_url)/api/health"; }

# wiki_post PATH JSON: with the token of a log-in, in a header that no list of processes shows.
wiki_post() {
  printf 'Authorization: Bearer %s\n' "${wiki_token:-none.none}" |
    curl -fsS -m 10 -H @- -H 'Content-Type: application/json' -d "$2" "$(stack_url)$1"
}

wiki_login() {
  wiki_token=$(wiki_post /api/auth/login '{"email": "ann@example.org", "password": "correct horse"}' |
    sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
  [ -n "$wiki_token" ]
}

# wiki_edit PAGE TEXT: what a person types; it is in the database only after the save window.
wiki_edit() { wiki_post /api/pages/update "{\"id\": \"$1\", \"content\": \"$2\"}" >/dev/null; }

# wiki_note PAGE TEXT: an edit that counts as the user's data from now on.
wiki_note() {
  wiki_login && wiki_edit "$1" "$2" || return 1
  printf '%s %s\n' "$1" "$2" >>"$sandbox/ledger.edits"
}

wiki_shows() { wiki_post /api/pages/info "{\"id\": \"$1\"}" | grep -qF "\"content\":\"$2\""; }

wiki_saved() {
  [ "$(psql_db -At -U docmost -d docmost -c "SELECT content FROM pages WHERE id = '$1'" </dev/null)" = "$2" ]
}

# wiki_check: a log-in, a known page, and an edit that is in the database after the save window.
wiki_check() {
  wiki_healthy >/dev/null 2>&1 || { echo "the wiki's health is red"; return 1; }
  wiki_login 2>/dev/null || { echo "nobody can log in"; return 1; }
  wiki_shows page-7 "$(printf 7 | md5sum | cut -d ' ' -f 1)$(printf ' text%.0s' 1 2 3 4 5 6 7)" || { echo "a known page does not show"; return 1; }
  wiki_probe=$(wiki_random)
  wiki_edit page-2000 "$wiki_probe" 2>/dev/null || { echo "an edit is refused"; return 1; }
  stack_wait 8 wiki_saved page-2000 "$wiki_probe" || { echo "an edit is not saved"; return 1; }
  echo "log-in, page and a saved edit are good"
}

# wiki_rows: one line a row of what must not be lost; page-2000 is the probe's.
wiki_rows() {
  psql_db -At -U docmost -d docmost <<'SQL'
SELECT 'user', id, email, md5(password) FROM users ORDER BY id;
SELECT 'page', id, md5(content) FROM pages WHERE id <> 'page-2000' ORDER BY id;
SELECT 'migration', name FROM kysely_migration ORDER BY name;
SQL
}

# wiki_kept: the ledger's rows are there, but for pages that users edited since; those hold the edit, saved or not yet.
wiki_kept() {
  if ! psql_db -At -U docmost -d docmost -c 'SELECT 1' </dev/null >/dev/null 2>&1; then
    wiki_control="$(stack_volume wiki_db_data)/PG_VERSION"
    [ -s "$wiki_control" ] || { echo "the database's files are gone"; return 1; }
    echo "the database does not run; its files are there"
    return 0
  fi
  wiki_now=$(wiki_rows) || { echo "the tables are gone"; return 1; }
  touch "$sandbox/ledger.edits"
  wiki_lost=$(printf '%s\n' "$wiki_now" | awk -F'[| ]' -v edits="$sandbox/ledger.edits" -v ledger="$sandbox/ledger" '
    FILENAME == edits { edited[$1] = 1; next }
    FILENAME == ledger { if (!($1 == "page" && $2 in edited)) want[$0] = 1; next }
    { delete want[$0] }
    END { for (row in want) lost++; print lost + 0 }' "$sandbox/ledger.edits" "$sandbox/ledger" -)
  [ "$wiki_lost" = 0 ] || { echo "$wiki_lost rows of the ledger are lost"; return 1; }
  wiki_login 2>/dev/null || :
  while read -r wiki_page wiki_text; do
    stack_wait 5 wiki_has "$wiki_page" "$wiki_text" || { echo "an edit of $wiki_page is lost"; return 1; }
  done <"$sandbox/ledger.edits"
  echo "all rows and edits are there"
}

wiki_has() { wiki_saved "$1" "$2" || wiki_shows "$1" "$2"; }

# wiki_refused: the wiki's log says that its password is not taken.
wiki_refused() { compose logs --no-log-prefix --tail 5 docmost </dev/null | grep -q 'password authentication failed'; }

# wiki_note_loop: remember how often it was begun by somebody, and not by its restart policy; wiki_begun_anew: it was once more
# since, as the same container. Docker counts from 0 after that, and its log goes on. A start that is not in the log yet is
# missing from what was counted, so one more is noted. wiki_loops: it was begun often enough by its policy to tell.
wiki_note_loop() { stack_note wiki-docmost-1 && echo $(($(wiki_begun) + 1)) >"$sandbox/ledger.begun"; }
wiki_begun_anew() { ! stack_recreated wiki-docmost-1 && [ "$(wiki_begun)" -gt "$(cat "$sandbox/ledger.begun")" ]; }
wiki_begun() {
  wiki_starts=$(compose logs --no-log-prefix docmost </dev/null | grep -c 'Starting Nest application')
  echo $((wiki_starts - $(wiki_restarts)))
}
wiki_restarts() { docker_ inspect -f '{{.RestartCount}}' wiki-docmost-1; }
wiki_loops() { [ "$(wiki_restarts)" -ge 2 ]; }

# wiki_safe SERVICE...: these are still the containers that were made, and run since then or were started once more.
wiki_safe() {
  for wiki_one in "$@"; do
    wiki_id=$(docker_ inspect -f '{{.Id}}' "wiki-$wiki_one-1" 2>/dev/null) || wiki_id=none
    [ "$wiki_id" = "$(sed -n "s/^$wiki_one //p" "$sandbox/ledger.containers")" ] ||
      { echo "the container of $wiki_one was made anew"; return 1; }
  done
  echo "nothing else was touched"
}

# wiki_untouched: nothing was started, stopped or made anew since `wiki_began`.
wiki_began() { for wiki_one in docmost db redis; do docker_ inspect -f '{{.Id}} {{.State.StartedAt}}' "wiki-$wiki_one-1"; done; }
wiki_untouched() {
  [ "$(wiki_began 2>/dev/null)" = "$(cat "$sandbox/ledger.began")" ] || { echo "a container was restarted, though nothing was wrong"; return 1; }
  echo "nothing was touched"
}

# wiki_verifier: what the server keeps of the wiki's password.
wiki_verifier() { psql_db -At -U docmost -d docmost -c "SELECT rolpassword FROM pg_authid WHERE rolname = 'docmost'" </dev/null; }
