#!/bin/bash
# fsx_test.sh SLUICEFS FSX SECONDS: random reads, writes, direct I/O, mappings, truncations, holes, copies and syncs by
# several processes, compared after each with what must be there, through the mount and behind it. Each layout runs for
# a third of SECONDS, with seeds that differ from day to day when there is time for more than one.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"
readonly fsx=$2 seconds=$(($3 / 3))

seed=1
[ $seconds -gt 0 ] && seed=$(date +%s)000

# In passthrough the source's file system says what direct I/O must be aligned to.
alignment=()
[ "${SLUICE_TEST_DATA:-tracked}" = tracked ] || alignment=(--no-odd-direct)

start_mount
for layout in own handles regions; do
  mkdir "$mnt/$layout"
  "$fsx" "$mnt/$layout" "$source/$layout" --layout $layout --seed "$seed" --operations 2000 --seconds $seconds \
    "${alignment[@]}" ||
    die "$layout: not what was written"
done

# The check itself can fail.
for lie in lose flip; do
  "$fsx" "$mnt/own" "$source/own" --seed 1 --operations 200 --lie $lie 2>"$scratch/lie.log"
  [ $? -eq 1 ] && grep -q 'repeat with: .*--seed' "$scratch/lie.log" || die "the lie '$lie' went unnoticed"
done
stop_mount
