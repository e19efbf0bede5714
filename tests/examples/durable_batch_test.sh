#!/bin/bash
# durable_batch_test.sh SOURCE BUILD SANITIZERS: the example builds by the very command of its page, and does what the
# page says.
set -u -o pipefail
readonly source=$1 build=$2 sanitizers=$3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/durable_batch.XXXXXX") || exit 1
readonly scratch
trap 'rm -rf "$scratch"' EXIT

die() {
  echo "FAILED: $*" >&2
  exit 1
}

if [ -n "$sanitizers" ]; then
  echo "skipped: the libraries were built for $sanitizers, and do not link by the command of the page"
  exit 77
fi

# The tree as the page has it, with this build for the one that it names.
mkdir "$scratch/build" "$scratch/batch"
ln -s "$source/engine" "$source/docs" "$scratch"
ln -s "$build" "$scratch/build/release"
cd "$scratch" || exit 1

# The first block of code, without its fences.
# shellcheck disable=SC2016  # Backquotes of the page.
command=$(sed -n '/^```$/,/^```$/{/^```$/!p;}' "$source/docs/examples/README.md" | sed '/[^\\]$/q')
case $command in
  "cc "*durable_batch.c*) ;;
  *) die "the page does not begin with the command, but with: $command" ;;
esac
bash -c "$command" || die "the command of the page: $command"

cc -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only -I engine/include \
  docs/examples/durable_batch.c || die "the example raises warnings"

output=$(./durable_batch batch 100) || die "exit status $?"
[ "$output" = "100 files are durable" ] || die "it says: $output"
[ "$(find batch -type f -size 4096c | wc -l)" = 100 ] || die "there are not 100 files of 4096 bytes"
for letter in {a..z}; do printf "%4096s" "" | tr " " "$letter" >"expected-$letter"; done
cmp batch/file-000 expected-a || die "wrong content"
cmp batch/file-027 expected-b || die "wrong content"

./durable_batch batch 1 2>errors && die "it makes a file that is there already"
grep -q "File exists" errors || die "it says of a file that is there: $(cat errors)"
./durable_batch nowhere 1 2>errors && die "it makes files in a directory that is not there"
grep -q "nowhere: No such file or directory" errors || die "it says of a missing directory: $(cat errors)"
mkdir refused
(trap "" XFSZ && ulimit -f 0 && exec ./durable_batch refused 3) 2>&1 | cat >errors
[ "${PIPESTATUS[0]}" = 1 ] || die "files that cannot be written are no failure"
grep -q "not everything is durable: File too large" errors || die "it says of refused writes: $(cat errors)"
./durable_batch batch 0 2>errors
[ $? = 2 ] || die "0 files are no usage error"
