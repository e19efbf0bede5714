#include "contract_ways.h"

#include <aio.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "contract_ring.h"
#include "libaio_context.h"
#include "mount_files.h"

namespace sluice::testing {

namespace {

int sync_by_glibc(int operation, int fd) {
  aiocb block{};
  block.aio_fildes = fd;
  const std::array<const aiocb*, 1> list{&block};
  if (::aio_fsync(operation, &block) != 0) return errno;
  // Without a limit, for the block must outlive the request.
  while (::aio_error(&block) == EINPROGRESS) ::aio_suspend(list.data(), 1, nullptr);
  return ::aio_error(&block);
}

int sync_by_libaio(iocb block) {
  const LibaioContext context(1);
  if (const int taken = context.submit(block); taken != 1) return -taken;
  return static_cast<int>(-context.result());
}

int sync_by_uring(unsigned kind, int fd) {
  constexpr std::uint64_t kNumber = 1;
  Ring ring;
  ring.prepare_sync(fd, kind, kNumber);
  ring.submit();
  const auto results = ring.results(1);
  return results.empty() ? ETIME : -results.at(kNumber);
}

}  // namespace

const std::array<Way, 8> kWays{{
    {"fsync", SyncKind::full, [](int fd) { return error_of(::fsync(fd)); }},
    {"fdatasync", SyncKind::data, [](int fd) { return error_of(::fdatasync(fd)); }},
    {"glibc_O_SYNC", SyncKind::full, [](int fd) { return sync_by_glibc(O_SYNC, fd); }},
    {"glibc_O_DSYNC", SyncKind::data, [](int fd) { return sync_by_glibc(O_DSYNC, fd); }},
    {"libaio_fsync", SyncKind::full, [](int fd) { return sync_by_libaio(sync_block(fd)); }},
    {"libaio_fdsync", SyncKind::data, [](int fd) { return sync_by_libaio(data_sync_block(fd)); }},
    {"io_uring_fsync", SyncKind::full, [](int fd) { return sync_by_uring(0, fd); }},
    {"io_uring_fdatasync", SyncKind::data, [](int fd) { return sync_by_uring(IORING_FSYNC_DATASYNC, fd); }},
}};

}  // namespace sluice::testing
