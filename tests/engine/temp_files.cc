#include "temp_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "sluice/check.h"

namespace sluice::testing {
namespace {

SharedFd open_file(const std::string& path, int flags) {
  auto fd = std::make_shared<const UniqueFd>(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  SLUICE_CHECK(fd->valid());
  return fd;
}

}  // namespace

TempFiles::TempFiles(std::size_t count) {
  directory_ = std::filesystem::temp_directory_path() / "sluice-test-XXXXXX";
  SLUICE_CHECK(::mkdtemp(directory_.data()) != nullptr);
  for (std::size_t i = 0; i < count; ++i)
    descriptors_.push_back(open_file(path(i), O_CREAT | O_EXCL | O_RDWR));
}

TempFiles::~TempFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string TempFiles::path(std::size_t index) const {
  return directory_ + "/" + std::to_string(index);
}

FileKey TempFiles::key(std::size_t index) const {
  struct stat status {};
  SLUICE_CHECK(::fstat(fd(index), &status) == 0);
  return {.device = status.st_dev, .inode = status.st_ino};
}

SharedFd TempFiles::reopen(std::size_t index) const {
  return open_file(path(index), O_RDWR);
}

void write_bytes(int fd, std::size_t bytes) {
  const std::string content(bytes, 'x');
  SLUICE_CHECK(::pwrite(fd, content.data(), bytes, 0) == static_cast<ssize_t>(bytes));
}

}  // namespace sluice::testing
