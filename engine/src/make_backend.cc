#include "sluice/io_backend.h"
#include "thread_backend.h"
#include "uring_backend.h"

namespace sluice {
namespace {

template <typename Backend>
Result<std::unique_ptr<IoBackend>> make(unsigned max_in_flight) {
  Result<std::unique_ptr<Backend>> backend = Backend::create(max_in_flight);
  if (!backend) return fail(backend.error());
  return std::unique_ptr<IoBackend>(std::move(*backend));
}

}  // namespace

Result<std::unique_ptr<IoBackend>> make_backend(BackendChoice choice, unsigned max_in_flight) {
  if (max_in_flight == 0 || max_in_flight > kMaxInFlight) return fail(EINVAL);
  switch (choice) {
    case BackendChoice::io_uring:
      return make<UringBackend>(max_in_flight);
    case BackendChoice::threads:
      return make<ThreadBackend>(max_in_flight);
    case BackendChoice::automatic:
      break;
  }
  // Whatever keeps io_uring from us (seccomp, a sysctl, an old kernel, no memory), threads are no worse.
  Result<std::unique_ptr<IoBackend>> ring = make<UringBackend>(max_in_flight);
  return ring ? std::move(ring) : make<ThreadBackend>(max_in_flight);
}

}  // namespace sluice
