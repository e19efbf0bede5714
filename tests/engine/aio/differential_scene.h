#pragma once

#include <aio.h>

#include <memory>
#include <string>
#include <vector>

#include "slow_buffer.h"
#include "temp_files.h"

namespace sluice::testing {

/// Something that a program does with <aio.h>, and what it then sees in words. Each runs in a process of its
/// own.
struct Situation {
  const char* name;
  std::string (*outcome)();
};

std::vector<Situation> request_situations();
std::vector<Situation> waiting_situations();
std::vector<Situation> list_situations();
std::vector<Situation> slow_situations();

/// What a call returned: the number, or the name of errno when it is -1.
std::string answer_of(long returned);
/// Waits for the request: what aio_error and aio_return say of it.
std::string end_of(aiocb& block);
/// What the call returned, and when it is 0 the end of the request.
std::string answer_and_end(int returned, aiocb& block);

aiocb block_of(int fd, void* buffer = nullptr, std::size_t bytes = 0, off_t offset = 0);

/// A write to the first of two files that is under way until the process ends or the buffer arrives.
struct SlowWrite {
  SlowWrite();
  /// Waits for the write.
  ~SlowWrite();
  SlowWrite(const SlowWrite&) = delete;
  SlowWrite& operator=(const SlowWrite&) = delete;

  TempFiles files{2};
  std::unique_ptr<SlowBuffer> buffer;
  aiocb block;
};

}  // namespace sluice::testing
