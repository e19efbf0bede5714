#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "differential_scene.h"

// What is seen while a write is under way.

namespace sluice::testing {
namespace {

/// Whether a request ends while the write does not.
std::string ends_meanwhile(const aiocb& block) {
  const aiocb* const blocks[] = {&block};
  const timespec while_long{.tv_sec = 2, .tv_nsec = 0};
  return ::aio_suspend(blocks, 1, &while_long) == 0 ? "ends meanwhile" : "waits for it";
}

std::string second_use_of_a_block() {
  // Left alone: the C library goes on to write to it after it has said that it is done.
  auto* write = new SlowWrite;
  return answer_of(::aio_fsync(O_SYNC, &write->block));
}

std::string sync_by(bool other_descriptor) {
  SlowWrite write;
  const SharedFd other = write.files.reopen();
  aiocb sync = block_of(other_descriptor ? other->get() : write.files.fd());
  const std::string answer = answer_of(::aio_fsync(O_DSYNC, &sync));
  const std::string meanwhile = ends_meanwhile(sync);
  write.buffer->arrive();
  return answer + ", " + meanwhile + ", " + end_of(sync);
}

std::string sync_of_another_file() {
  SlowWrite write;
  aiocb sync = block_of(write.files.fd(1));
  const std::string answer = answer_of(::aio_fsync(O_SYNC, &sync));
  return answer + ", " + ends_meanwhile(sync);
}

/// The first write is slow, the second fails, both append, so that it fails behind the sync's back.
std::string sync_of_a_failed_write() {
  const auto slow = SlowBuffer::create().value();
  const TempFiles files;
  const int fd = ::open(files.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  aiocb first = block_of(fd, const_cast<std::byte*>(slow->bytes().data()), 1);
  aiocb second = block_of(fd, reinterpret_cast<void*>(16), 8);
  aiocb sync = block_of(fd);
  std::string answers = answer_of(::aio_write(&first));
  answers += answer_of(::aio_write(&second));
  answers += answer_of(::aio_fsync(O_SYNC, &sync));
  slow->arrive();
  answers += ": " + end_of(first) + ", " + end_of(second) + ", " + end_of(sync);
  return answers + ", next " + answer_and_end(::aio_fsync(O_SYNC, &sync), sync);
}

std::string closed_while_queued() {
  SlowWrite write;
  const int fd = write.files.fd(0);
  const int kept = ::dup(fd);
  aiocb sync = block_of(fd);
  const std::string answer = answer_of(::aio_fsync(O_SYNC, &sync));
  ::close(fd);
  write.buffer->arrive();
  const std::string end = end_of(sync);
  ::dup2(kept, fd);  // For its owner to close.
  return answer + ": " + end_of(write.block) + ", " + end;
}

std::string suspend_times_out() {
  const SlowWrite write;
  const aiocb* const blocks[] = {nullptr, &write.block};
  const timespec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
  return answer_of(::aio_suspend(blocks, 2, &moment));
}

std::string suspend_is_interrupted() {
  const SlowWrite write;
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &action, nullptr);
  const aiocb* const blocks[] = {&write.block};
  ::alarm(1);
  return answer_of(::aio_suspend(blocks, 1, nullptr));
}

std::string cancel_running(bool all) {
  SlowWrite write;
  const std::string answer = answer_of(::aio_cancel(write.files.fd(), all ? nullptr : &write.block));
  return answer + " " + std::to_string(::aio_error(&write.block));
}

std::string cancel_waiting_sync() {
  SlowWrite write;
  aiocb sync = block_of(write.files.fd());
  static_cast<void>(::aio_fsync(O_SYNC, &sync));
  const std::string answer = answer_of(::aio_cancel(write.files.fd(), &sync));
  return answer + ": " + end_of(sync);
}

// Not a write: the kernel's workers line up writes of files whose inodes have one of 64 hashes.
std::string read_of_another_file() {
  SlowWrite write;
  char text[] = "x";
  aiocb second = block_of(write.files.fd(1), text, 1);
  second.aio_fildes = ::dup(write.files.fd(1));
  const std::string answer = answer_of(::aio_read(&second));
  return answer + ", " + ends_meanwhile(second);
}

std::string unreadable_block() {
  return answer_of(::aio_fsync(O_SYNC, reinterpret_cast<aiocb*>(16)));
}

std::string child_sees() {
  SlowWrite write;
  int ends[2];
  static_cast<void>(!::pipe2(ends, O_CLOEXEC));
  if (::fork() == 0) {
    aiocb sync = block_of(write.files.fd(1));
    const std::string seen = std::to_string(::aio_error(&write.block)) + ", own " +
                             answer_and_end(::aio_fsync(O_SYNC, &sync), sync);
    static_cast<void>(!::write(ends[1], seen.data(), seen.size()));
    ::_exit(0);
  }
  std::string seen(100, '\0');
  const ssize_t bytes = ::read(ends[0], seen.data(), seen.size());
  return seen.substr(0, static_cast<std::size_t>(bytes < 0 ? 0 : bytes));
}

}  // namespace

std::vector<Situation> slow_situations() {
  return {
      {"block used twice", second_use_of_a_block},
      {"sync behind a slow write", [] { return sync_by(false); }},
      {"sync behind another descriptor's slow write", [] { return sync_by(true); }},
      {"sync of another file beside a slow write", sync_of_another_file},
      {"sync of a write that fails", sync_of_a_failed_write},
      {"descriptor closed while a request waits", closed_while_queued},
      {"suspend until the timeout", suspend_times_out},
      {"suspend until a signal", suspend_is_interrupted},
      {"cancel what runs", [] { return cancel_running(false); }},
      {"cancel all of a descriptor of which one runs", [] { return cancel_running(true); }},
      {"cancel a sync that waits", cancel_waiting_sync},
      {"read of another file beside a slow write", read_of_another_file},
      {"unreadable block", unreadable_block},
      {"child of a fork", child_sees},
  };
}

}  // namespace sluice::testing
