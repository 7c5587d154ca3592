#!/bin/sh
# Holdpoint's agent: runs a step at most once for its token and outlives whoever asked for it; keeps the target's lock.
#
#   sh agent.sh OPERATION name=value...
#
# Answers on standard output: a line `HOLDPOINT nonce`, then frames, each `kind length`, a newline and `length` bytes, so
# that output cannot forge one. The last frame is `end`. Standard input carries the command after the frame `want`; its
# end means that the client is gone, which ends nothing but the answer. Words of frames are ASCII.
#
# Below the target folder: `locks/`, shared by all users, with `epoch.N`, `approval.RUN.*`, `gate.RUN.*` and `live.TOKEN.PID` (a
# step lives); `agent-UID/`, one user's, with `s.TOKEN/` (a spool) and `t.TOKEN` (a tombstone). The memory folder has the same shape and is written to only where the client says so.
# Wants a POSIX shell; setsid, fallocate and /proc are used where they are.
#
# shellcheck disable=SC2317,SC2329,SC2174,SC2015 # operations are called by their name; the rest is meant

set -u
umask 077
unset IFS CDPATH

# --- words of the protocol ----------------------------------------------------------------------------------------

frame() { printf '%s %s\n%s' "$1" "${#2}" "$2"; }
answer() { frame end "$*"; exit 0; }
word() { case $1 in '' | .* | -* | *[!A-Za-z0-9._-]*) answer refused "$2 is not a word" ;; esac; [ "${#1}" -le 200 ] || answer refused "$2 is too long"; }
number() { case $1 in '' | *[!0-9]* | ????????????????*) answer refused "$2 is not a number" ;; esac; }

read_arguments() {
  token='' digest=- head=- run=- holder='' epoch=0 timeout=0 grace=5000 shell=sh size=0 nonce=- out_at=0 err_at=0
  memory='' claim='' over='' who='' besides='' wanted='' limit=268435456
  target=${HOLDPOINT_TARGET:-/var/tmp/holdpoint} memory_folder=${HOLDPOINT_TARGET_MEMORY:-/dev/shm/holdpoint-locks}
  for pair; do
    value=${pair#*=}
    case $pair in
      token=*) word "$value" token && token=$value ;;
      digest=*) word "$value" digest && digest=$value ;;
      head=*) word "$value" head && head=$value ;;
      run=*) word "$value" run && run=$value ;;
      holder=*) word "$value" holder && holder=$value ;;
      besides=*) word "$value" besides && besides="$besides $value" ;;
      who=*) word "$value" who && who=$value ;;
      machine=*) word "$value" machine && wanted=$value ;;
      nonce=*) word "$value" nonce && nonce=$value ;;
      epoch=*) number "$value" epoch && epoch=$value ;;
      timeout=*) number "$value" timeout && timeout=$value ;;
      grace=*) number "$value" grace && grace=$value ;;
      size=*) number "$value" size && size=$value ;;
      limit=*) number "$value" limit && limit=$value ;;
      out=*) number "$value" out && out_at=$value ;;
      err=*) number "$value" err && err_at=$value ;;
      shell=sh | shell=bash) shell=$value ;;
      target=/*) target=$value ;;
      memory_folder=/*) memory_folder=$value ;;
      memory=yes) memory=yes ;;
      over=yes) over=yes ;;
      claim=*) claim=$value ;;
      *) answer refused "an argument is not known" ;;
    esac
  done
}

# --- this machine, this user --------------------------------------------------------------------------------------

read_identity() {
  uid='' boot='' machine=''
  { while read -r key _ value _; do [ "$key" = Uid: ] && uid=$value && break; done </proc/self/status; } 2>/dev/null
  [ -n "$uid" ] || uid=$(id -u)
  { read -r boot <"${HOLDPOINT_BOOT_ID:-/proc/sys/kernel/random/boot_id}"; } 2>/dev/null
  [ -n "$boot" ] || boot=$(sysctl -n kern.boottime 2>/dev/null | tr -c 'A-Za-z0-9\n' _)
  { read -r machine <"${HOLDPOINT_MACHINE_ID:-/etc/machine-id}"; } 2>/dev/null
  [ -n "$machine" ] || { read -r machine </var/lib/dbus/machine-id; } 2>/dev/null
  boot=${boot:--} machine=${machine:--}
  disk=$target/agent-$uid mem=$memory_folder/agent-$uid
  me=$$
  if [ -r /proc/self/stat ] && look_at_process $$; then me=$$.$start; fi # names what only this agent needs
}

# Sets `start` to the time at which process $1 started; fails where there is no such process or only its remains.
look_at_process() {
  start=''
  if [ -r /proc/self/stat ]; then
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    line=${line##*) }
    # shellcheck disable=SC2086 # the fields are numbers
    set -- $line
    case $1 in Z | X) return 1 ;; esac
    start=${20}
  else
    start=$(ps -o lstart= -p "$1" 2>/dev/null | tr -c 'A-Za-z0-9\n' _)
    [ -n "$start" ]
  fi
}

nap() { # milliseconds
  rest=$(($1 % 1000))
  case $rest in ?) rest=00$rest ;; ??) rest=0$rest ;; esac
  sleep "$(($1 / 1000)).$rest" 2>/dev/null || sleep "$((($1 + 999) / 1000))"
}

durable() { sync "$@" 2>/dev/null || sync; }

# --- folders ------------------------------------------------------------------------------------------------------

owner_of() { # sets `owner`
  owner=''
  # shellcheck disable=SC2012,SC2046 # only the owner is read, the name is ours
  set -- $(ls -ldn "$1" 2>/dev/null)
  owner=${3:--}
}

# A folder that is shared (mode 1777) or our own (700); never reached through a symbolic link that somebody planted.
# Who owns a shared folder can undo every lock in it: so it is root, this user, or whose order this is through sudo.
folder() {
  [ -d "$1" ] || mkdir -p -m "$2" "$1" 2>/dev/null
  if [ -L "$1" ]; then unsafe=yes why="$1 is a symbolic link; remove it" && return 1; fi
  if [ ! -d "$1" ]; then
    [ ! -e "$1" ] || unsafe=yes
    why="$1 is not a folder and cannot be made one"
    return 1
  fi
  unsafe=yes
  if [ ! -O "$1" ]; then
    owner_of "$1"
    case $2.$owner in
      1777.0 | 1777."${SUDO_UID:--1}") ;;
      1777.*) why="$1 belongs to user $owner, who could undo any lock in it; as root: chown root $base $base/locks" && return 1 ;;
      *) why="$1 belongs to user $owner and not to user $uid; have it removed" && return 1 ;;
    esac
  fi
  if [ "$2" = 1777 ] && { [ ! -k "$1" ] || [ ! -w "$1" ]; }; then
    why="$1 is not shared with mode 1777" && return 1
  fi
  unsafe=''
}

# Makes `mine` and `shared` below $1 and proves that there is room, at the cost of the reserve where it must be.
settle_in() {
  mine=$1/agent-$uid shared=$1/locks base=$1
  folder "$1" 1777 && folder "$shared" 1777 && folder "$mine" 700 || return 1
  { printf '%8191s\n' . >"$mine/room.$me"; } 2>/dev/null && return 0
  rm -f "$mine/reserve"
  { printf '%8191s\n' . >"$mine/room.$me"; } 2>/dev/null && return 0
  rm -f "$mine/room.$me"
  why="no room is left in $1"
  return 1
}

settle_somewhere() {
  kept=disk unsafe=''
  settle_in "$target" && return 0
  [ -z "$unsafe" ] || answer refused "$why"
  reason=$why
  if [ -n "$memory" ]; then kept=memory && settle_in "$memory_folder" && return 0; fi
  [ -z "$unsafe" ] || answer refused "$why"
  answer noroom "$reason"
}

# What somebody else put in the place of this user's folder is neither read nor written.
own_folders() {
  for place in "$disk" "$mem"; do
    if [ -L "$place" ] || { [ -e "$place" ] && [ ! -O "$place" ]; }; then
      owner_of "$place"
      answer refused "$place belongs to user $owner or is a symbolic link; have it removed"
    fi
  done
}

# Removes what agents left that were ended on the way: their commands can hold secrets. A sign of life goes once nothing
# of its step lives.
clear_dead() {
  asked=$token # what this agent was asked about stays that
  for life in "$target"/locks/live.* "$memory_folder"/locks/live.*; do
    [ -f "$life" ] && [ -O "$life" ] && [ ! -L "$life" ] || continue
    token=${life##*/live.} && token=${token%.*}
    case $token in '' | .* | -* | *[!A-Za-z0-9._-]*) continue ;; esac
    look
    case $state in running | orphan) ;; *) read_life && [ -n "$lives" ] || rm -f "$life" ;; esac
  done
  token=$asked
  for place in "$disk" "$mem"; do
    for file in "$place"/cmd.* "$place"/room.* "$place"/publish.* "$place"/bury.*; do
      [ -f "$file" ] || continue
      whose=${file##*/}
      whose=${whose#*.}
      case ${whose%%.*} in '' | *[!0-9]*) continue ;; esac
      if look_at_process "${whose%%.*}"; then
        case $whose in *.*) [ "${whose#*.}" != "$start" ] || continue ;; *) continue ;; esac
      fi
      rm -f "$file"
    done
  done
}

# Sets `lives` where the process that a sign of life names is there, `l_group` to its step's process group where the sign
# names that; fails where it cannot be read.
read_life() {
  lives='' l_group=''
  { { read -r l_pid l_start l_boot _; read -r l_group _; } <"$life"; } 2>/dev/null
  [ -n "${l_boot:-}" ] || return 1
  [ "$l_boot" = "$boot" ] || return 0
  case $l_pid in '' | *[!0-9]*) return 1 ;; esac
  case $l_group in *[!0-9]*) l_group='' ;; esac
  if look_at_process "$l_pid" && [ "$start" = "$l_start" ]; then lives=yes; fi
}

# --- the lock -----------------------------------------------------------------------------------------------------

# Sets `numbers` to those of all epochs, `highest` to the highest. A name counts whatever it is: what cannot be read is
# held by somebody unknown, and can be taken over.
number_epochs() {
  numbers='' highest=0
  for file in "$target"/locks/epoch.* "$memory_folder"/locks/epoch.*; do
    count=${file##*/epoch.}
    case $count in '' | *[!0-9]* | 0* | ????????????????*) continue ;; esac
    if [ ! -e "$file" ] && [ ! -L "$file" ]; then continue; fi
    numbers="$numbers $count"
    [ "$count" -le "$highest" ] || highest=$count
  done
}

# Each epoch is one more than the last, so a leap of more than `LEAP` is nobody's, and what stands above it is ignored.
# That a file was removed below must never make an honest epoch one: so whoever stands that high has `stilts` of its own.
LEAP=1000000
without_leaps() {
  [ "$highest" -gt "$LEAP" ] || return 0
  # shellcheck disable=SC2086 # numbers
  highest=$(
    printf '%s\n' $numbers | sort -n | {
      below=0
      while read -r each && [ $((each - below)) -le "$LEAP" ]; do below=$each; done
      echo "$below"
    }
  )
}

stilts() { # FOR
  height=$((LEAP / 2))
  while [ "$height" -lt "$1" ]; do
    at=$height
    while [ "$at" -lt $((height + 100)) ] && [ "$at" -lt "$1" ]; do
      file=$shared/epoch.$at
      if [ -O "$file" ] && [ ! -L "$file" ]; then break; fi
      quick=yes
      publish "$file" "- -" && break
      at=$((at + 1))
    done
    quick=''
    [ "$at" -lt $((height + 100)) ] || return 1
    height=$((height + LEAP / 2))
  done
}

# Sets `top` to the highest epoch in both places, `top_run`, `top_boot`, `top_claim` to its holder, `top_free` where done.
look_at_lock() {
  number_epochs
  without_leaps
  top=$highest top_at=$target/locks/epoch.$highest
  if [ ! -e "$top_at" ] && [ ! -L "$top_at" ]; then top_at=$memory_folder/locks/epoch.$top; fi
  top_run='' top_boot='' top_claim='' top_free=''
  [ "$top" -gt 0 ] || { top_free=yes && return; }
  if [ -f "$top_at" ] && [ ! -L "$top_at" ]; then
    { { read -r top_run top_boot && IFS= read -r top_claim; } <"$top_at"; } 2>/dev/null
  fi
  top_owner=''
  for file in "$target/locks/epoch.$top".done* "$memory_folder/locks/epoch.$top".done*; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    [ -n "$top_owner" ] || { owner_of "$top_at" && top_owner=$owner; }
    owner_of "$file" # whoever else made it has nothing to give back
    case $owner in 0 | "$top_owner") top_free=yes ;; esac
  done
}

# Links a text of ours into the shared folder; never through, or into, what somebody planted there.
publish() { # FILE TEXT
  { printf '%s\n' "$2" >"$mine/publish.$me" && chmod 644 "$mine/publish.$me"; } 2>/dev/null || { rm -f "$mine/publish.$me" && return 1; }
  if [ -e "$1" ] || [ -L "$1" ] || ! ln "$mine/publish.$me" "$1" 2>/dev/null; then
    rm -f "$mine/publish.$me"
    return 1
  fi
  [ -n "${quick:-}" ] || durable "$1" "${1%/*}"
  rm -f "$mine/publish.$me"
  [ -f "$1" ]
}

# The lock is its `holder`'s, which is the run where that is not named: of one run, whoever took it over has a name of
# their own. Nothing is held while this goes on: each epoch is made exclusively, and the highest counts. A change looks at the
# epochs after it linked `started`, a takeover looks for changes after it linked its epoch, so one of them sees the other.
lock() {
  settle_somewhere
  tries=0
  while [ "$tries" -lt 20 ]; do
    tries=$((tries + 1))
    look_at_lock
    if [ -z "$top_free" ]; then
      if [ "$top_run" = "${holder:-$run}" ] && [ -z "$over" ] && { [ -O "$top_at" ] || [ "$uid" = 0 ]; }; then # else it could not give it back
        leave_room
        answer acquired "$top" "$(place_of "$top_at")"
      fi
      [ -n "$over" ] || say_held
    fi
    next=$((top + 1))
    if [ "${#next}" -gt 15 ] || ! stilts "$next"; then
      leave_room
      answer refused "the lock's number $top in $shared leaves no room above it; have root look at the epochs there"
    fi
    if ! publish "$shared/epoch.$next" "${holder:-$run} $boot
$claim"; then
      [ -e "$shared/epoch.$next" ] || rm -f "$mine/reserve" # nobody was faster, so there was no room
      continue
    fi
    look_at_lock
    other=$target/locks
    [ "$kept" = memory ] || other=$memory_folder/locks
    if [ "$top" = "$next" ] && [ ! -e "$other/epoch.$next" ]; then
      [ $((next % 16)) -ne 0 ] || clear_old_epochs $((next - 16))
      leave_room
      answer acquired "$next" "$kept"
    fi
    [ "$top" != "$next" ] || rm -f "$shared/epoch.$next" # in the other place somebody made the same
    nap $(($$ % 50))
  done
  leave_room
  answer refused "the file of the lock cannot be made in $shared"
}

say_held() {
  leave_room
  lives=yes
  [ "$top_boot" = "$boot" ] || lives=rebooted
  answer held "$top" "$lives" "$top_claim"
}

place_of() { case $1 in "$memory_folder"/*) echo memory ;; *) echo disk ;; esac; }
leave_room() { rm -f "$mine/room.$me"; }

clear_old_epochs() {
  for file in "$shared"/epoch.*; do
    count=${file#"$shared"/epoch.} count=${count%%.*}
    case $count in '' | *[!0-9]* | 0* | ????????????????*) continue ;; esac
    if [ "$count" -ge $((LEAP / 2)) ] && [ $((count % (LEAP / 2))) -lt 100 ]; then continue; fi # stilts
    [ "$count" -lt "$1" ] && rm -f "$file" 2>/dev/null
  done
}

unlock() {
  settle_somewhere
  look_at_lock
  freed=no
  leave_room
  case $top_at in "$memory_folder"/*) mine=$mem ;; "$target"/*) mine=$disk ;; esac # a link stays on its filesystem
  if [ -z "$top_free" ] && [ "$top_run" = "${holder:-$run}" ]; then
    for file in "${top_at%/*}/epoch.$top.done" "${top_at%/*}/epoch.$top.done.$me"; do # the first may have been taken
      publish "$file" "$boot" && freed=yes && break
    done
  fi
  rm -f "$shared/approval.$run".* "$shared/gate.$run".* 2>/dev/null
  for one in $besides; do rm -f "$shared/approval.$one".* "$shared/gate.$one".* 2>/dev/null; done
  answer unlocked "$freed"
}

# Leaves a gate that waits for another person where they can read it, in the place of the run's gate before.
announce() {
  settle_somewhere
  file=$shared/gate.$run.$digest.$uid
  for one in "$shared/gate.$run".*; do [ "$one" = "$file" ] || rm -f "$one" 2>/dev/null; done
  publish "$file" "$claim" || [ -O "$file" ] || { leave_room && answer refused "the gate cannot be written"; }
  leave_room
  answer announced
}

withdraw() {
  settle_somewhere
  rm -f "$shared/gate.$run".* 2>/dev/null
  leave_room
  answer withdrawn
}

gates() { # the newest first
  for place in "$target/locks" "$memory_folder/locks"; do
    # shellcheck disable=SC2012 # names that we give have no blanks
    for file in $(cd "$place" 2>/dev/null && ls -t | grep -F "gate.$run."); do
      file=$place/$file
      [ -f "$file" ] && [ ! -L "$file" ] || continue
      owner_of "$file"
      whose=${file##*/gate."$run".} # the rest of the name: digest and account
      [ "${whose##*.}" = "$owner" ] && IFS= read -r text <"$file" && frame gate "${whose%.*} $text"
    done
  done
  answer listed
}

approve() {
  word "$who" who
  settle_somewhere
  file=$shared/approval.$run.$digest.$uid.$who
  publish "$file" "$claim" || [ -O "$file" ] || { leave_room && answer refused "the approval cannot be written"; }
  leave_room
  answer approved "$uid"
}

approvals() {
  for place in "$target/locks" "$memory_folder/locks"; do
    for file in "$place/approval.$run.$digest".*; do
      [ -f "$file" ] && [ ! -L "$file" ] || continue
      # shellcheck disable=SC2012,SC2046 # only the owner is read, the name is ours
      set -- $(ls -ldn "$file")
      IFS= read -r text <"$file" && frame approval "$3 $text"
    done
  done
  answer listed "$uid"
}

# --- what became of a token ---------------------------------------------------------------------------------------

look() { # sets `state`, and `d` to the spool; `started` counts for more than that the token was buried
  state=none d='' buried=''
  for place in "$disk" "$mem"; do
    if [ -f "$place/t.$token" ]; then
      tomb=$place/t.$token kind=''
      { read -r kind _ <"$tomb"; } 2>/dev/null
      [ "$kind" = buried ] || { state=tombstone && return; }
      buried=$tomb
    fi
    [ -d "$place/s.$token" ] && [ ! -L "$place/s.$token" ] || continue
    [ -n "$d" ] && [ -f "$d/started" ] || d=$place/s.$token
  done
  if [ -n "$buried" ]; then state=tombstone tomb=$buried
  elif [ -n "$d" ]; then state=claimed; fi
  [ -n "$d" ] || return
  { read -r s_pid s_start s_boot s_machine s_digest s_head s_run _ <"$d/started"; } 2>/dev/null || return
  look_further
}

look_further() {
  state="done"
  [ "$s_machine" = "$machine" ] || { state=elsewhere && return; }
  read_exit && return
  [ "$s_boot" = "$boot" ] || { state=rebooted && return; }
  if look_at_process "$s_pid" && [ "$start" = "$s_start" ]; then state=running && return; fi
  read_exit && return # it ended while we looked
  survivors
  state=lost
  [ -z "$pids" ] || state=orphan
}

read_exit() {
  dot=''
  [ -s "$d/exit" ] || return 1
  { read -r e_code e_how e_ended dot <"$d/exit"; } 2>/dev/null
  [ "$dot" = . ]
}

# Sets `pids` to what lives of the step: its process group, its session, and who carries its cookie.
survivors() {
  group=''
  { read -r group <"$d/group"; } 2>/dev/null
  group=${group:-none}
  if [ -r /proc/self/stat ]; then
    pids=$(
      sed -n -e "s/^\([0-9]*\) (.*) [^ZX] [0-9]* $group [0-9]* .*/\1/p" \
        -e "s/^\([0-9]*\) (.*) [^ZX] [0-9]* [0-9]* $group [-0-9]* .*/\1/p" /proc/[0-9]*/stat 2>/dev/null
      grep -l -F "HOLDPOINT_TOKEN=$token/$s_pid.$s_start/" /proc/[0-9]*/environ 2>/dev/null |
        while IFS=/ read -r _ _ pid _; do look_at_process "$pid" && echo "$pid"; done
    )
  else
    pids=$(ps -A -o pid= -o pgid= -o stat= | while read -r pid its s; do
      case $s in Z*) ;; *) [ "$its" = "$group" ] && echo "$pid" ;; esac
    done)
  fi
}

# Ends them, TERM first, KILL after `grace`. `ended` is yes only where they were seen to be gone.
end_all() {
  ended=yes
  survivors
  [ -n "$pids" ] || return 0
  # shellcheck disable=SC2086 # a list of process ids
  { kill -s TERM -- "-$group"; kill -s TERM $pids; } 2>/dev/null
  waited=0
  while [ "$waited" -lt "$grace" ]; do
    nap 40
    survivors
    [ -n "$pids" ] || return 0
    waited=$((waited + 50))
  done
  waited=0
  while [ "$waited" -lt 100 ]; do
    # shellcheck disable=SC2086 # a list of process ids
    { kill -s KILL -- "-$group"; kill -s KILL $pids; } 2>/dev/null
    nap 40
    survivors
    [ -n "$pids" ] || return 0
    waited=$((waited + 1))
  done
  ended=no
}

# --- the supervisor -----------------------------------------------------------------------------------------------

supervise() { # a part of the pipe, so that its output is what wakes the follower
  trap '' HUP INT QUIT TERM PIPE USR1
  cd "$d" || exit 1
  name_self
  echo "super $self"
  look_at_process "$self"
  s_pid=$self s_start=$start
  prepare_spool && note "started.$self" "$self $start $boot $machine $digest $head $run $epoch" || {
    rm -f "started.$self" "$mine/room.$me"
    echo "noroom the spool's files cannot be made"
    exit 1
  }
  show_life || { rm -f "started.$self" "$mine/room.$me"; echo "noroom it cannot be shown to others that it lives"; exit 1; }
  ln "started.$self" started 2>/dev/null || claim_with_reserve || { rm -f "$life"; exit 0; }
  may_start || { rm -f "$life"; exit 0; }
  durable started . .. # the point of no return
  rm -f started.[0-9]* "$mine/room.$me" >/dev/null 2>&1 &
  echo go
  trap : TERM # so that the watchdog begins with a TERM that ends it
  watchdog </dev/null >/dev/null 2>&1 8<&- &
  dog=$!
  trap '' TERM
  echo "$dog" >dog
  execute
  end_watch
  echo ended
  note exit "$code $how $ended ."
  durable out err exit .
  echo over
  rm -f "$life"
}

# Tells users who cannot look into this folder that a step lives: they may take the lock over. Never written through what
# somebody planted.
show_life() {
  life=$shared/live.$token.$self written=''
  for _ in 1 2; do
    umask 022
    set -C
    { printf '%s\n' "$self $s_start $boot" >"$life"; } 2>/dev/null && written=there
    set +C
    umask 077
    [ -z "$written" ] || return 0
    rm -f "$life" "$mine/reserve"
  done
  return 1
}

# Makes all files before anything starts: where there is no room for one, nothing was started. Nothing is cut off here,
# since another agent may have won already. From here on no file has to be made for the exit to be recorded, and no
# redirection that can fail stands at a special builtin, which would end the shell.
files='out err group signal dog finished ending exit'
prepare_spool() {
  for name in $files; do
    { printf '' >>"$name"; } 2>/dev/null && continue
    rm -f "$mine/reserve"
    { printf '' >>"$name"; } 2>/dev/null || return 1
  done
}

claim_with_reserve() { # the link failed: somebody was faster, or even a link needs room
  if [ ! -e started ]; then
    rm -f "$mine/reserve" "$mine/room.$me"
    ln "started.$self" started 2>/dev/null && return 0
  fi
  rm -f "started.$self" "$mine/room.$me"
  if [ -e started ]; then echo beaten; else echo "noroom its start cannot be recorded"; fi
  return 1
}

name_self() { # `$$` is that of the shell around
  self=''
  { read -r self _ </proc/self/stat; } 2>/dev/null
  [ -n "$self" ] || self=$(exec sh -c 'echo "$PPID"')
}

note() { # writes a line, if need be at the cost of the reserve
  { printf '%s\n' "$2" >"$1"; } 2>/dev/null && return 0
  rm -f "$mine/reserve"
  { printf '%s\n' "$2" >"$1"; } 2>/dev/null
}

# Looks, after `started` was linked and before anything is executed, whether the token was cleared away or the lock lost.
# Then the spool is emptied; `started` goes last, so that whoever links it next sees that the files have to be made again.
may_start() {
  verdict=''
  if [ -e "$disk/t.$token" ] || [ -e "$mem/t.$token" ]; then verdict=buried; fi
  if [ -z "$verdict" ] && [ "$epoch" -gt 0 ]; then
    look_at_lock
    if [ "$top" != "$epoch" ] || [ -n "$top_free" ] || [ "${holder:-$top_run}" != "$top_run" ]; then
      verdict="superseded $top $top_claim"
    fi
  fi
  [ -n "$verdict" ] || [ -e exit ] || prepare_spool || verdict="noroom the spool's files cannot be made"
  [ -n "$verdict" ] || return 0
  # shellcheck disable=SC2086 # words
  rm -f $files
  rm -f started "started.$self" "$mine/room.$me"
  echo "$verdict"
  return 1
}

own_session() { # sets `session` to what starts a command in a session of its own
  session=''
  if command -v setsid >/dev/null 2>&1; then session=setsid
  elif command -v perl >/dev/null 2>&1; then session='perl -MPOSIX=setsid -e setsid;exec@ARGV'; fi
}

# The shell says on standard error when its child was ended by a signal; a plain exit code of 137 leaves that file empty.
# The step's shell opens the command by this name anew, so that its first line can close standard input.
execute() {
  own_session
  code=126
  {
    (
      trap - HUP INT QUIT TERM PIPE USR1
      HOLDPOINT_TOKEN=$token/$s_pid.$s_start/
      export HOLDPOINT_TOKEN
      exec >>out 2>>err 9>group
      { CDPATH='' cd -- "${HOME:-/}" || cd /; } >/dev/null 2>&1 # where a read is as well
      # shellcheck disable=SC2086 # `session` is words
      exec $session "$shell" /dev/stdin <&8 8<&-
    )
    code=$?
  } 2>signal
  how=exited ended=yes
  [ ! -s signal ] || how=signalled
}

end_watch() {
  { printf 1 >finished; } 2>/dev/null # for a watchdog that hears no signals
  [ -s ending ] || kill -s TERM "$dog" 2>/dev/null
  wait "$dog" 2>/dev/null
  case $? in # told without a file, for which there may be no room
    31) how=late ended=yes ;;
    32) how=late ended=no ;;
    33) how=ending ended=yes ;;
    34) how=ending ended=no ;;
  esac
}

# Ends the step when its time is up or a person says so, and keeps the spool within its limit.
watchdog() {
  sleeper=''
  trap 'kill "$sleeper" 2>/dev/null; exit 0' TERM
  trap : USR1
  left=$timeout
  while :; do
    [ ! -s ending ] || { read -r grace <ending && end_because ending; }
    [ ! -s finished ] || exit 0
    piece=1000
    if [ "$timeout" -gt 0 ] && [ "$left" -lt 1000 ]; then piece=$left; fi
    nap_in_background "$piece"
    left=$((left - piece))
    supervised || { rm -f "$life" && exit 0; }
    tell_group
    if [ "$timeout" -gt 0 ] && [ "$left" -le 0 ] && [ ! -s ending ]; then end_because late; fi
    drop_oldest
  done
}

# Adds the step's process group to its sign of life, so that others can see whether any of it lives.
tell_group() {
  [ -z "${told:-}" ] && [ -s group ] && [ -f "$life" ] && [ ! -L "$life" ] || return 0
  { cat group >>"$life"; } 2>/dev/null && told=yes
}

# A supervisor that was killed cannot end its watchdog: that goes on for as long as anything of the step lives.
supervised() {
  if look_at_process "$s_pid" && [ "$start" = "$s_start" ]; then return 0; fi
  survivors
  [ -n "$pids" ]
}

nap_in_background() {
  rest=$(($1 % 1000))
  case $rest in ?) rest=00$rest ;; ??) rest=0$rest ;; esac
  sleep "$(($1 / 1000)).$rest" &
  sleeper=$!
  wait "$sleeper"
  case $? in 0) return ;; esac
  kill "$sleeper" 2>/dev/null && return # woken
  sleep "$((($1 + 999) / 1000))" # a sleep that knows whole seconds only
}

end_because() {
  trap '' TERM USR1
  end_all
  case $1.$ended in late.yes) exit 31 ;; late.*) exit 32 ;; ending.yes) exit 33 ;; esac
  exit 34
}

# Gives the oldest output back to the disk without moving what follows, so that offsets stay those of the raw stream.
drop_oldest() {
  # shellcheck disable=SC2046 # numbers
  set -- $(wc -c out err 2>/dev/null)
  for name in "${2:-} ${1:-0}" "${4:-} ${3:-0}"; do
    bytes=${name#* } name=${name% *}
    gone=0
    { read -r gone <"$name.gone"; } 2>/dev/null
    [ $((bytes - gone)) -gt "$limit" ] || continue
    cut=$(((bytes - limit / 2) / 4096 * 4096))
    note "$name.gone" "$cut" && fallocate -p -o 0 -l "$cut" "$name" 2>/dev/null || rm -f "$name.gone"
  done
}

# --- following ----------------------------------------------------------------------------------------------------

# Ticks, and the client's going away, as lines; runs in the pipe's left side, so it ends with the follower.
wake() {
  { read -r _ <&3; echo gone; } 2>/dev/null </dev/null &
  echo "aide $!"
  { while nap "$1"; do echo tick || exit; done; } 2>/dev/null </dev/null 3<&- &
  echo "aide $!"
}

follow() {
  aides='' super='' ticks=0 opened='' shipped=''
  cd "$d" || answer none
  while :; do
    over=''
    if [ -s exit ]; then over=yes; fi
    [ -n "$shipped" ] || ship
    if [ -n "$over" ] && read_exit; then leave; answer "done" "$e_code" "$e_how" "$e_ended" "$out_at" "$err_at"; fi
    read -r event detail || event=gone
    case $event in
      aide) aides="$aides $detail" ;;
      super) super=$detail ;;
      go) state=running && frame state running ;;
      ended) ship && shipped=yes ;; # while the supervisor makes it durable
      beaten)
        look
        case $state in none | claimed | tombstone) leave; answer buried ;; esac # it was taken back again; ask anew
        agree && frame state "$state"
        ;;
      buried | superseded | noroom)
        leave
        rmdir "$d" 2>/dev/null # where nobody else is in it
        answer "$event" "$detail"
        ;;
      gone) leave; kill -s KILL $$; exit 1 ;;
      tick) ticks=$((ticks + 1)) && check_on_it ;;
    esac
  done
}

leave() {
  # shellcheck disable=SC2086 # a list of process ids
  [ -z "$aides" ] || kill $aides 2>/dev/null
}

agree() { # the token must mean the same command for everybody
  [ "$s_digest" = "$digest" ] || { leave; answer other-command; }
}

check_on_it() {
  if [ ! -f started ]; then
    if [ -n "$super" ] && look_at_process "$super"; then return; fi
    if [ -z "$super" ] && [ "$ticks" -lt 100 ]; then return; fi
    [ -f started ] || { leave; answer claimed; }
  fi
  [ "$state" != orphan ] || [ $((ticks % 10)) = 0 ] || return
  before=$state
  look
  case $state in
    orphan) [ "$before" = orphan ] || frame state orphan ;;
    running | done | claimed) ;;
    *) ship && leave && answer "$state" ;;
  esac
}

ship() {
  [ -s out ] || [ -s err ] || return 0
  if [ -z "$opened" ]; then
    opened=yes
    exec 4<out 5<err
    [ "$out_at" = 0 ] || dd bs=1 skip="$out_at" count=0 <&4 2>/dev/null
    [ "$err_at" = 0 ] || dd bs=1 skip="$err_at" count=0 <&5 2>/dev/null
  fi
  # shellcheck disable=SC2046 # numbers
  set -- $(wc -c out err 2>/dev/null)
  [ -n "${3:-}" ] || return 0
  if [ "$1" -gt "$out_at" ]; then send out 4 "$out_at" "$1" && out_at=$1; fi
  if [ "$3" -gt "$err_at" ]; then send err 5 "$err_at" "$3" && err_at=$3; fi
}

send() { # NAME DESCRIPTOR FROM TO
  begin=$3
  if [ -s "$1.gone" ] && read -r gone <"$1.gone" && [ "$gone" -gt "$begin" ]; then
    frame gap "$1 $((gone - begin))"
    dd bs=1 skip=$((gone - begin)) count=0 <&"$2" 2>/dev/null
    begin=$gone
  fi
  more=$(($4 - begin))
  while [ "$more" -gt 0 ]; do
    block=1048576 blocks=$((more / 1048576))
    if [ "$blocks" = 0 ]; then block=$more blocks=1; fi
    printf '%s %s\n' "$1" $((block * blocks))
    dd bs="$block" count="$blocks" <&"$2" 2>/dev/null
    more=$((more - block * blocks))
  done
}

# --- operations on a token ----------------------------------------------------------------------------------------

greet() {
  printf 'HOLDPOINT %s\n' "$nonce"
  frame hello "$machine $boot $uid"
}

run() {
  clear_dead
  look
  case $state in none | claimed) ;; *) attach ;; esac
  settle_somewhere
  d=$mine/s.$token
  mkdir "$d" 2>/dev/null &
  frame want "$size"
  take_command
  case $? in
    1) rm -f "$mine/cmd.$me" "$mine/room.$me" && answer cut ;;
    2) rm -f "$mine/cmd.$me" "$mine/room.$me" && answer noroom "the command cannot be kept until it starts" ;;
  esac
  wait
  [ -d "$d" ] || { rm -f "$mine/cmd.$me" "$mine/room.$me" && answer noroom "the spool cannot be made"; }
  [ -r "$mine/cmd.$me" ] || answer cut
  exec 3<&0 8<"$mine/cmd.$me"
  rm -f "$mine/cmd.$me" & # the step's shell has it open
  state=claimed
  { wake 100 8<&-; supervise 2>/dev/null </dev/null 3<&-; } | follow 8<&-
}

# Reads exactly `size` bytes; gives 1 where the client was cut off while it sent them, 2 where there is no room for them;
# nothing has started then.
take_command() {
  # shellcheck disable=SC2016 # the step's shell expands
  { printf 'echo "$$" >&9; exec 9>&- </dev/null\n' >"$mine/cmd.$me"; } 2>/dev/null || return 2
  [ "$size" -gt 0 ] || return 0
  got=$(dd bs="$size" count=1 iflag=fullblock 2>&1 >>"$mine/cmd.$me")
  case $?.$got in
    0.1+0*) return 0 ;;
    0.*[01]+[01]*) return 1 ;;
    *[01]+[01]*) return 2 ;; # it did read, so there is nothing left to read
  esac
  head -c "$size" >>"$mine/cmd.$me" || return 2
  [ "$(wc -c <"$mine/cmd.$me")" -eq $((size + 36)) ]
}

attach() {
  case $state in
    none | claimed | lost | rebooted | elsewhere) answer "$state" ;;
    tombstone) read_tombstone ;;
  esac
  agree_before
  frame state "$state"
  exec 3<&0
  wake 50 | follow
  exit 0
}

agree_before() { [ "$digest" = "$s_digest" ] || answer other-command; }

read_tombstone() {
  read -r t_state t_digest _ _ t_code t_how t_ended t_when <"$tomb"
  [ "$t_digest" = "$digest" ] || [ "$t_digest" = - ] || answer other-command
  answer tombstone "$t_state" "$t_code" "$t_how" "$t_ended" "$t_when"
}

finish_off() { # a person wants it ended
  look
  case $state in
    running)
      mine=${d%/*}
      note "$d/ending" "$grace" || answer noroom "no room to say that it is to end"
      dog=''
      { read -r dog <"$d/dog"; } 2>/dev/null
      [ -z "$dog" ] || kill -s USR1 "$dog" 2>/dev/null
      answer ending
      ;;
    orphan) end_all && answer ended "$ended" ;;
  esac
  answer "$state"
}

forget() {
  clear_dead
  look
  case $state in
    none | tombstone) answer "$state" ;;
    running | orphan) answer refused "it is running" ;;
    claimed) bury ;; # it may be about to start
  esac
  e_code=${e_code:--} e_how=${e_how:--} e_ended=${e_ended:--} place=${d%/*}
  when=$(date -u -r "$d/exit" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u +%Y-%m-%dT%H:%M:%SZ)
  rm -f "$d/out" "$d/err" # these first, so that there is room
  mine=$place
  note "$place/bury.$me" "$state $s_digest $s_head $s_run $e_code $e_how $e_ended $when" || answer noroom "no room for a tombstone"
  durable "$place/bury.$me"
  mv "$place/bury.$me" "$place/t.$token" && durable "$place"
  rm -rf "$disk/s.$token" "$mem/s.$token"
  answer forgotten
}

# Makes sure that a token never starts. The tombstone is there before `started` is looked for, and who links `started`
# looks for the tombstone afterwards, so one of them sees the other. The tombstone is never taken away again, since
# somebody else may rely on it; where the step does run, `started` counts for more.
bury() {
  clear_dead
  look
  settle_somewhere
  case $state in
    tombstone) [ -n "$buried" ] || not_buried "tombstone" ;;
    none | claimed)
      note "$mine/bury.$me" "buried - $head $run - - - $(date -u +%Y-%m-%dT%H:%M:%SZ)" || not_buried "noroom"
      durable "$mine/bury.$me"
      ln "$mine/bury.$me" "$mine/t.$token" 2>/dev/null || [ -f "$mine/t.$token" ] || not_buried "noroom"
      durable "$mine"
      rm -f "$mine/bury.$me"
      ;;
    *) not_buried "$state" ;;
  esac
  waited=0
  while [ -e "$disk/s.$token/started" ] || [ -e "$mem/s.$token/started" ]; do
    waited=$((waited + 1))
    look
    case $waited.$state in
      100.*) not_buried "$state" ;;
      *.running | *.tombstone) ;;
      *) not_buried "$state" ;;
    esac
    nap 20 # whoever linked it takes it back, if it looked for the tombstone after we made it
  done
  look
  if [ "$state" != tombstone ] || [ -z "$buried" ]; then not_buried "$state"; fi
  rm -rf "$disk/s.$token" "$mem/s.$token" # whoever comes late finds the tombstone
  rm -f "$mine/room.$me"
  answer buried
}

not_buried() { rm -f "$mine/bury.$me" "$mine/room.$me"; answer kept "$1"; }

heads() { # by the token, which begins with its run: a rollback's own `run` is the one that it takes back
  clear_dead
  of=$run.
  if [ "$run" = any ]; then # of every run, and of every user
    of=''
    signs_of_life
    if [ "$uid" = 0 ]; then
      for its_user in "$target"/agent-* "$memory_folder"/agent-*; do
        [ -d "$its_user" ] && [ ! -L "$its_user" ] || continue
        disk=$target/${its_user##*/} mem=$memory_folder/${its_user##*/}
        list_heads
      done
      answer listed
    fi
  fi
  list_heads
  answer listed
}

# What other users' signs of life say. Whether a child of a supervisor that is gone lives is for them, or for root, to see.
signs_of_life() {
  for life in "$target"/locks/live.* "$memory_folder"/locks/live.*; do
    [ -f "$life" ] && [ ! -O "$life" ] && [ ! -L "$life" ] && read_life || continue
    [ "$l_boot" = "$boot" ] || continue
    token=${life##*/live.} && token=${token%.*}
    if [ -n "$lives" ]; then
      frame head "$token - running"
    elif [ "$uid" != 0 ] && { [ -z "$l_group" ] || group_lives; }; then
      frame head "$token - orphan"
    fi
  done
}

group_lives() {
  sed -n -e "s/^\([0-9]*\) (.*) [^ZX] [0-9]* $l_group [0-9]* .*/\1/p" \
    -e "s/^\([0-9]*\) (.*) [^ZX] [0-9]* [0-9]* $l_group [-0-9]* .*/\1/p" /proc/[0-9]*/stat 2>/dev/null | grep -q .
}

list_heads() {
  for its_place in "$disk" "$mem"; do
    for file in "$its_place/t.$of"*; do
      [ -f "$file" ] && read -r _ _ its_head _ <"$file" && [ "$its_head" != - ] || continue
      token=${file##*/t.}
      look
      [ "$state" != tombstone ] || frame head "$token $its_head done"
    done
    for file in "$its_place/s.$of"*/started; do
      [ -f "$file" ] && read -r _ _ _ _ _ its_head _ <"$file" || continue
      file=${file%/started} token=${file##*/s.}
      look
      [ "$state" != tombstone ] || state="done"
      frame head "$token $its_head $state"
    done
  done
}

# What an earlier run left here, and whether there is room; makes nothing.
survey() {
  of=''
  look_at_lock
  if [ "$top" -gt 0 ] && [ -z "$top_free" ]; then
    lives=yes
    [ "$top_boot" = "$boot" ] || lives=rebooted
    frame lock "$top $lives $top_claim"
  fi
  signs_of_life
  list_heads
  place=$target
  while [ ! -d "$place" ]; do place=${place%/*} && place=${place:-/}; done
  # shellcheck disable=SC2046 # words of one line
  set -- $(df -Pk "$place" 2>/dev/null | tail -n 1)
  answer surveyed "${4:--}"
}

room() {
  settle_somewhere
  if [ ! -s "$mine/reserve" ] && [ "$kept" = disk ]; then
    dd if=/dev/zero of="$mine/reserve" bs=65536 count=16 2>/dev/null || { rm -f "$mine/reserve" "$mine/room.$me" && answer noroom "no room for the reserve in $mine"; }
  fi
  leave_room
  answer room "$kept"
}

main() {
  operation=${1:-}
  [ $# -eq 0 ] || shift
  read_arguments "$@"
  read_identity
  greet
  [ -z "$wanted" ] || [ "$wanted" = "$machine" ] || answer refused "another machine answers than the one that this run began on"
  case $operation in
    run | attach | finish_off | forget | bury) word "$token" token ;;
    lock | unlock | approve | approvals | announce | withdraw | gates | heads) word "$run" run ;;
    room | survey) ;;
    *) answer refused "the operation is not known" ;;
  esac
  own_folders
  case $operation in attach) look ;; lock | unlock) clear_dead ;; esac
  "$operation"
  exit 0
}

main "$@"
exit 0
