# shellcheck shell=sh
# An application that signs its sessions with a secret from its environment, made by a stand-in for docker in "$sandbox/docker".
# The wiki answers `/login/NAME` and `/me/SESSION`; what other services of the project sign, it has to let in as well.
#
#   signer_make SERVICE...      its files, its secrets (the one in use and a new one), and the services, which run
#   signer_new, signer_old      print the secrets
#   signer_put SECRET           puts one into the file, and makes no container anew
#   signer_check [SECRET...]    what users feel, and whether a session that is signed with one of these secrets is let in
#   signer_note, signer_was_restarted SERVICE    remembers what runs; whether that service was begun anew since, with the same variables
#   signer_kept, signer_safe    whether the pages are there; whether the file has its other settings and its mode

: "${sandbox:?}" "${drills:?}"

signer_word() { od -An -N 20 -tx1 /dev/urandom | tr -d ' \n'; }
signer_new() { sed -n 's/^HOLDPOINT_NEW_SECRET=//p' "$sandbox/environment"; }
signer_old() { cat "$sandbox/old-secret"; }

signer_make() {
  mkdir volume
  seq -f 'page %.0f' 1 2000 >volume/pages
  sha256sum volume/pages >ledger
  signer_word >old-secret
  printf 'HOLDPOINT_NEW_SECRET=%s\n' "$(signer_word)" >environment
  echo 'services:' >compose.yaml
  for service in "$@"; do
    echo "$service $(free_port)" >>ports
    printf '  %s:\n    env_file: wiki.env\n    volumes: ["./volume:/data"]\n' "$service" >>compose.yaml
  done
  printf 'url=%s\n' "$(signer_url wiki)" >values
  printf '# settings of the wiki\nAPP_URL=%s\nAPP_SECRET=%s\nMAIL_FROM=wiki@example.org\n' "$(signer_url wiki)" "$(signer_old)" >wiki.env
  chmod 600 environment wiki.env old-secret
  printf '#!/bin/sh\nsandbox=%s drills=%s\n. "$drills/stand-ins/signer.sh"\n' "$(quoted "$sandbox")" "$(quoted "$drills")" >docker
  chmod 755 docker
  ./docker compose -f compose.yaml up -d "$@"
}

signer_url() { printf 'http://127.0.0.1:%s\n' "$(sed -n "s/^$1 //p" "$sandbox/ports")"; }

signer_put() {
  sed "s/^APP_SECRET=.*/APP_SECRET=$1/" wiki.env >new.env
  cat new.env >wiki.env
  rm new.env
}

signer_sign() {
  printf %s "$1" | python3 -c 'import hashlib, hmac, sys; k = sys.stdin.buffer.read(); print("scanner." + hmac.new(k, b"scanner", hashlib.sha256).hexdigest())'
}

signer_check() {
  mine=$(curl -fsS "$(signer_url wiki)/login/anna" 2>&1) || { echo "nobody can log in: $mine"; return 1; }
  while read -r service _; do
    given=$(curl -fsS "$(signer_url "$service")/login/anna" 2>&1) || { echo "$service does not answer: $given"; return 1; }
    curl -fsS -o /dev/null "$(signer_url wiki)/me/$given" 2>/dev/null || { echo "what $service just signed is refused"; return 1; }
  done <ports
  for secret in "$@"; do
    if curl -fsS -o /dev/null "$(signer_url wiki)/me/$(signer_sign "$secret")" 2>/dev/null; then
      echo "a session that a stranger signed is let in"
      return 1
    fi
  done
  echo "people can log in, and what is signed is let in"
}

signer_kept() {
  if [ -d volume ] && sha256sum --quiet -c ledger 2>&1; then echo "all pages are there"; else echo "the pages are not as they were"; return 1; fi
}

signer_safe() {
  [ "$(stat -c %a wiki.env)" = 600 ] || { echo "others can read the file with the secret"; return 1; }
  for line in "APP_URL=$(signer_url wiki)" MAIL_FROM=wiki@example.org; do
    grep -qxF "$line" wiki.env || { echo "a setting is gone: ${line%%=*}"; return 1; }
  done
}

signer_note() {
  rm -rf ledger.ran && mkdir ledger.ran
  cp pids/* container.* ledger.ran
}
signer_was_restarted() { cmp -s "container.$1" "ledger.ran/container.$1" && ! cmp -s "pids/$1" "ledger.ran/$1"; }
