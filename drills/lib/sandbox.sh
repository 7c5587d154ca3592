# shellcheck shell=sh
# Functions for every script of a drill. `sandbox` is the folder; nothing outside of it is to be touched.

# A line for whoever reads the drill's log.
say() { printf '%s\n' "$*" >&2; }

# quoted TEXT: as one word of a shell. doubled TEXT: as it stands between the quotes of a server's configuration. escaped TEXT:
# as it stands between those of JSON.
quoted() { printf "'%s'\n" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }
escaped() { printf '%s\n' "$1" | sed 's/[\\"]/\\&/g'; }
doubled() { printf '%s\n' "$1" | sed "s/'/''/g"; }

# Give the user that owns what the drill runs: as root an ordinary one, since servers refuse root; else who is there.
sandbox_user() { if [ "$(id -u)" = 0 ]; then echo nobody; else id -un; fi; }

# as_user COMMAND...: execute it as that user.
as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups env HOME="$sandbox" "$@"
  else
    "$@"
  fi
}

# own PATH...: let that user own it.
own() { if [ "$(id -u)" = 0 ]; then chown -R "nobody:$(id -gn nobody)" "$@"; fi; }

# start NAME COMMAND...: a process in a session of its own; its output goes to log.NAME. Told by pid and start time.
start() {
  start_name=$1; shift
  mkdir -p "$sandbox/pids"
  setsid "$@" </dev/null >>"$sandbox/log.$start_name" 2>&1 &
  note_process "$start_name" $!
}

# note_process NAME PID: have `running`, `stop` and `end_all` know a process that something else started.
note_process() {
  mkdir -p "$sandbox/pids"
  printf '%s %s\n' "$2" "$(process_began "$2")" >"$sandbox/pids/$1"
}

# process_began PID: when it began, in ticks since boot; together with the pid it names one process and no later one.
process_began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# running NAME: whether it lives.
running() {
  [ -f "$sandbox/pids/$1" ] || return 1
  read -r running_pid running_began <"$sandbox/pids/$1" || return 1
  [ -n "$running_began" ] && [ "$(process_began "$running_pid")" = "$running_began" ] || return 1
  [ "$(sed 's/.*) //' "/proc/$running_pid/stat" 2>/dev/null | cut -d ' ' -f 1)" != Z ]
}

# pid_of NAME: its process id.
pid_of() { read -r running_pid running_began <"$sandbox/pids/$1" && echo "$running_pid"; }

# stop NAME [SIGNAL]: end it and what is in its session, and wait until it is gone.
stop() {
  if running "$1"; then
    kill -s "${2:-TERM}" -- "-$running_pid" 2>/dev/null || kill -s "${2:-TERM}" "$running_pid" 2>/dev/null || :
    stop_waited=0
    while running "$1"; do
      stop_waited=$((stop_waited + 1))
      [ "$stop_waited" -lt 100 ] || { kill -s KILL -- "-$running_pid" 2>/dev/null || kill -s KILL "$running_pid" 2>/dev/null || :; }
      [ "$stop_waited" -lt 200 ] || { say "$1 cannot be ended"; return 1; }
      sleep 0.05
    done
  fi
  rm -f "$sandbox/pids/$1"
}

# end_all: end every process that is known here.
end_all() {
  for end_file in "$sandbox"/pids/*; do
    [ -f "$end_file" ] || continue
    stop "${end_file##*/}" || :
  done
}

# mount_tmpfs SIZE INODES FOLDER: a small filesystem in memory, for example `mount_tmpfs 64m 500 "$sandbox/log"`.
mount_tmpfs() {
  mkdir -p "$3"
  mount -t tmpfs -o "size=$1,nr_inodes=$2,mode=0755" holdpoint-drill "$3"
}

# unmount_all: give every mount below the sandbox back, the innermost first. They are made private before, since of a tree that
# shows another one (`mount --rbind`) that one would be unmounted too.
unmount_all() {
  each_mount mount --make-private
  each_mount unmount
}

unmount() { umount "$1" 2>/dev/null || umount -l "$1"; }

# unmount_others: in a namespace of one's own, let go of what other sandboxes mounted; else it stays mounted there, and its loop
# device busy, after they gave it back.
unmount_others() {
  mounts_own=$(cd -P "$sandbox/.." && pwd -P)
  awk '{ print $5 }' /proc/self/mountinfo | sort -r | while IFS= read -r mounted_at; do
    mounted_at=$(printf '%b' "$mounted_at")
    case $mounted_at in
      "$mounts_own"/*) ;;
      */hpd-????????/*) umount -l "$mounted_at" || : ;;
    esac
  done
}

# each_mount COMMAND...: execute it with each mount below the sandbox, the innermost first. The kernel tells blanks as octal numbers.
each_mount() {
  mounts_below=$(cd -P "$sandbox" && pwd -P)
  awk '{ print $5 }' /proc/self/mountinfo | sort -r | while IFS= read -r mounted_at; do
    mounted_at=$(printf '%b' "$mounted_at")
    case $mounted_at in "$mounts_below"/*) "$@" "$mounted_at" || : ;; esac
  done
}

# free_port: a port of loopback on which nothing listens now.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when the time is up.
wait_for() {
  wait_until=$(($(date +%s) + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -le "$wait_until" ] || return 1
    sleep 0.05
  done
}
