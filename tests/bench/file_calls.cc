#include "file_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace sluice::bench {

void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!file.valid()) throw_errno("open " + path.string());
  return file;
}

void write_at(const UniqueFd& file, std::span<const std::byte> data, std::uint64_t offset_bytes) {
  const ssize_t written = ::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(offset_bytes));
  if (written < 0) throw_errno("pwrite");
  if (static_cast<std::size_t>(written) != data.size()) throw std::runtime_error("pwrite: short");
}

void append(const UniqueFd& file, std::span<const std::byte> data) {
  const ssize_t written = ::write(file.get(), data.data(), data.size());
  if (written < 0) throw_errno("write");
  if (static_cast<std::size_t>(written) != data.size()) throw std::runtime_error("write: short");
}

std::size_t read_at(const UniqueFd& file, std::span<std::byte> data, std::uint64_t offset_bytes) {
  const ssize_t got = ::pread(file.get(), data.data(), data.size(), static_cast<off_t>(offset_bytes));
  if (got < 0) throw_errno("pread");
  return static_cast<std::size_t>(got);
}

void sync_file(const UniqueFd& file) {
  if (::fsync(file.get()) != 0) throw_errno("fsync");
}

void sync_data(const UniqueFd& file) {
  if (::fdatasync(file.get()) != 0) throw_errno("fdatasync");
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_errno("rename " + from.string());
}

void unlink_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0) throw_errno("unlink " + path.string());
}

dev_t device_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw_errno("stat " + path.string());
  return status.st_dev;
}

void sync_file_system(const std::filesystem::path& directory) {
  const UniqueFd opened = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (::syncfs(opened.get()) != 0) throw_errno("syncfs " + directory.string());
}

}  // namespace sluice::bench
