#!/bin/bash
# fio writes blocks of mixed sizes at random places through the mount, each with a checksum and its place in it, by
# several ways of doing I/O, syncing now and then, and finds them again, through the mount and behind it.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"

readonly buffered="--direct=0 --bsrange=512-64k" direct="--direct=1 --bsrange=4k-64k --blockalign=4k"
readonly jobs=(
  "--ioengine=sync $buffered --fsync=16"
  "--ioengine=sync $direct --fdatasync=16"
  "--ioengine=psync $buffered --fdatasync=16 --overwrite=1"
  "--ioengine=psync $direct --sync=dsync"
  "--ioengine=mmap --direct=0 --bsrange=4k-64k --blockalign=4k --fsync=16"
  "--ioengine=libaio $direct --iodepth=16 --fsync=16"
  "--ioengine=io_uring --direct=0 --bs=4k --iodepth=16 --fsync=16"
)

run_fio() {  # DIRECTORY NUMBER [OPTION]...; NUMBER is that of the job
  local directory=$1 number=$2
  shift 2
  # shellcheck disable=SC2086  # A job is made of words.
  fio --name="job$number" --directory="$directory" --rw=randwrite --size=8M --numjobs=2 --verify=crc32c --verify_fatal=1 \
    --verify_state_save=0 --randrepeat=1 ${jobs[$number]} "$@" >"$scratch/fio.log" 2>&1
}

failed() {  # NUMBER WHERE
  cat "$scratch/fio.log" >&2
  die "${jobs[$1]}: $2"
}

start_mount
for number in "${!jobs[@]}"; do
  run_fio "$mnt" "$number" || failed "$number" "through the mount"
  run_fio "$source" "$number" --verify_only || failed "$number" "behind the mount"
done
stop_mount

damage "$source/job0.0.0" 409600
must_notice run_fio "$source" 0 --verify_only
