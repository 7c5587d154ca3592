#!/bin/sh
# Takes the place of the image of Redis: no port, a socket; `$@` are the arguments of the compose file.
set -eu
[ "${1:-}" != redis-server ] || shift
cd "$ROOT/data"
exec redis-server --port 0 --unixsocket "$NET/$SERVICE.sock" --daemonize no --dir "$ROOT/data" "$@"
