# The shell on a target that executes the steps that read, one after the other; its text arrives through standard input,
# and nothing is started before all of it is there. Between at signs stands what the client puts in.
#
# A guard reads what the client sends, and hands the text of a step to a worker beside it, which has a fresh shell execute it,
# in a session of its own, and says how it ended and whether anything of it is left. Where the client wants the end of a step,
# or is gone, which ends standard input, the guard ends what is left of it. What they say stands in lines that begin with a
# record separator and a nonce that the step does not know, on both streams. A witness says where the worker was killed. A step is known by its cookie, among the
# arguments of its shell and in the environment of what it starts, and by its session. Wants a POSIX shell; /proc is used where
# it is. No name here may be one that a user exports.
{
  exec 9<&0 8>&1 7>&2 </dev/null 2>/dev/null
  trap : HUP INT QUIT TERM PIPE
  hp_group='' hp_session='' hp_setsid='' hp_reaper=''
  { read -r hp_line </proc/self/stat; } && hp_line=${hp_line#*) } && set -- $hp_line && hp_group=$3 hp_session=$4 hp_born=${20}
  hp_ours=$hp_session hp_spared=''
  if command -v setsid >/dev/null; then hp_setsid=setsid
  elif command -v perl >/dev/null; then hp_setsid='perl -MPOSIX=setsid -e setsid;exec@ARGV'; fi
  # Without either, a step lives in the session of this shell, where that is ours alone.
  if [ -n "$hp_setsid" ] || [ "$hp_session" != $$ ]; then hp_session=''; fi

  # Where a step left a stream that does not wait for room, a mark is tried again until there is some.
  hp_mark() {
    for hp_stream in 8 7; do
      hp_tries=1500
      until printf '\036%s\n' "$*" >&"$hp_stream"; do
        hp_tries=$((hp_tries - 1))
        if [ "$hp_tries" = 0 ] || hp_waits "$hp_stream"; then break; fi
        sleep 0.02 || sleep 1
      done
    done
  }

  hp_waits() { { read -r _ hp_flags && read -r _ hp_flags; } <"/proc/self/fdinfo/$1" && [ $((hp_flags & 04000)) -eq 0 ]; }

  hp_who_am_i() { { cd -P /proc/self && hp_me=${PWD##*/} && cd /; } || hp_me=$(exec sh -c 'echo $PPID'); }

  hp_now() { hp_now=0; { read -r hp_now _ </proc/uptime; } && hp_now=${hp_now%.*}${hp_now#*.}; } # in 1/100 s

  # Sets `hp_left` to what lives of a step, apart from this shell's own, and for the guard `hp_waiting` to what waits for it. A process that ended while it was looked at may have
  # left a child that was not: then it is looked again. Process ids after AFTER are enough where they cannot have gone round.
  hp_look() { # COOKIE, PID of the step's shell or nothing, AFTER
    hp_passes=0 hp_shell=$2
    while :; do
      hp_left='' hp_waiting='' hp_others='' hp_orphans=' ' hp_young='' hp_unclear='' hp_few='' hp_last=0
      [ -n "$hp_group" ] || { hp_ask_ps; return; }
      { read -r _ _ _ _ hp_last </proc/loadavg; }
      if [ "$3" -gt 0 ] && [ "$hp_last" -ge "${hp_shell:-$3}" ] && [ $((hp_last - $3)) -lt 200 ]; then
        hp_pid=$3 hp_few=yes
        while [ "$hp_pid" -lt "$hp_last" ]; do
          hp_pid=$((hp_pid + 1))
          if [ -e "/proc/$hp_pid" ]; then hp_judge "$3"; fi
        done
      else
        for hp_place in /proc/[0-9]*; do
          hp_pid=${hp_place#/proc/}
          if [ "$hp_pid" -gt "$3" ]; then hp_judge "$3"; fi
        done
      fi
      hp_passes=$((hp_passes + 1))
      if [ -n "$hp_others" ]; then
        hp_carriers "$1"
        hp_holders
        [ "$hp_passes" -gt 1 ] || hp_unclear=yes # one that becomes another program shows nothing for an instant
      fi
      [ -z "$hp_left" ] && [ -n "$hp_unclear" ] && [ "$hp_passes" -lt 3 ] || return 0
    done
  }

  hp_judge() { # AFTER; a process in `hp_pid`
    hp_after=$1
    case $hp_pid in "$hp_me" | "${hp_other%.*}" | "${hp_other#*.}" | "$$" | "$PPID") return 0 ;; esac
    { read -r _ _ hp_state hp_parent _ hp_its hp_line <"/proc/$hp_pid/stat"; } || { hp_unclear=yes; return 0; }
    case $hp_state$hp_parent$hp_its$hp_line in
      *\)*) # a name with spaces in it
        { read -r hp_line <"/proc/$hp_pid/stat"; } || { hp_unclear=yes; return 0; }
        set -- ${hp_line##*) }
        hp_state=$1 hp_parent=$2 hp_its=$4
        shift 4
        hp_line=$*
        ;;
    esac
    case $hp_state$hp_parent in
      Z* | X*) return 0 ;;
    esac
    # Children of the worker, and of those (bash waits in a child of a child), up to the step's shell, which leads a session.
    case " ${hp_other%.*}${hp_setsid:+$hp_waiting} " in
      *" $hp_parent "*) [ "$hp_its" = "$hp_pid" ] || { hp_waiting="$hp_waiting $hp_pid" && return 0; } ;;
    esac
    [ "$hp_its" != "${hp_spared:-none}" ] || return 0
    if [ "$hp_its" = "${hp_shell:-none}" ] || [ "$hp_its" = "${hp_session:-none}" ]; then hp_left="$hp_left $hp_pid"
    elif [ "$hp_its" -gt "$hp_after" ] || [ -z "$hp_setsid" ]; then
      # Whose shell has ended is an orphan, or descends from one, which is older.
      hp_adopts=$hp_parent
      if [ -n "$hp_few" ]; then
        hp_ask_reaper
        [ ! -e "/proc/$hp_reaper/stat" ] || hp_adopts=$hp_reaper
      fi
      case $hp_adopts$hp_orphans in
        "$hp_parent "* | *" $hp_parent "*) hp_orphans="$hp_orphans$hp_pid " ;;
        *) return 0 ;;
      esac
      hp_others="$hp_others /proc/$hp_pid/environ /proc/$hp_pid/cmdline"
      set -- $hp_line
      # Within one hundredth of a second, the process id says which is younger.
      if [ "${16}" -gt "$hp_born" ] || { [ "${16}" -eq "$hp_born" ] && [ "$hp_pid" -gt $$ ]; }; then hp_young="$hp_young $hp_pid"; fi
    fi
  }

  hp_carriers() { # COOKIE
    for hp_place in $(grep -l -F -e "HOLDPOINT_TOKEN=$1/" -e "holdpoint-$1" $hp_others 2>/dev/null); do
      hp_place=${hp_place#/proc/} hp_pid=${hp_place%%/*}
      { read -r hp_line <"/proc/$hp_pid/stat"; } || { hp_unclear=yes; continue; }
      set -- "$1" ${hp_line##*) }
      case $2 in Z | X) continue ;; esac
      case $hp_place in */cmdline) [ -z "$hp_setsid" ] || hp_shell=$5 ;; esac # the session that it leads
      case "$hp_left " in *" $hp_pid "*) ;; *) hp_left="$hp_left $hp_pid" ;; esac
    done
  }

  # What left session, group and environment behind, and may print still: it writes to what only steps inherit. What is
  # older than this shell is none of theirs.
  hp_holders() {
    for hp_pid in $hp_young; do
      for hp_place in "/proc/$hp_pid/fd"/*; do
        if [ "$hp_place" -ef /proc/self/fd/8 ] || [ "$hp_place" -ef /proc/self/fd/7 ]; then
          { read -r _ hp_flags && read -r _ hp_flags; } <"/proc/$hp_pid/fdinfo/${hp_place##*/}"
          case $hp_flags in *[12]) hp_left="${hp_left% "$hp_pid"} $hp_pid" && break ;; esac
        fi
      done
    done
  }

  hp_ask_ps() {
    hp_own=" $hp_me ${hp_other%.*} ${hp_other#*.} $$ $PPID " hp_asking='' hp_all=$(ps -A -o pid= -o ppid= -o pgid= -o stat=)
    hp_its=$(ps -o pgid= -p $$)
    set -- $hp_all
    while [ $# -ge 4 ]; do
      case $2 in "$hp_me" | "$hp_asking") hp_asking=$1 hp_own="$hp_own$1 " ;; esac # the shell that asks, and its ps
      case $4.$hp_own in
        Z* | *" $1 "*) ;;
        *) if [ "$2" = "${hp_other%.*}" ]; then hp_waiting="$hp_waiting $1"; elif [ "$3" = "${hp_shell:-none}" ] || [ "$3" = $hp_its ]; then hp_left="$hp_left $1"; fi ;;
      esac
      shift 4
    done
  }

  # Sets `hp_reaper` to the process that becomes the parent of one whose parent ended; to `none` where that is not seen.
  hp_ask_reaper() {
    [ -z "$hp_reaper" ] || return 0
    hp_reaper=$( (
      hp_who_am_i
      (
        hp_rounds=1000
        while [ $hp_rounds -gt 0 ] && read -r _ _ _ hp_parent _ </proc/self/stat; do
          [ "$hp_parent" = "$hp_me" ] || { echo "$hp_parent" && exit; }
          hp_rounds=$((hp_rounds - 1))
        done
      ) &
    ) )
    hp_reaper=${hp_reaper:-none}
  }

  # A step can stop what is around it.
  hp_go_on() { kill -s CONT $$ "${hp_other#*.}" "${hp_other%.*}" $hp_waiting; }

  hp_end() { # COOKIE, GRACE in 1/100 s; fails where something cannot be ended
    hp_look "$1" '' 0
    hp_go_on
    [ -n "$hp_left" ] || return 0
    kill -s TERM $hp_left
    kill -s CONT $hp_left
    hp_now
    hp_until=$((hp_now + $2)) hp_rounds=$(($2 / 2)) hp_number=TERM
    while :; do
      sleep 0.02 || sleep 1
      hp_look "$1" "$hp_shell" 0
      [ -n "$hp_left" ] || return 0
      hp_now
      hp_rounds=$((hp_rounds - 1))
      if [ "$hp_now" -ge "$hp_until" ] && { [ "$hp_now" -gt 0 ] || [ "$hp_rounds" -le 0 ]; }; then
        [ "$hp_number" = TERM ] || return 1
        hp_number=KILL hp_until=$((hp_now + @PATIENCE@)) hp_rounds=250
      fi
      [ "$hp_number" = TERM ] || kill -s KILL $hp_left
    done
  }

  hp_guard() {
    trap : HUP INT QUIT TERM PIPE
    LC_ALL=C # or bash loses bytes that are no characters
    hp_who_am_i
    hp_step='' hp_other=''
    while IFS=' ' read -r hp_wish hp_cookie hp_what hp_who <&9; do
      case $hp_wish in
        step)
          hp_step=$hp_cookie hp_other=$hp_who
          printf '%s %s %s %s\n' @NONCE@ "$hp_cookie" "$hp_what" "$hp_me" || exit # the worker is gone
          while IFS= read -r hp_line <&9; do
            [ "$hp_line" != "$hp_cookie" ] || continue 2
            printf '%s\n' "$hp_line"
          done
          break
          ;;
        end) # of a step of its own, or of one whose guard does not answer; then its own worker is none of that
          [ "$hp_step" = "$hp_cookie" ] || hp_spared=$hp_ours
          hp_step=$hp_cookie hp_other=$hp_who
          if hp_end "$hp_cookie" "$hp_what"; then hp_mark @NONCE@ "$hp_cookie" gone; else hp_mark @NONCE@ "$hp_cookie" stuck; fi
          kill -s 0 "${hp_other%.*}" || hp_mark @NONCE@ "$hp_cookie" lost # nobody is left to begin it, or to say how it ended
          ;;
        bye) exit ;;
      esac
    done
    [ -n "$hp_step" ] || exit
    hp_look "$hp_step" '' 0
    kill -s KILL "${hp_other#*.}" "${hp_other%.*}" $hp_waiting # that they tell nobody how this ended
    hp_end "$hp_step" @GRACE@
  }

  hp_worker() {
    trap : HUP INT QUIT TERM PIPE
    # In its POSIX mode bash does not say that a child was ended by a signal; leaving it forgets what it stands for.
    case ${BASH_VERSION:+$(export -p)} in '' | *POSIXLY_CORRECT*) ;; *) set +o posix ;; esac
    hp_who_am_i
    hp_machine='' hp_boot=''
    { read -r hp_machine <"${HOLDPOINT_MACHINE_ID:-/etc/machine-id}"; }
    [ -n "$hp_machine" ] || { read -r hp_machine </var/lib/dbus/machine-id; }
    { read -r hp_boot <"${HOLDPOINT_BOOT_ID:-/proc/sys/kernel/random/boot_id}"; }
    hp_mark @NONCE@ @NONCE@ hello "$hp_me.$hp_witness" "${hp_boot:--}" "${hp_machine:--}"
    while IFS=' ' read -r hp_wish hp_cookie hp_program hp_other; do
      [ "$hp_wish" = @NONCE@ ] || exit 0
      hp_other=$hp_other.$hp_witness
      command -v "$hp_program" >/dev/null || { hp_mark @NONCE@ "$hp_cookie" ended 127 missing && exit; }
      hp_from=0 hp_began=0
      { read -r _ _ _ _ hp_from </proc/loadavg && read -r hp_began _ </proc/uptime; }
      # What a shell says where its child is ended by a signal tells that from an exit code; bash says it only in a
      # subshell of its own. Where what waits for the step's shell was killed, no code comes, and how that ended is not known.
      hp_said=$( ( (hp_who_am_i; echo "$hp_me"; exec $hp_setsid "$hp_program" -s "holdpoint-$hp_cookie" >&8 2>&7 7>&- 8>&- 9>&-); echo "=$?") 2>&1)
      case $hp_said in *=*) hp_code=${hp_said##*=} ;; *) hp_code=-1 ;; esac
      { read -r hp_now _ </proc/uptime; } || hp_now=0
      [ $((${hp_now%.*} - ${hp_began%.*})) -le 5 ] || hp_from=0
      set -f
      set -- ${hp_said%=*}
      set +f
      hp_look "$hp_cookie" "$1" "$hp_from"
      shift
      [ -z "$hp_left" ] || hp_left=left
      # A stream that a step left without waiting would cut the output of the next one short.
      for hp_line in 7 8; do
        hp_waits "$hp_line" || [ ! -e /proc/self/fdinfo ] || hp_left=${hp_left:-used}
      done
      # Without the guard, nobody ends what is left, nor is it known whether the whole of the step was there.
      hp_go_on
      kill -s 0 "${hp_other%.*}" || { hp_end "$hp_cookie" @GRACE@; exit 1; }
      hp_mark @NONCE@ "$hp_cookie" ended "$hp_code" "${hp_left:-clean}" ${1:+signalled}
    done
    exit 0
  }

  hp_witness() {
    trap : HUP INT QUIT TERM PIPE
    hp_who_am_i
    hp_witness=$hp_me
    (hp_worker) || hp_mark @NONCE@ @NONCE@ lost
  }

  hp_guard | hp_witness
  exit
}
