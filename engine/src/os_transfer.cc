#include "os_transfer.h"

#include <unistd.h>

#include <cerrno>

#include "os_sync.h"

namespace sluice {

ssize_t transfer_bytes(const Transfer& transfer) {
  const ssize_t result = transfer.kind == TransferKind::read
                             ? ::pread(transfer.fd, transfer.buffer, transfer.bytes, transfer.offset)
                             : ::pwrite(transfer.fd, transfer.buffer, transfer.bytes, transfer.offset);
  return result < 0 ? -errno : result;
}

IoCompletion completion_of_transfer(IoToken token, ssize_t result) {
  if (result < 0) return completion_of(token, static_cast<int>(-result));
  return {.token = token, .outcome = IoOutcome::succeeded, .bytes = static_cast<std::size_t>(result)};
}

}  // namespace sluice
