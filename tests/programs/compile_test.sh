#!/bin/bash
# compile_test.sh SLUICEFS TREE: this project is compiled on the mount, in part or, in the long form, whole: nothing is left
# to do afterwards, what comes out of it runs from the mount and from behind it, and in the long form is to the byte what
# a local file system gives.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"
tree=$2 target=sluice
long && target=sluicefs
readonly tree target
unset CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER  # A cache of objects would compile nothing.
export CCACHE_DISABLE=1 SOURCE_DATE_EPOCH=0

# In $mnt, whatever is there.
compile() {
  mkdir "$mnt/source" && tar --create --exclude=./build --exclude=./.git -C "$tree" . | tar --extract -C "$mnt/source" &&
    cmake -G Ninja -S "$mnt/source" -B "$mnt/build" -DSLUICE_TESTS=OFF -DCMAKE_BUILD_TYPE=Debug &&
    cmake --build "$mnt/build" --target $target
}
build_quietly() { compile >"$scratch/build.log" 2>&1 || { tail -n 30 "$scratch/build.log" >&2; die "$1"; }; }
digests() { (cd "$1/build" && find . -name '*.o' -o -name '*.a' -o -path './bin/*' | sort | xargs sha256sum); }
no_work() { ninja -C "$mnt/build" $target | grep -q 'no work to do'; }

start_mount
build_quietly "compiling on the mount"
no_work || die "something is left to do"
touch "$mnt/source/engine/base/src/result.cc"
no_work && die "a change went unnoticed"
ninja -C "$mnt/build" $target >/dev/null || die "compiling what has changed"
no_work || die "something is left to do after a change"

cat >"$mnt/hello.cc" <<'END'
#include <cstdio>
#include "sluice/result.h"
int main() { std::puts(sluice::Errno(2).message().c_str()); }
END
g++ -std=c++20 -I"$mnt/source/engine/base/include" "$mnt/hello.cc" -o "$mnt/hello" "$mnt/build/lib/libsluice_base.a" ||
  die "linking with what was compiled"
for place in "$mnt" "$source"; do
  [ "$("$place/hello")" = "No such file or directory" ] || die "$place/hello does not do what it should"
  ! long || "$place/build/bin/sluicefs" --version >/dev/null || die "$place: sluicefs does not run"
done
digests "$mnt" >"$scratch/on_mount"
stop_mount
unchanged() { digests "$source" | diff "$scratch/on_mount" -; }
unchanged || die "mount and source differ"

if long; then
  # At the same path, for it is in the debugging information.
  mkdir "$scratch/native" && mount --bind "$scratch/native" "$mnt" || die "no bind mount"
  build_quietly "compiling on the local file system"
  digests "$mnt" >"$scratch/native_digests"
  umount "$mnt"
  diff "$scratch/native_digests" "$scratch/on_mount" || die "not what the local file system gives"
fi

damage "$(find "$source/build" -name 'result.cc.o')" 1000
must_notice unchanged
