# shellcheck shell=bash
# Sourced by the tests of this directory with the path of sluicefs as $1: a scratch mount by the real program, which
# goes away with the test. Afterwards $source is the backing directory, $mnt the mount, $scratch room beside them.
set -u -o pipefail

readonly sluicefs=$1
readonly skipped=77  # What ctest takes for "skipped".

die() {
  echo "FAILED: $*" >&2
  exit 1
}

skip() {
  echo "skipped: $*"
  exit $skipped
}

# Whether the whole is to be done instead of a sample.
long() { [ -n "${SLUICE_TEST_LONG:-}" ]; }

wait_until() {  # SECONDS COMMAND [ARGUMENT]...
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

[ "$(id -u)" -eq 0 ] || skip "needs root to mount"

scratch=$(mktemp -d /tmp/sluice-programs.XXXXXX) || die "no scratch directory"
readonly scratch source=$scratch/source mnt=$scratch/mnt log=$scratch/sluicefs.log
daemon=

# A test that starts programs on the mount ends them here; it gets its exit status.
before_clean_up() { :; }

clean_up() {
  local status=$?
  trap - EXIT
  before_clean_up $status
  [ $status -eq 0 ] || { echo "What sluicefs said:"; cat "$log"; } >&2
  if [ -n "$daemon" ]; then
    mountpoint -q "$mnt" && umount -l "$mnt"
    kill -TERM "$daemon" 2>/dev/null
    wait "$daemon"
  fi
  rm -rf --one-file-system "$scratch"
  exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM

start_mount() {  # [OPTION of sluicefs]...
  setpriv --pdeathsig TERM "$sluicefs" -f "$source" "$mnt" -o "data=${SLUICE_TEST_DATA:-tracked}" "$@" >>"$log" 2>&1 &
  daemon=$!
  wait_until 60 mounted_or_ended
  mountpoint -q "$mnt" || die "sluicefs did not start"
}
mounted_or_ended() { mountpoint -q "$mnt" || ! kill -0 "$daemon" 2>/dev/null; }

# Stops it as a service manager does. What was accepted must be durable, or the exit status is not 0.
stop_mount() {
  kill -TERM "$daemon"
  wait "$daemon"
  local status=$?
  daemon=
  [ $status -eq 0 ] || die "sluicefs exited with status $status"
  mountpoint -q "$mnt" && die "still mounted"
  return 0
}

# For the end of a test, to show that its check can fail: other bytes in a file, and a check that must not pass then.
damage() {  # FILE OFFSET [COUNT]
  local before
  before=$(sha256sum "$1")
  dd if=/dev/urandom of="$1" bs=1 seek="$2" count="${3:-16}" conv=notrunc status=none || die "cannot damage $1"
  [ "$(sha256sum "$1")" != "$before" ] || die "there is no damage to $1"
}
must_notice() {  # CHECK [ARGUMENT]...
  "$@" >"$scratch/noticed" 2>&1 && die "damage went unnoticed: $*"
  return 0
}

chmod 711 "$scratch"  # Programs of other users go to the mount below it.
mkdir "$source" "$mnt" || die "no directories"
