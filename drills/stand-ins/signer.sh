# shellcheck shell=sh
# Takes the place of docker for a project of drills/lib/signer.sh, whose services all take their environment from one file:
# docker compose -f FILE up -d SERVICE... | restart [SERVICE...] | exec -T SERVICE printenv KEY | ps | logs SERVICE | down [-v]
# A container has the variables that it was made with: `up` makes it anew where the file changed, `restart` does not.

: "${sandbox:?}" "${drills:?}"
# shellcheck source=/dev/null
. "$drills/lib/sandbox.sh"
cd "$sandbox" || exit 1

serve() {
  stop "$1"
  port=$(sed -n "s/^$1 //p" ports)
  start "$1" env "$(grep '^APP_SECRET=' "container.$1")" python3 "$drills/stand-ins/signer.py" "$port" "$sandbox/volume"
  wait_for 3 curl -fsS "http://127.0.0.1:$port/" || :
}

all() { cut -d ' ' -f 1 ports; }

[ "${1-} ${2-}" = "compose -f" ] || { echo "this docker knows compose -f FILE only" >&2; exit 1; }
what=$4
shift 4
case $what in
  up)
    [ "${1-}" = -d ] || { echo "this docker knows up -d only" >&2; exit 1; }
    shift
    mkdir -p volume
    for service in "$@"; do
      grep -q "^$service " ports || { echo "no such service: $service" >&2; exit 1; }
      if cmp -s wiki.env "container.$service" && running "$service"; then continue; fi
      cp -p wiki.env "container.$service"
      serve "$service"
    done
    ;;
  restart)
    # shellcheck disable=SC2046
    [ "$#" -gt 0 ] || set -- $(all)
    for service in "$@"; do serve "$service"; done
    ;;
  exec) running "$2" && [ "$1 $3" = "-T printenv" ] && sed -n "s/^$4=//p" "container.$2" | grep . ;;
  ps) for service in $(all); do if running "$service"; then echo "$service  Up"; else echo "$service  Exited (1)"; fi; done ;;
  logs) cat "log.$1" ;;
  down)
    for service in $(all); do stop "$service"; rm -f "container.$service"; done
    if [ "${1-}" = -v ]; then rm -rf volume; fi
    ;;
  *) echo "this docker does not know $what" >&2; exit 1 ;;
esac
