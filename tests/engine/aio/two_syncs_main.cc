#include <aio.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

// Writes to the given file of plain <aio.h>, syncs it twice, and prints the status of both syncs.

namespace {

int sync_status(int fd) {
  aiocb block{};
  block.aio_fildes = fd;
  block.aio_sigevent.sigev_notify = SIGEV_NONE;
  if (::aio_fsync(O_SYNC, &block) != 0) return errno;
  const aiocb* const blocks[] = {&block};
  while (::aio_error(&block) == EINPROGRESS) ::aio_suspend(blocks, 1, nullptr);
  return ::aio_error(&block);
}

}  // namespace

int main(int, char** arguments) {
  const int fd = ::open(arguments[1], O_RDWR | O_CLOEXEC);
  const off_t offset = 3 * 4096;
  if (fd < 0 || ::pwrite(fd, "x", 1, offset) != 1) return 1;
  const int first = sync_status(fd);
  const int second = sync_status(fd);
  std::printf("%d %d\n", first, second);
}
