# The shell in which a step that reads is executed; its text arrives through standard input, and nothing is started
# before all of it is there. Between at signs stands what the client puts in.
#
# This shell becomes the step's own, so its end is the step's end. Beside it goes a guard that is not its child: it reads
# what the client wants, and standard input is at its end when the client is gone, or once the step has ended, for then
# the server closes it. In each case it ends what is left of the step, and as long as it lives the streams stay open: so
# when they are at their end, so is all of the step. Wants a POSIX shell; /proc is used where it is.
{
  exec 9<&0
  (
    {
      trap : HUP INT QUIT TERM PIPE
      exec </dev/null
      me='' group='' session=''
      { read -r me _ </proc/self/stat; } 2>/dev/null
      { read -r line </proc/self/stat; } 2>/dev/null && line=${line##*) } && set -- $line && group=$3 session=$4
      { read -r began _ </proc/uptime; } 2>/dev/null || began=0

      # Sets `left` to what lives of the step: its group, its session, and who carries its cookie. Process ids younger
      # than the step's shell are enough where they cannot have gone round.
      look() {
        left='' others='' first=$(($$ - 1)) last=0 now=0
        if [ -z "$group" ]; then
          group=$(ps -o pgid= -p $$ 2>/dev/null) || return
          left=$(ps -A -o pid= -o pgid= -o stat= | while read -r pid its state; do
            case $state.$pid in Z* | *."$PPID") ;; *) [ "$its" = $group ] && [ "$pid" != "$me" ] && echo "$pid" ;; esac
          done)
          return
        fi
        { read -r _ _ _ _ last </proc/loadavg; } 2>/dev/null
        { read -r now _ </proc/uptime; } 2>/dev/null
        if [ "$last" = "$me" ] && [ ! -e /proc/$$ ]; then return; fi
        if [ "$last" -lt $$ ] || [ $((${now%.*} - ${began%.*})) -gt 5 ]; then first=0; fi
        if [ "$first" -gt 0 ] && [ $((last - first)) -lt 200 ]; then
          pid=$first
          while [ "$pid" -lt "$last" ]; do
            pid=$((pid + 1))
            [ ! -e "/proc/$pid" ] || judge
          done
        else
          for place in /proc/[0-9]*; do
            pid=${place#/proc/}
            [ "$pid" -le "$first" ] || judge
          done
        fi
        [ -n "$others" ] || return 0
        for place in $(grep -l -F 'HOLDPOINT_TOKEN=@MARK@/' $others 2>/dev/null); do
          place=${place#/proc/} pid=${place%/environ}
          { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
          case ${line##*) } in Z* | X*) ;; *) left="$left $pid" ;; esac
        done
      }

      judge() { # PID in `pid`
        case $pid in "$me" | "$PPID") return ;; esac
        { read -r line <"/proc/$pid/stat"; } 2>/dev/null || return
        set -- ${line##*) }
        case $1 in Z | X) return ;; esac
        if [ "$3" = "$group" ] || [ "$4" = "$session" ]; then left="$left $pid"
        else others="$others /proc/$pid/environ"; fi
      }

      end_all() { # GRACE, in milliseconds
        look
        [ -n "$left" ] || exit 0
        kill -s TERM $left 2>/dev/null
        waited=0
        while [ "$waited" -lt "$1" ]; do
          sleep 0.05 2>/dev/null || sleep 1
          waited=$((waited + 50))
          look
          [ -n "$left" ] || exit 0
        done
        waited=0
        while [ "$waited" -lt 200 ]; do
          kill -s KILL $left 2>/dev/null
          sleep 0.05 2>/dev/null || sleep 1
          waited=$((waited + 1))
          look
          [ -n "$left" ] || exit 0
        done
        exit 0
      }

      wish='' grace=''
      read -r wish grace <&9
      exec 9<&-
      case $grace in '' | *[!0-9]*) grace=@GRACE@ ;; esac
      end_all "$grace"
    } &
  )
  exec </dev/null 9<&-
  { CDPATH='' cd -- "${HOME:-/}" || cd /; } >/dev/null 2>&1
  machine=''
  { read -r machine <"${HOLDPOINT_MACHINE_ID:-/etc/machine-id}"; } 2>/dev/null
  [ -n "$machine" ] || { read -r machine </var/lib/dbus/machine-id; } 2>/dev/null
  printf '\n@NONCE@\n%s\n' "${machine:--}"
  printf '\n@NONCE@\n' >&2
  case @MACHINE@ in '' | "${machine:--}") unset machine ;; *) exit 1 ;; esac
  HOLDPOINT_TOKEN=@MARK@/
  export HOLDPOINT_TOKEN
  eval @SCRIPT@
  exit
}
