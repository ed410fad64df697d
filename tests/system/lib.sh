# Shared by the system and interop tests and by the quickstart: a private mount
# namespace in which this build's scimd is installed, and helpers to wait for
# conditions. Everything that is started is ended by pid.
# shellcheck shell=bash

SCIM_PID='' SCIMD_PID='' LOCKOUT_PID='' HOOK_PID=''

# How a test begins: it runs itself anew in namespaces of its own, and prepares them.
# $1: its path. Sets `work`, a scratch folder.
ns_begin() {
  if [ -z "${INSIDE:-}" ]; then
    INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$(realpath "$1")"
  fi
  work=$(mktemp -d)
  ns_prepare "$work" "$BUILD"
}

# Overlays for /etc and the library folder, tmpfs for the state: nothing that
# happens in here reaches the host. $1: a scratch folder, $2: a build's folder.
ns_prepare() {
  local w=$1/ns lib
  lib=/usr/lib/$(gcc -print-multiarch 2>/dev/null)
  mkdir -p "$w"
  mount -t tmpfs -o mode=755 tmpfs "$w"
  mkdir -p "$w"/etc.u "$w"/etc.w "$w"/lib.u "$w"/lib.w "$w"/tmp
  mount -t overlay overlay -o "lowerdir=/etc,upperdir=$w/etc.u,workdir=$w/etc.w" /etc
  mount -t overlay overlay -o "lowerdir=$lib,upperdir=$w/lib.u,workdir=$w/lib.w" "$lib"
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/scimd
  NS_TMP=$w/tmp
  if [ ! -d /var/lib/scimd ]; then mount -t tmpfs -o mode=755 tmpfs /var/lib; fi
  mkdir -p /var/lib/scimd
  mount -t tmpfs -o mode=755 tmpfs /var/lib/scimd
  install -m644 "$2/root$lib/libnss_scim.so.2" "$lib/libnss_scim.so.2"
  mkdir -p /etc/scimd/conf.d /etc/scimd/credentials.d
  chmod 700 /etc/scimd/credentials.d
  sed -i -E 's/^(passwd|group):.*/\1: files scim/' /etc/nsswitch.conf
  PATH=$2/root/usr/sbin:$2/root/usr/bin:$2/root/usr/libexec/scimd:$PATH
  # In a throw-away process list these are the only ones there are.
  trap ns_end EXIT
}

ns_end() {
  local pid
  for pid in "$SCIMD_PID" "$HOOK_PID" "$LOCKOUT_PID" "$SCIM_PID"; do
    # How it ends is no matter of the test.
    { [ -n "$pid" ] && kill "$pid" && wait "$pid"; } 2>/dev/null || :
  done
}

# tenacious SECONDS COMMAND…: until it succeeds; fails when the time is over.
tenacious() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    read -rt 0.05 <> <(:) || :
  done
}

# Starts the SCIM server of tests/realscim ($1: its folder); sets SCIM_URL, SCIM_ROOT.
scim_start() {
  local dir=$1
  shift
  : >"$NS_TMP/scim.log"
  ip link set lo up 2>/dev/null || true
  node "$dir/server-scimmy.mjs" --port 0 --quiet "$@" >"$NS_TMP/scim.log" 2>&1 &
  SCIM_PID=$!
  tenacious 30 grep -q '^READY' "$NS_TMP/scim.log" || { cat "$NS_TMP/scim.log" >&2; return 1; }
  SCIM_URL=$(sed -n 's/^READY \([^ ]*\).*/\1/p' "$NS_TMP/scim.log")
  SCIM_ROOT=${SCIM_URL%/scim/v2}
}

# Starts the fast directory of directory.mjs ($1 users, $2 groups, "numbers": as ids).
fast_start() {
  : >"$NS_TMP/scim.log"
  ip link set lo up 2>/dev/null || true
  node tests/system/directory.mjs "$@" >"$NS_TMP/scim.log" 2>&1 &
  SCIM_PID=$!
  tenacious 30 grep -q '^READY' "$NS_TMP/scim.log" || { cat "$NS_TMP/scim.log" >&2; return 1; }
  SCIM_URL=$(sed -n 's/^READY \([^ ]*\).*/\1/p' "$NS_TMP/scim.log")
  SCIM_ROOT=${SCIM_URL%/scim/v2}
}

# A host that serves everybody of the server that runs.
all_of_it() {
  (umask 077; echo secret >/etc/scimd/credentials.d/corp)
  printf '[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
}

scim_stop() {
  kill "$SCIM_PID" 2>/dev/null && wait "$SCIM_PID" 2>/dev/null
  SCIM_PID=''
}

# admin PATH [JSON]: the server's switches.
admin() {
  if [ $# -gt 1 ]; then
    curl -sf --noproxy '*' -X POST -H 'Content-Type: application/json' "$SCIM_ROOT$1" -d "$2"
  else
    curl -sf --noproxy '*' "$SCIM_ROOT$1"
  fi
}

# The root helper, as every host has it.
lockout_start() {
  scim-lockout --listen /run/scimd/lockout.sock 2>>"$NS_TMP/lockout.log" &
  LOCKOUT_PID=$!
  tenacious 10 test -S /run/scimd/lockout.sock
}

lockout_stop() {
  kill "$LOCKOUT_PID" 2>/dev/null || :
  wait "$LOCKOUT_PID" 2>/dev/null || :
  LOCKOUT_PID=''
}

# What runs the hooks of /etc/scimd/hooks.d.
hook_start() {
  scim-hook --listen /run/scimd/hook.sock "$@" 2>>"$NS_TMP/hook.log" &
  HOOK_PID=$!
  tenacious 10 test -S /run/scimd/hook.sock
}

hook_stop() {
  kill "$HOOK_PID" 2>/dev/null || :
  wait "$HOOK_PID" 2>/dev/null || :
  HOOK_PID=''
  rm -f /run/scimd/hook.sock
}

scimd_start() {
  [ -n "$LOCKOUT_PID" ] || lockout_start
  scimd "$@" >"$NS_TMP/scimd.log" 2>&1 &
  SCIMD_PID=$!
  tenacious 60 scimd_synced || { cat "$NS_TMP/scimd.log" >&2; return 1; }
}

scimd_synced() {
  [[ $(scimctl --json status) == *'"last_sync":{'* ]] # also where it is red
}

scimd_stop() {
  kill "$SCIMD_PID" 2>/dev/null && wait "$SCIMD_PID" 2>/dev/null
  SCIMD_PID=''
}
