#!/bin/sh
# Takes the place of the image of Redis; `$@` are the arguments of the compose file. In a process that takes the place of a
# container (`NET`): no port, a socket.
set -eu
[ "${1:-}" != redis-server ] || shift
[ -n "${NET:-}" ] || exec redis-server --protected-mode no --dir /data "$@"
cd "$ROOT/data"
exec redis-server --port 0 --unixsocket "$NET/$SERVICE.sock" --daemonize no --dir "$ROOT/data" "$@"
