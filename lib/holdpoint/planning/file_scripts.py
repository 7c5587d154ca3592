"""The shell text that puts a file on a target, takes it back, and reads one: POSIX sh, with what there is of tools.

Each script finds its own variables assigned before it: `to`, `temp`, `most`, `content` with its
`digest` and `length`, `mode` (empty: that of the file which is there), and what the step before registered as `before` and `old`. What stands at `to` is described in one
line, `SIZE bytes mode MODE owner UID:GID sha256 DIGEST` or `nothing`, which people read as well.

A change is written beside its place, checked, made durable and renamed; whatever goes wrong, no part of it stays.
"""

from __future__ import annotations

_TOOLS = r"""
fail() { printf '%s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

sha256() {
  if has sha256sum; then sum=$(sha256sum)
  elif has shasum; then sum=$(shasum -a 256)
  elif has openssl; then sum=$(openssl dgst -sha256 -r)
  else fail 'there is no sha256sum, shasum or openssl here, so no file can be checked: install one of them'
  fi || exit 1
  printf '%s' "${sum%% *}"
}
"""

_BASE64 = r"""
encode() {
  if has base64; then base64 | tr -d '\n'
  elif has openssl; then openssl base64 -A
  elif has perl; then perl -MMIME::Base64 -0777 -ne 'print encode_base64($_, "")'
  elif has python3; then python3 -c 'import base64, sys; print(base64.b64encode(sys.stdin.buffer.read()).decode(), end="")'
  else fail 'there is no base64, openssl, perl or python3 here, so no file can be copied: install one of them'
  fi
}

decode() {
  if has base64; then base64 -d
  elif has openssl; then { fold -w 64; echo; } | openssl base64 -d
  elif has perl; then perl -MMIME::Base64 -0777 -ne 'print decode_base64($_)'
  elif has python3; then python3 -c 'import base64, sys; sys.stdout.buffer.write(base64.b64decode(sys.stdin.read()))'
  else fail 'there is no base64, openssl, perl or python3 here, so no file can be copied: install one of them'
  fi
}
"""

_LOOK = r"""
dir=${to%/*}
dir=${dir:-/}
me=$(id -un 2>/dev/null) || me=$(id -u)

owned() {
  owned=$(stat -c '%a %u:%g' -- "$1" 2>/dev/null || stat -f '%Mp%Lp %u:%g' -- "$1" 2>/dev/null)
  case $owned in
    [0-7]*' '[0-9]*:[0-9]*) ;;
    *) fail "there is no stat here that tells mode and owner of $1" ;;
  esac
  is_owner=${owned#* }
  is_mode=${owned%% *}
  while [ ${#is_mode} -lt 4 ]; do is_mode=0$is_mode; done
}

# What stands at `to`: `now` in one line, and its parts.
look() {
  now=nothing is_digest=''
  [ ! -L "$to" ] || fail "$to is a link, which is not followed: name the file that it leads to"
  [ -d "$dir" ] || fail "there is no folder $dir, so nothing can stand in it: make it first"
  [ -x "$dir" ] || fail "$me may not look into $dir: the step may need \`become\`"
  [ -e "$to" ] || return 0
  [ ! -d "$to" ] || fail "$to is a folder, where a file was expected"
  [ -f "$to" ] || fail "$to is no regular file"
  [ -r "$to" ] || fail "$me may not read $to: the step may need \`become\`"
  size=$(wc -c <"$to") || exit 1
  size=$((size))
  [ "$size" -le "$most" ] || fail "$to has $size bytes; at most $most can be kept for taking the change back"
  is_digest=$(sha256 <"$to") || exit 1
  owned "$to"
  now="$size bytes mode $is_mode owner $is_owner sha256 $is_digest"
}
"""

_WRITE = r"""
tidy() { rm -f -- "$temp"; }

# write BASE64 DIGEST MODE OWNER: leave exactly that at `to`, or `to` as it is. An empty owner is whoever writes.
write() {
  trap tidy EXIT
  trap 'exit 1' HUP INT TERM
  tidy || fail "$temp, left behind by an earlier attempt, cannot be removed"
  umask 077
  set -C
  { printf '%s' "$1" | decode >"$temp"; } || fail "$to was not written: is there room in $dir, and may $me write there?"
  set +C
  written=$(sha256 <"$temp") || exit 1
  [ "$written" = "$2" ] || fail "$to was not written: what arrived in $dir is not what was sent; is there room?"
  owned "$temp"
  [ -z "$4" ] || [ "$is_owner" = "$4" ] || chown "$4" "$temp" || fail "$to was not written: $me may not give it to $4"
  chmod "$3" "$temp" || fail "$to was not written: its mode cannot be set"
  sync "$temp" || fail "$to was not written: it cannot be made durable"
  seen=$now
  look
  [ "$now" = "$seen" ] || fail "$to was changed by somebody just now; it was not written"
  place || fail "$to was not written: it cannot be renamed into its place"
  tidy
  durable
}

# Into its place: where nothing stands, `ln` is the one way that never replaces anything.
place() {
  if [ "$now" = nothing ]; then
    ln -- "$temp" "$to" 2>/dev/null && return 0
    [ ! -e "$to" ] && [ ! -L "$to" ] || fail "$to was made by somebody just now; it was not written"
  fi
  mv -f -- "$temp" "$to"
}

durable() { sync "$dir" 2>/dev/null || sync; }
"""

READ = (
    _TOOLS
    + _BASE64
    + _LOOK
    + r"""
look
bytes=''
if [ "$now" != nothing ]; then
  bytes=$(encode <"$to") || exit 1
  copied=$(printf '%s' "$bytes" | decode | sha256) || exit 1
  [ "$copied" = "$is_digest" ] || fail "$to changed while it was read"
fi
printf '%s=%s\n' "$describes" "$now" "$holds" "$bytes"
"""
)

PUT = (
    _TOOLS
    + _BASE64
    + _LOOK
    + _WRITE
    + r"""
look
owner=''
if [ "$before" != nothing ]; then
  owner=${before#* owner }
  owner=${owner%% *}
  was_mode=${before#* mode }
  mode=${mode:-${was_mode%% *}}
fi
mode=${mode:-0644}
while [ ${#mode} -lt 4 ]; do mode=0$mode; done
wanted="$length bytes mode $mode owner ${owner:-$is_owner} sha256 $digest"
if [ "$now" = "$wanted" ]; then
  echo "exactly this stands at $to already; nothing was written"
  exit 0
fi
[ "$now" = "$before" ] || fail "$to is not what it was when it was looked at, so nothing was written
it was: $before
it is:  $now
put it back as it was; or see whose change that is, and begin a new run"
write "$content" "$digest" "$mode" "$owner"
look
[ "$is_digest" = "$digest" ] && [ "$is_mode" = "$mode" ] || fail "$to was written, and is not what was written: $now"
echo "$to: $now"
"""
)

VERIFY = (
    _TOOLS
    + _LOOK
    + r"""
look
[ "$is_digest" = "$digest" ] || fail "$to is not the file that was put there: $now"
[ -z "$mode" ] || [ "$is_mode" = "$mode" ] || fail "$to has mode $is_mode, not $mode"
"""
)

UNDO = (
    _TOOLS
    + _BASE64
    + _LOOK
    + _WRITE
    + r"""
tidy
look
if [ "$now" = "$before" ]; then
  echo "$to is as it was: $now"
  exit 0
fi
if [ "$before" = nothing ]; then
  [ "$is_digest" = "$digest" ] || fail "$to is not what was put there: somebody changed it since, so it was not removed
it is: $now"
  rm -f -- "$to" || fail "$to cannot be removed"
  durable
else
  old_digest=${before#* sha256 }
  case $is_digest in
    "$digest" | "$old_digest") ;;
    *) fail "$to is neither what was put there nor what was there before: somebody changed it since, so it was left alone
it was: $before
it is:  $now" ;;
  esac
  old_mode=${before#* mode }
  old_owner=${before#* owner }
  write "$old" "$old_digest" "${old_mode%% *}" "${old_owner%% *}"
fi
look
[ "$now" = "$before" ] || fail "$to was put back, and is not what it was: $now"
echo "$to is as it was: $now"
"""
)

FETCH = (
    _TOOLS
    + r"""
me=$(id -un 2>/dev/null) || me=$(id -u)
[ -e "$from" ] || [ -L "$from" ] || fail "there is no file $from, or $me may not look there"
[ ! -d "$from" ] || fail "$from is a folder, where a file was expected"
[ -f "$from" ] || fail "$from is no regular file"
[ -r "$from" ] || fail "$me may not read $from: the step may need \`become\`"
digest=$(sha256 <"$from") || exit 1
printf '%s\n' "$digest" || exit 1
cat <"$from"
"""
)
