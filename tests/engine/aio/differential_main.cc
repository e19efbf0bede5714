#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "differential_scene.h"
#include "sluice/check.h"

// One program of plain <aio.h>, which differential_test runs with the C library's functions and with ours.
// Prints a line for each situation: its name, a tab, what was seen.

namespace sluice::testing {

std::string answer_of(long returned) {
  return returned == -1 ? ::strerrorname_np(errno) : std::to_string(returned);
}

std::string end_of(aiocb& block) {
  const aiocb* const blocks[] = {&block};
  const timespec patience{.tv_sec = 10, .tv_nsec = 0};
  while (::aio_error(&block) == EINPROGRESS) {
    if (::aio_suspend(blocks, 1, &patience) != 0 && errno == EAGAIN) return "never ends";
  }
  const int error = ::aio_error(&block);
  const std::string result = std::to_string(::aio_return(&block));
  return error == 0 ? result : result + " " + ::strerrorname_np(error);
}

std::string answer_and_end(int returned, aiocb& block) {
  return returned == 0 ? "queued, then " + end_of(block) : answer_of(returned);
}

aiocb block_of(int fd, void* buffer, std::size_t bytes, off_t offset) {
  aiocb block{};
  block.aio_fildes = fd;
  block.aio_buf = buffer;
  block.aio_nbytes = bytes;
  block.aio_offset = offset;
  block.aio_sigevent.sigev_notify = SIGEV_NONE;
  return block;
}

SlowWrite::SlowWrite() : buffer(SlowBuffer::create().value()) {
  block = block_of(files.fd(), const_cast<std::byte*>(buffer->bytes().data()), buffer->bytes().size());
  SLUICE_CHECK(::aio_write(&block) == 0);
  SLUICE_CHECK(buffer->wait_until_wanted());
}

SlowWrite::~SlowWrite() {
  buffer->arrive();
  end_of(block);
}

namespace {

/// In a child, which is gone when it is not done in time or does not survive it.
void show(const Situation& situation) {
  std::printf("%s\t", situation.name);
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr unsigned kPatienceSeconds = 30;
    ::alarm(kPatienceSeconds);
    std::printf("%s", situation.outcome().c_str());
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) std::printf("dies of %s", ::sigabbrev_np(WTERMSIG(status)));
  std::printf("\n");
}

}  // namespace
}  // namespace sluice::testing

int main() {
  using namespace sluice::testing;
  // The situations end without cleaning up.
  std::string directory = std::filesystem::temp_directory_path() / "sluice-test-XXXXXX";
  SLUICE_CHECK(::mkdtemp(directory.data()) != nullptr);
  ::setenv("TMPDIR", directory.c_str(), 1);
  for (const auto& situations :
       {request_situations(), waiting_situations(), list_situations(), slow_situations()}) {
    for (const Situation& situation : situations) show(situation);
  }
  std::filesystem::remove_all(directory);
}
