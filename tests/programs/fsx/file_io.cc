#include "file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace sluice::fsx {

namespace {
constexpr std::size_t kPage = 4096;
}

PageBuffer::PageBuffer(std::size_t size, std::size_t shift)
    : memory_(std::make_unique<char[]>(size + shift + kPage)), size_(size) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory_.get());
  begin_ = memory_.get() + (kPage - address % kPage) % kPage + shift;
}

void throw_errno(const std::string& call) {
  throw std::system_error(errno, std::generic_category(), call);
}

long checked(long returned, const char* call) {
  if (returned < 0) throw_errno(call);
  return returned;
}

UniqueFd open_file(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!fd.valid()) throw_errno("open " + path);
  return fd;
}

std::size_t size_of(int fd) {
  struct stat status {};
  checked(::fstat(fd, &status), "fstat");
  return static_cast<std::size_t>(status.st_size);
}

std::size_t read_range(int fd, std::span<char> into, std::size_t offset) {
  std::size_t done = 0;
  while (done < into.size()) {
    const long got = checked(
        ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done)), "pread");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace sluice::fsx
