#!/bin/bash
# A tree with all that a copy may lose (sparse files, many names of one file, device nodes, odd names, times before 1970
# and after 2038, owners, setid bits, capabilities, ACLs, attributes of every namespace) goes onto the mount and back, by
# tar and by rsync; each time it is the same, through the mount, behind it and where it came back to.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"
here=$(dirname "$0")
readonly here origin=$scratch/origin
readonly all_of_it=(--warning=no-timestamp --acls --xattrs "--xattrs-include=*")
readonly tar_create=(tar --create --format=posix "${all_of_it[@]}")
readonly tar_extract=(tar --extract --numeric-owner --same-owner --preserve-permissions "${all_of_it[@]}")
readonly tar_compare=(tar --compare --numeric-owner "${all_of_it[@]}")

describe() { python3 "$here/describe_tree.py" "$1"; }
same_as_origin() {  # WHAT DIRECTORY
  describe "$2" >"$scratch/found" || die "$1: cannot be looked at"
  diff "$scratch/wanted" "$scratch/found" >&2 || die "$1: not what was copied"
}

copy_by_tar() {  # FROM TO
  mkdir "$2" && "${tar_create[@]}" --sparse -C "$1" . | "${tar_extract[@]}" --sparse -C "$2"
}
copy_by_rsync() {  # FROM TO [OPTION]...
  local from=$1 to=$2
  shift 2
  # Otherwise it takes two times of one second for the same.
  rsync --modify-window=-1 --archive --hard-links --acls --xattrs --sparse --numeric-ids "$@" "$from/" "$to"
}

mkdir "$origin" && python3 "$here/odd_tree.py" "$origin" || die "no tree to copy"
long && for ((number = 0; number < 4000; number++)); do
  mkdir -p "$origin/many/$((number % 100))" && echo "$number" >"$origin/many/$((number % 100))/$number"
done
describe "$origin" >"$scratch/wanted" || die "the origin cannot be looked at"

start_mount
for way in tar rsync; do
  "copy_by_$way" "$origin" "$mnt/$way" || die "$way onto the mount"
  same_as_origin "$way, through the mount" "$mnt/$way"
  same_as_origin "$way, behind the mount" "$source/$way"
  "copy_by_$way" "$mnt/$way" "$scratch/back" || die "$way back"
  same_as_origin "$way, back again" "$scratch/back"
  rm -r "$scratch/back"
done

# Not by rsync, which reads holes.
if long; then
  mkdir "$scratch/far" && truncate -s $(((5 << 30) + 7)) "$scratch/far/file" &&
    printf 'data' | dd of="$scratch/far/file" bs=1 seek=$((5 << 30)) conv=notrunc status=none &&
    copy_by_tar "$scratch/far" "$mnt/far" || die "a file of 5 GiB"
  diff <(describe "$scratch/far") <(describe "$source/far") || die "a file of 5 GiB is not what was copied"
fi

# A second run has nothing to do, by times and by checksums, and a third does what has changed.
for option in --archive --checksum; do
  copy_by_rsync "$origin" "$mnt/rsync" $option --itemize-changes >"$scratch/changes" || die "rsync again"
  [ ! -s "$scratch/changes" ] || { cat "$scratch/changes" >&2; die "rsync $option finds something to do"; }
done
echo "changed" >>"$origin/large"
rm "$origin/one"
chmod 750 "$origin/inherits"
describe "$origin" >"$scratch/wanted"
copy_by_rsync "$origin" "$mnt/rsync" --delete --inplace || die "rsync of what has changed"
same_as_origin "rsync of changes, through the mount" "$mnt/rsync"
"${tar_compare[@]}" -f <("${tar_create[@]}" -C "$origin" .) -C "$mnt/rsync" >"$scratch/compared" 2>&1 ||
  { cat "$scratch/compared" >&2; die "tar --compare"; }
stop_mount
same_as_origin "rsync of changes, after the stop" "$source/rsync"

is_as_wanted() { describe "$source/rsync" | cmp "$scratch/wanted" -; }
must_notice_after() {  # COMMAND ARGUMENT...
  "$@" || die "cannot damage: $*"
  must_notice is_as_wanted
  copy_by_rsync "$origin" "$source/rsync" --delete --checksum && same_as_origin "mended after $1" "$source/rsync"
}
must_notice_after touch -d '2001-02-03 04:05:06.000000001' "$source/rsync/large"
must_notice_after damage "$source/rsync/large" 1000
must_notice_after setfattr -x user.n7 "$source/rsync/user"
must_notice_after fallocate -p -o 8192 -l 4096 "$source/rsync/large"
