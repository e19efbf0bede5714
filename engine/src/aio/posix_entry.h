#pragma once

#include <pthread.h>

#include <cerrno>
#include <ctime>
#include <optional>
#include <vector>

#include "aio/aio_environment.h"
#include "aio/deadline_after.h"
#include "aio/posix_aio.h"
#include "aio/readable.h"
#include "sluice/check.h"

// What the entry points for struct sluice_aiocb and for the C library's struct aiocb have in common.

namespace sluice {

/// -1 and errno.
inline int to_errno(Errno error) {
  errno = error.value();
  return -1;
}
inline int to_errno(const Result<void>& result) {
  return result ? 0 : to_errno(result.error());
}

/// What a layout of the block has to say.
///   static PosixBlock view(Block& block);
///   static const int* error(const Block& block);
template <typename Block>
struct PosixLayout;

/// The view of a block that is to be queued. EINVAL: none; EFAULT: it cannot be read.
template <typename Block>
Result<PosixBlock> open_block(Block* block) {
  if (block == nullptr) return fail(EINVAL);
  if (!is_readable(block, sizeof *block)) return fail(EFAULT);
  return PosixLayout<Block>::view(*block);
}

template <typename Block>
int fsync(PosixAio& aio, int op, Block* block) {
  const Result<PosixBlock> view = open_block(block);
  return view ? to_errno(aio.fsync(op, *view)) : to_errno(view.error());
}

template <typename Block>
int read(PosixAio& aio, Block* block) {
  const Result<PosixBlock> view = open_block(block);
  return view ? to_errno(aio.read(*view)) : to_errno(view.error());
}

template <typename Block>
int write(PosixAio& aio, Block* block) {
  const Result<PosixBlock> view = open_block(block);
  return view ? to_errno(aio.write(*view)) : to_errno(view.error());
}

template <typename Block>
int suspend(const PosixAio& aio, const Block* const blocks[], int count, const timespec* timeout) {
  const Result<FutexWord::Deadline> deadline = deadline_after(timeout);
  if (!deadline) return to_errno(deadline.error());
  if (count < 0) return to_errno(Errno(EINVAL));
  return to_errno(aio.suspend(
      static_cast<std::size_t>(count),
      [blocks](std::size_t index) {
        return blocks[index] == nullptr ? nullptr : PosixLayout<Block>::error(*blocks[index]);
      },
      *deadline));
}

template <typename Block>
int cancel(PosixAio& aio, int fd, Block* block) {
  const std::optional<PosixBlock> view =
      block == nullptr ? std::nullopt : std::optional(PosixLayout<Block>::view(*block));
  const Result<int> outcome = aio.cancel(fd, view ? &*view : nullptr);
  return outcome ? *outcome : to_errno(outcome.error());
}

template <typename Block>
int list(PosixAio& aio, int mode, Block* const blocks[], int count, const sigevent* notification) {
  if (count < 0) return to_errno(Errno(EINVAL));
  std::vector<std::optional<PosixBlock>> views;
  for (int i = 0; i < count; ++i) {
    if (blocks[i] == nullptr) continue;
    const Result<PosixBlock> view = open_block(blocks[i]);
    if (!view) return to_errno(view.error());
    views.emplace_back(*view);
  }
  return to_errno(aio.list(mode, views, notification));
}

/// An instance that lives as long as the process, and survives its forks.
template <PosixAio::Collect kCollect>
PosixAio& posix_aio() {
  static PosixAio* const aio = [] {
    static PosixAio* made = new PosixAio(kCollect);
    made->use_priority(aio_environment().use_priority);
    SLUICE_CHECK(::pthread_atfork([] { made->before_fork(); }, [] { made->after_fork_in_parent(); },
                                  [] { made->after_fork_in_child(); }) == 0);
    return made;
  }();
  return *aio;
}

}  // namespace sluice
