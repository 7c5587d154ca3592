# shellcheck shell=sh
# A real Docker engine that is the sandbox's own, for compose.sh; stand-ins/engine.sh keeps it apart from the machine. Its
# images are made of this machine's programs: real PostgreSQL, real Redis, and Python for the stand-ins of the applications.
: "${sandbox:?}" "${drills:?}"
PATH=$PATH:/usr/sbin:/sbin

# engine_lacks: says why no engine can be started here, as far as can be seen before it is tried, and fails where one can.
engine_lacks() {
  [ "$(id -u)" = 0 ] || { echo "only root can start an engine"; return; }
  for engine_one in dockerd:docker.io docker:docker-cli iptables:iptables unshare:util-linux; do
    command -v "${engine_one%:*}" >/dev/null || { echo "there is no ${engine_one%:*}: apt-get install ${engine_one#*:}"; return; }
  done
  [ -n "$(engine_compose)" ] || { echo "there is no docker compose: apt-get install docker-compose"; return; }
  [ -x /usr/bin/python3 ] || { echo "there is no /usr/bin/python3: apt-get install python3"; return; }
  [ -d /sys/fs/cgroup/memory ] || [ -f /sys/fs/cgroup/cgroup.controllers ] || { echo "no control groups are mounted"; return; }
  return 1
}

# engine_compose: what `docker compose` is here; Debian 12 has the program only.
engine_compose() {
  if docker compose version >/dev/null 2>&1; then
    echo "$(command -v docker) compose"
  else
    command -v docker-compose || :
  fi
}

# engine_begin: the client, the engine and its images. Fails where one of them cannot be, and then leaves nothing.
engine_begin() {
  mkdir -p "$sandbox/docker"
  printf '#!/bin/sh\nexec sh %s %s %s %s "$@"\n' "$(quoted "$drills/stand-ins/client.sh")" "$(quoted "$sandbox")" \
    "$(quoted "$(command -v docker)")" "$(quoted "$(engine_compose)")" >"$sandbox/bin/docker"
  chmod 755 "$sandbox/bin/docker"
  engine_serve && engine_images && docker_ run --rm holdpoint/programs /bin/sh -c : </dev/null >&2 && return 0
  engine_end
  return 1
}

# engine_group: the name of its control groups, all that it has outside of its folder and its namespaces.
engine_group() { echo "holdpoint-drill-${HOLDPOINT_DRILL%/}"; }

# engine_serve: start it; containers that ran come up again, as their restart policy says.
engine_serve() {
  start engine unshare --mount --net --pid --fork --kill-child --mount-proc \
    sh "$drills/stand-ins/engine.sh" "$sandbox/docker" "$(engine_group)"
  stack_wait 30 engine_answers_or_ended || :
  docker_ version >/dev/null 2>&1 || { say "the engine did not start:"; tail -n 3 "$sandbox/log.engine" >&2; return 1; }
  start relay /usr/bin/python3 "$drills/stand-ins/relay.py" "${stack_port:-$(stack_url | sed 's/.*://')}" "$(pid_of engine)"
}
engine_answers_or_ended() { docker_ version || ! running engine; }

# engine_crash: everything in it ends at once, as in a power cut.
engine_crash() {
  stop relay KILL
  stop engine KILL
  stack_wait 30 engine_given_back
}

# engine_end: from any moment, and twice.
engine_end() {
  engine_crash || say "control groups of $(engine_group) cannot be removed"
  rm -rf "$sandbox/docker/root"
}

# engine_given_back: its control groups are removed; that works only once every process in them is gone.
engine_given_back() {
  engine_left=0
  for engine_one in /sys/fs/cgroup/*/"$(engine_group)" "/sys/fs/cgroup/$(engine_group)"; do
    [ ! -d "$engine_one" ] || find "$engine_one" -depth -type d -exec rmdir {} + 2>/dev/null || engine_left=1
  done
  return "$engine_left"
}

engine_volume() { echo "$sandbox/docker/root/volumes/$1/_data"; }

# engine_images: one layer with all programs, and on it each image as its name, environment and command.
engine_images() {
  engine_tree "$sandbox/docker/tree" || return 1
  /usr/bin/python3 "$drills/stand-ins/programs.py" "${stack_pg:?}" >"$sandbox/docker/files" || return 1
  tar -C / -c --no-recursion -T "$sandbox/docker/files" -C "$sandbox/docker/tree" --recursion . |
    docker_ import -c 'USER nobody' -c "ENV PATH=$stack_pg:/usr/local/bin:/usr/bin:/bin" - holdpoint/programs >/dev/null || return 1
  engine_image postgres:15 <<'DOCKERFILE'
ENV PGDATA=/var/lib/postgresql/data PGHOST=/run/postgresql
STOPSIGNAL SIGINT
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["/bin/sh", "/stand-ins/postgres.sh"]
DOCKERFILE
  engine_image redis:7.2-alpine <<'DOCKERFILE'
VOLUME /data
ENTRYPOINT ["/bin/sh", "/stand-ins/redis.sh"]
CMD ["redis-server"]
DOCKERFILE
  for engine_one in 0.20.4 0.21.0; do
    engine_image "docmost/docmost:$engine_one" <<DOCKERFILE
ENV IMAGE=docmost/docmost:$engine_one SERVICE=0.0.0.0 BOOT_INTERVAL=0.2 SAVE_AFTER=3
ENTRYPOINT ["/usr/bin/python3", "/stand-ins/wiki.py"]
DOCKERFILE
  done
  for engine_one in 1.30.1 1.31.0; do
    engine_image "baserow/backend:$engine_one" <<DOCKERFILE
ENV IMAGE=baserow/backend:$engine_one SERVICE=0.0.0.0 BOOT_INTERVAL=0.3 BEAT_INTERVAL=2
HEALTHCHECK --interval=3s CMD ["/usr/bin/python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/api/_health/', timeout=5)"]
ENTRYPOINT ["/usr/bin/python3", "/stand-ins/nocode.py"]
CMD ["backend"]
DOCKERFILE
  done
}

# engine_image NAME: what is read are the lines after the first of a Dockerfile.
engine_image() { { echo "FROM holdpoint/programs"; cat; } | docker_ build -q -t "$1" - >/dev/null 2>"$sandbox/docker/build"; }

# engine_tree FOLDER: what the images have besides programs: folders, users, and the stand-ins.
engine_tree() {
  mkdir -p "$1/etc" "$1/tmp" "$1/data" "$1/run/postgresql" "$1/var/lib/postgresql/data" "$1/baserow/backend/docker" \
    "$1/stand-ins"
  for engine_one in bin sbin lib lib64; do
    [ ! -L "/$engine_one" ] || ln -sf "usr/$engine_one" "$1/$engine_one"
  done
  ln -sf ../run "$1/var/run"
  cp "$drills"/stand-ins/*.* "$1/stand-ins"
  printf 'root:x:0:0::/root:/bin/sh\nnobody:x:%s:%s::/:/bin/sh\n' "$(id -u nobody)" "$(id -g nobody)" >"$1/etc/passwd"
  printf 'hosts: files dns\n' >"$1/etc/nsswitch.conf"
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec /usr/bin/python3 /stand-ins/nocode.py "$@"\n' >"$1/baserow/backend/docker/docker-entrypoint.sh"
  chmod 755 "$1/baserow/backend/docker/docker-entrypoint.sh"
  chmod -R a+rX "$1"
  chmod 1777 "$1/tmp"
  chown -R "nobody:$(id -gn nobody)" "$1/data" "$1/run/postgresql" "$1/var/lib/postgresql"
  chmod 700 "$1/var/lib/postgresql/data"
}
