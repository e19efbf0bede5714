#include "posix_harness.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

namespace sluice::testing {

sluice_aiocb sync_block(int fd) {
  sluice_aiocb block{};
  block.aio_fildes = fd;
  block.aio_sigevent.sigev_notify = SIGEV_NONE;
  return block;
}

sluice_aiocb write_block(int fd, const std::string& text, off_t offset) {
  sluice_aiocb block = sync_block(fd);
  block.aio_buf = const_cast<char*>(text.data());
  block.aio_nbytes = text.size();
  block.aio_offset = offset;
  return block;
}

sluice_aiocb read_block(int fd, std::string& into, off_t offset) {
  sluice_aiocb block = sync_block(fd);
  block.aio_buf = into.data();
  block.aio_nbytes = into.size();
  block.aio_offset = offset;
  return block;
}

Block::~Block() {
  status_when_done(*this);
  sluice_aio_return(this);
}

int status_when_done(const sluice_aiocb& block) {
  const sluice_aiocb* const blocks[] = {&block};
  const timespec patience{.tv_sec = 10, .tv_nsec = 0};
  while (sluice_aio_suspend(blocks, 1, &patience) != 0) {
    if (errno == EAGAIN) return ETIMEDOUT;
  }
  return sluice_aio_error(&block);
}

void in_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child says why; status " << status;
}

}  // namespace sluice::testing
