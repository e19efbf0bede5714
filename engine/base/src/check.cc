#include "sluice/check.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "sluice: broken invariant: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace sluice
