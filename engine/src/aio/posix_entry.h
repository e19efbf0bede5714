#pragma once

#include <cerrno>
#include <ctime>
#include <optional>
#include <vector>

#include "aio/deadline_after.h"
#include "aio/posix_aio.h"
#include "aio/readable.h"

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

/// Where a layout of the block keeps the status; all other fields have the names that POSIX gives them.
///   static int* error(Block& block), and the same of a const block;
///   static ssize_t* result(Block& block);
template <typename Block>
struct PosixLayout;

template <typename Block>
PosixBlock view_of(Block& block) {
  return {.address = &block,
          .fd = block.aio_fildes,
          .buffer = block.aio_buf,
          .bytes = block.aio_nbytes,
          .offset = block.aio_offset,
          .opcode = block.aio_lio_opcode,
          .reqprio = block.aio_reqprio,
          .notification = block.aio_sigevent,
          .error = PosixLayout<Block>::error(block),
          .result = PosixLayout<Block>::result(block)};
}

/// The view of a block that is to be queued. EINVAL: none; EFAULT: it cannot be read.
template <typename Block>
Result<PosixBlock> open_block(Block* block) {
  if (block == nullptr) return fail(EINVAL);
  if (!is_readable(block, sizeof *block)) return fail(EFAULT);
  return view_of(*block);
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
  const std::optional<PosixBlock> view = block == nullptr ? std::nullopt : std::optional(view_of(*block));
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

}  // namespace sluice
