#pragma once

#include <cerrno>
#include <functional>
#include <string>

#include "sluice/aio_posix.h"
#include "temp_files.h"

namespace sluice::testing {

/// Blocks as the man page wants them: zeroed first.
sluice_aiocb sync_block(int fd);
sluice_aiocb write_block(int fd, const std::string& text, off_t offset = 0);
sluice_aiocb read_block(int fd, std::string& into, off_t offset = 0);

/// A block whose request is over and collected when this goes: a block that is not is still of the table.
struct Block : sluice_aiocb {
  Block() : Block(sluice_aiocb{}) {}
  explicit Block(const sluice_aiocb& from) : sluice_aiocb(from) {}
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
};

/// errno of a call that has failed; 0 when it has not.
template <typename Returned>
int errno_of(Returned returned) {
  return returned == -1 ? errno : 0;
}

/// Waits for a block that was queued: its status; ETIMEDOUT when it is still in progress after 10 s.
int status_when_done(const sluice_aiocb& block);

/// Runs `body` in a process that has no context yet, and so may give it options. What it expects counts here.
void in_child(const std::function<void()>& body);

}  // namespace sluice::testing
