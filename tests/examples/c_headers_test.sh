#!/bin/bash
# c_headers_test.sh SOURCE: the headers for C need no other before them and raise no warning, in
# C11 (with POSIX) and in C++20.
set -u
readonly source=$1
readonly warnings="-Wall -Wextra -Wpedantic -Werror"
failed=0
checked=0
for header in "$source"/engine/include/sluice/*.h; do
  grep -q 'extern "C"' "$header" || continue
  checked=$((checked + 1))
  name=sluice/$(basename "$header")
  for language in "cc -x c -std=c11 -D_POSIX_C_SOURCE=200809L" "cc -x c -std=gnu11" "c++ -x c++ -std=c++20"; do
    # shellcheck disable=SC2086  # Words, not one word.
    echo "#include <$name>" | $language $warnings -I "$source/engine/include" -fsyntax-only - || {
      echo "FAILED: $name by $language" >&2
      failed=1
    }
  done
done
[ $checked -gt 0 ] || {
  echo "FAILED: there is no header for C" >&2
  exit 1
}
exit $failed
