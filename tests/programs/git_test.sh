#!/bin/bash
# git clones a repository onto the mount, commits, merges, collects garbage, and finds every object whole, with each of
# its writes synced; then the same objects are whole as seen through the backing directory.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_TERMINAL_PROMPT=0
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@localhost GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@localhost
readonly commits=8 files=20

git_on() {  # DIRECTORY ARGUMENT...
  local directory=$1
  shift
  git -C "$directory" -c core.fsync=all -c "core.fsyncMethod=$method" -c gc.auto=0 -c advice.detachedHead=false "$@"
}

commit_files() {  # DIRECTORY NUMBER
  local file
  for ((file = 0; file < files; file++)); do
    mkdir -p "$1/$((file % 7))" && seq "$2" $((20 * file + $2)) >"$1/$((file % 7))/$file"
  done
  git_on "$1" add -A && git_on "$1" commit -qm "commit $2"
}

# Everything that a user of the repository sees.
fingerprint() {  # DIRECTORY
  git_on "$1" rev-parse HEAD 'HEAD^{tree}' && git_on "$1" status --porcelain && git_on "$1" log --format=%H | sort
}

method=fsync
git init -q "$scratch/origin" || die "git init"
for ((number = 1; number <= commits; number++)); do commit_files "$scratch/origin" $number || die "git commit"; done

start_mount
for method in fsync batch; do
  clone=$mnt/$method
  git -c core.fsync=all -c "core.fsyncMethod=$method" clone -q "file://$scratch/origin" "$clone" || die "git clone"
  diff <(fingerprint "$scratch/origin") <(fingerprint "$clone") || die "the clone differs"
  git_on "$clone" checkout -qb side HEAD~3 && commit_files "$clone" 100 || die "git commit on the mount"
  git_on "$clone" checkout -q - && git_on "$clone" merge -q -s ours -m merge side || die "git merge"
  git_on "$clone" gc -q --prune=now || die "git gc"
  git_on "$clone" fsck --full --strict || die "git fsck through the mount"
  git_on "$source/$method" fsck --full --strict || die "git fsck behind the mount"
  diff <(fingerprint "$clone") <(fingerprint "$source/$method") || die "mount and source differ"
done
stop_mount
for method in fsync batch; do
  git_on "$source/$method" fsck --full --strict || die "git fsck after the stop"
done

cp -r "$source/fsync" "$scratch/damaged"
pack=$(echo "$scratch"/damaged/.git/objects/pack/*.pack)
chmod u+w "$pack"
damage "$pack" 500
must_notice git_on "$scratch/damaged" fsck --full
