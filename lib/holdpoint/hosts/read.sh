# The shell on a target that executes the steps that read, one after the other; its text arrives through standard input,
# and nothing is started before all of it is there. Between at signs stands what the client puts in.
#
# A guard reads what the client sends, and hands the text of a step to a worker beside it, which has a fresh shell execute
# it and says how it ended and whether anything of it is left. Where the client wants the end of a step, or is gone, which
# ends standard input, the guard ends what is left of it. What they say stands in lines that begin with a record separator
# and a nonce, on both streams. Wants a POSIX shell; /proc is used where it is. No name here may be one that a user exports.
{
  exec 9<&0 8>&1 7>&2 </dev/null
  trap : HUP INT QUIT TERM PIPE
  hp_group='' hp_session=''
  { read -r hp_line </proc/self/stat; } 2>/dev/null && hp_line=${hp_line##*) } && set -- $hp_line && hp_group=$3 hp_session=$4

  hp_mark() { printf '\036%s\n' "$*" >&8; printf '\036%s\n' "$*" >&7; }

  hp_who_am_i() { { read -r hp_me _ </proc/self/stat; } 2>/dev/null || hp_me=$(exec sh -c 'echo $PPID'); }

  # Sets `hp_left` to what lives of the step: the group, the session, and who carries its cookie, apart from this shell's
  # own. Process ids younger than FIRST are enough where they cannot have gone round.
  hp_look() { # NONCE, FIRST, BEGAN in seconds
    hp_left='' hp_others='' hp_first=$2 hp_last=0 hp_now=0
    [ -n "$hp_group" ] || { hp_ask_ps; return; }
    { read -r _ _ _ _ hp_last </proc/loadavg; } 2>/dev/null
    { read -r hp_now _ </proc/uptime; } 2>/dev/null
    if [ "$hp_last" -lt "$hp_first" ] || [ $((${hp_now%.*} - ${3%.*})) -gt 5 ]; then hp_first=0; fi
    if [ "$hp_first" -gt 0 ] && [ $((hp_last - hp_first)) -lt 200 ]; then
      hp_pid=$hp_first
      while [ "$hp_pid" -lt "$hp_last" ]; do
        hp_pid=$((hp_pid + 1))
        [ ! -e "/proc/$hp_pid" ] || hp_judge
      done
    else
      for hp_place in /proc/[0-9]*; do
        hp_pid=${hp_place#/proc/}
        [ "$hp_pid" -le "$hp_first" ] || hp_judge
      done
    fi
    [ -n "$hp_others" ] || return 0
    for hp_place in $(grep -l -F "HOLDPOINT_TOKEN=$1/" $hp_others 2>/dev/null); do
      hp_place=${hp_place#/proc/} hp_pid=${hp_place%/environ}
      { read -r hp_line <"/proc/$hp_pid/stat"; } 2>/dev/null || continue
      case ${hp_line##*) } in Z* | X*) ;; *) hp_left="$hp_left $hp_pid" ;; esac
    done
  }

  hp_judge() { # a process in `hp_pid`
    case $hp_pid in "$hp_me" | "$hp_other" | "$$" | "$PPID") return ;; esac
    { read -r hp_line <"/proc/$hp_pid/stat"; } 2>/dev/null || return 0
    set -- ${hp_line##*) }
    case $1 in Z | X) return ;; esac
    if [ "$3" = "$hp_group" ] || [ "$4" = "$hp_session" ]; then hp_left="$hp_left $hp_pid"
    elif [ "$4" -gt "$hp_first" ]; then hp_others="$hp_others /proc/$hp_pid/environ"; fi # a session as young as the step
  }

  hp_ask_ps() {
    hp_own=" $hp_me $hp_other $$ $PPID " hp_asking='' hp_all=$(ps -A -o pid= -o ppid= -o pgid= -o stat=)
    hp_its=$(ps -o pgid= -p $$)
    set -- $hp_all
    while [ $# -ge 4 ]; do
      case $2 in "$hp_me" | "$hp_asking") hp_asking=$1 hp_own="$hp_own$1 " ;; esac # the shell that asks, and its ps
      case $4.$hp_own in
        Z* | *" $1 "*) ;;
        *) [ "$3" != $hp_its ] || hp_left="$hp_left $1" ;;
      esac
      shift 4
    done
  }

  hp_end() { # NONCE, GRACE in milliseconds; fails where something cannot be ended
    hp_look "$1" 0 0
    [ -n "$hp_left" ] || return 0
    kill -s TERM $hp_left 2>/dev/null
    hp_waited=0
    while [ "$hp_waited" -lt "$2" ]; do
      sleep 0.05 2>/dev/null || sleep 1
      hp_waited=$((hp_waited + 50))
      hp_look "$1" 0 0
      [ -n "$hp_left" ] || return 0
    done
    hp_waited=0
    while [ "$hp_waited" -lt 200 ]; do
      kill -s KILL $hp_left 2>/dev/null
      sleep 0.05 2>/dev/null || sleep 1
      hp_waited=$((hp_waited + 1))
      hp_look "$1" 0 0
      [ -n "$hp_left" ] || return 0
    done
    return 1
  }

  hp_guard() {
    trap : HUP INT QUIT TERM PIPE
    LC_ALL=C # or bash loses bytes that are no characters
    hp_who_am_i
    hp_step=''
    while IFS=' ' read -r hp_wish hp_nonce hp_what hp_who <&9; do
      case $hp_wish in
        step)
          hp_step=$hp_nonce hp_other=$hp_who
          printf '%s %s %s %s\n' @NONCE@ "$hp_nonce" "$hp_what" "$hp_me"
          while IFS= read -r hp_line <&9; do
            [ "$hp_line" != "$hp_nonce" ] || continue 2
            printf '%s\n' "$hp_line"
          done
          break
          ;;
        end) if hp_end "$hp_nonce" "$hp_what"; then hp_mark "$hp_nonce" gone; else hp_mark "$hp_nonce" stuck; fi ;;
        bye) exit ;;
      esac
    done
    [ -z "$hp_step" ] || hp_end "$hp_step" @GRACE@
  }

  hp_worker() {
    trap : HUP INT QUIT TERM PIPE
    # In its POSIX mode bash does not say that a child was ended by a signal; leaving it forgets what it stands for.
    case ${BASH_VERSION:+$(export -p)} in '' | *POSIXLY_CORRECT*) ;; *) set +o posix ;; esac
    hp_who_am_i
    hp_machine=''
    { read -r hp_machine <"${HOLDPOINT_MACHINE_ID:-/etc/machine-id}"; } 2>/dev/null
    [ -n "$hp_machine" ] || { read -r hp_machine </var/lib/dbus/machine-id; } 2>/dev/null
    hp_mark @NONCE@ hello "$hp_me" "${hp_machine:--}"
    while IFS=' ' read -r hp_wish hp_nonce hp_shell hp_other; do
      [ "$hp_wish" = @NONCE@ ] || exit
      command -v "$hp_shell" >/dev/null 2>&1 || { hp_mark "$hp_nonce" ended 127 missing && exit; }
      hp_from=0 hp_began=0
      { read -r _ _ _ _ hp_from </proc/loadavg && read -r hp_began _ </proc/uptime; } 2>/dev/null
      # What a shell says where its child is ended by a signal tells that from an exit code.
      hp_said=$( ( ( exec "$hp_shell" >&8 2>&7 7>&- 8>&- 9>&- ); exit $? ) 2>&1 )
      hp_code=$?
      hp_look "$hp_nonce" "$hp_from" "$hp_began"
      [ -z "$hp_left" ] || hp_left=left
      set -f
      hp_mark "$hp_nonce" ended "$hp_code" "${hp_left:-clean}" $hp_said
      set +f
    done
  }

  hp_guard 2>/dev/null | hp_worker
  exit
}
