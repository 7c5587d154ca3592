#!/bin/sh
# client.sh SANDBOX DOCKER COMPOSE ARGUMENTS...: `docker`, with DOCKER the real one, on the sandbox's own engine; `docker
# compose` is COMPOSE. `docker stand-in oom SERVICE` has the kernel kill a container for memory, for real.
set -eu
sandbox=$1
docker=$2
compose=$3
shift 3
export DOCKER_BUILDKIT=0
unset DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES
# The socket lies in the engine's own /run, which only root reaches; so its path is short, wherever the sandbox lies.
engine=$(cut -d ' ' -f 1 "$sandbox/pids/engine" 2>/dev/null) || engine=none
export DOCKER_HOST="unix:///proc/$engine/root/run/docker.sock"

case ${1:-} in
  compose)
    shift
    exec $compose "$@" # one word, or two
    ;;
  stand-in)
    id=$("$docker" ps -q --no-trunc --filter "label=com.docker.compose.service=$3")
    [ -n "$id" ] || { echo "$3 does not run" >&2; exit 1; }
    case $2 in
      oom)
        # Its first process is the kernel's first choice, and what takes the memory ends with it.
        "$docker" update --memory 64m --memory-swap 64m "$id" >/dev/null
        "$docker" exec "$id" sh -c 'echo 1000 >/proc/1/oom_score_adj && exec python3 -c "bytearray(1 << 28)"' >/dev/null 2>&1 || :
        ;;
      hang) "$docker" kill -s USR1 "$id" >/dev/null ;;
      *) echo "docker stand-in knows oom and hang, and not $2" >&2; exit 1 ;;
    esac
    ;;
  *) exec "$docker" "$@" ;;
esac
