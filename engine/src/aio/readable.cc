#include "aio/readable.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace sluice {
namespace {

/// Size of the kernel's sigset_t, the only one that it reads.
constexpr std::size_t kProbeBytes = 8;

/// rt_sigprocmask(2) reads the set before it looks at what it is told to do with it, which is nothing that
/// there is. A null pointer would mean "no set". REQUIRES: address != 0.
bool is_readable_word(std::uintptr_t address) {
  constexpr int kNoSuchOperation = -1;
  const int saved = errno;
  ::syscall(SYS_rt_sigprocmask, kNoSuchOperation, address, nullptr, kProbeBytes);
  const bool readable = errno != EFAULT;
  errno = saved;
  return readable;
}

}  // namespace

bool is_readable(const void* address, std::size_t bytes) {
  // Protection changes at pages; the first word, the last, and one in each page between say it all.
  constexpr std::uintptr_t kPage = 4096;
  const auto first = reinterpret_cast<std::uintptr_t>(address);
  if (address == nullptr) return bytes == 0;
  if (bytes < kProbeBytes || first + bytes < first) return bytes == 0;
  const std::uintptr_t last = first + bytes - kProbeBytes;
  for (std::uintptr_t word = first; word < last; word = (word / kPage + 1) * kPage) {
    if (!is_readable_word(word)) return false;
  }
  return is_readable_word(last);
}

}  // namespace sluice
