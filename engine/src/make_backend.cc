#include "sluice/io_backend.h"
#include "thread_backend.h"
#include "uring_backend.h"

namespace sluice {
namespace {

template <typename Backend>
Result<std::unique_ptr<IoBackend>> make(unsigned max_syncs) {
  Result<std::unique_ptr<Backend>> backend = Backend::create(max_syncs);
  if (!backend) return fail(backend.error());
  return std::unique_ptr<IoBackend>(std::move(*backend));
}

}  // namespace

Result<std::unique_ptr<IoBackend>> make_backend(BackendChoice choice, unsigned max_syncs) {
  if (max_syncs == 0 || max_syncs > kMaxSyncs) return fail(EINVAL);
  switch (choice) {
    case BackendChoice::io_uring:
      return make<UringBackend>(max_syncs);
    case BackendChoice::threads:
      return make<ThreadBackend>(max_syncs);
    case BackendChoice::automatic:
      break;
  }
  // Whatever keeps io_uring from us (seccomp, a sysctl, an old kernel, no memory), threads are no worse.
  Result<std::unique_ptr<IoBackend>> ring = make<UringBackend>(max_syncs);
  return ring ? std::move(ring) : make<ThreadBackend>(max_syncs);
}

}  // namespace sluice
