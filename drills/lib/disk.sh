# shellcheck shell=sh
# A small filesystem of the sandbox's own in "$sandbox/disk", and an application that saves there and logs there.

# shellcheck disable=SC2154
disk=$sandbox/disk

# make_disk tmpfs SIZE INODES | make_disk ext4 MEGABYTES: ext4 lies in a file that is mounted as a loop device.
make_disk() {
  if [ "$1" = tmpfs ]; then
    mount_tmpfs "$2" "$3" "$disk"
  else
    mkdir -p "$disk"
    truncate -s "$2M" "$sandbox/image"
    mkfs.ext4 -q -F -m 0 "$sandbox/image"
    mount -o loop "$sandbox/image" "$disk"
  fi
  chmod 711 "$sandbox"
  chmod 755 "$disk"
  mkdir "$disk/data" "$disk/log" "$disk/cache"
  seq 1 40000 >"$disk/cache/thumbnails"
  printf 'mount=%s\nwatch=1\n' "$disk" >>"$sandbox/values"
}

# records ROWS: what must not be lost, as a live database has it: a segment that is written all the time, so it is the
# newest file. 300,000 rows are 3 MB.
records() {
  mkdir -p "$disk/data/base/16384"
  echo 15 >"$disk/data/PG_VERSION"
  seq -f 'row %.0f' 1 "$1" >"$disk/data/base/16384/2619"
}

# note_ledger FILE...: what `ledger_kept` compares.
note_ledger() { sha256sum -- "$@" >>"$sandbox/ledger"; }

ledger_kept() {
  if said=$(sha256sum --quiet -c "$sandbox/ledger" 2>&1); then echo "all that counts is there"; return 0; fi
  printf '%s\n' "$said" | head -n 1
  return 1
}

# used blocks|inodes: the percentage that is used, as the alert has it.
used() {
  if [ "$1" = blocks ]; then form='%b %f %a'; else form='%c %d %d'; fi
  stat -f -c "$form" -- "$disk" | awk '{ taken = $1 - $2; all = taken + $3; print (all > 0 ? int((taken * 100 + all - 1) / all) : 0) }'
}

# fill FILE: until there is no room at all.
fill() {
  dd if=/dev/zero bs=65536 2>/dev/null >>"$1" || :
  dd if=/dev/zero bs=1024 2>/dev/null >>"$1" || :
}

# put FILE MEGABYTES [AGE]: for example `put "$disk/old" 5 '40 days ago'`.
put() {
  head -c "${2}M" /dev/zero | tr '\0' 'x' >"$1"
  touch -d "${3:-now}" "$1"
}

# The number of the port is asked for once, so that users find it again after a restart.
start_saver() {
  if [ ! -f "$sandbox/port" ]; then free_port >"$sandbox/port"; fi
  own "$disk/data" "$disk/log"
  # shellcheck disable=SC2154
  start saver python3 "$drills/stand-ins/saver.py" "$disk/data" "$disk/log/app.log" "$(cat "$sandbox/port")"
  wait_for 10 grep -q . "/proc/$(pid_of saver)/comm"
  wait_for 10 answers
}

# answers: whether somebody answers at all, and be it with an error.
answers() { save >/dev/null 2>&1 || [ "$?" = 1 ]; }

# save: what a user sees who saves a page. 1 where it is refused, 2 where nobody answers.
save() {
  python3 -c '
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1] + "/save", timeout=10).read().decode().strip())
except urllib.error.HTTPError as error:
    print(error.read().decode().strip()); sys.exit(1)
except OSError as error:
    print(error); sys.exit(2)' "$(cat "$sandbox/port")"
}

restart_saver() {
  stop saver KILL
  start_saver
}

# disk_is_well: a page can be saved, and the alert is quiet.
disk_is_well() {
  seen="$(used blocks) % of the blocks and $(used inodes) % of the inodes are used" || return 1
  if ! said=$(save); then echo "a page cannot be saved: $said; $seen"; return 1; fi
  echo "a page can be saved; $seen"
  [ "$(used blocks)" -lt 90 ] && [ "$(used inodes)" -lt 90 ]
}

heal_disk() {
  end_all
  unmount_all
}
