#include "mkfs.h"

#include <stdexcept>

#include "run_program.h"

namespace sluice::testing {
namespace {

/// ext4 would zero its inode tables and its journal later by itself, to the surprise of who counts.
std::vector<std::string> mkfs_of(FileSystem type) {
  switch (type) {
    case FileSystem::ext4:
      return {"/sbin/mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"};
    case FileSystem::xfs:
      return {"/sbin/mkfs.xfs", "-q", "-f", "-K"};
    case FileSystem::btrfs:
      return {"/sbin/mkfs.btrfs", "-q", "-f", "-K"};
  }
  return {};
}

}  // namespace

std::string name_of(FileSystem type) {
  switch (type) {
    case FileSystem::ext4:
      return "ext4";
    case FileSystem::xfs:
      return "xfs";
    case FileSystem::btrfs:
      return "btrfs";
  }
  return {};
}

FileSystem file_system_from(const std::string& name) {
  for (const FileSystem type : {FileSystem::ext4, FileSystem::xfs, FileSystem::btrfs}) {
    if (name == name_of(type)) return type;
  }
  throw std::runtime_error("no file system " + name);
}

void make_file_system_on(const std::string& device, FileSystem type) {
  std::vector<std::string> command = mkfs_of(type);
  command.push_back(device);
  const Result<int> status = run_program(command);
  if (!status) throw std::runtime_error("cannot run " + command[0] + ": " + status.error().message());
  if (*status != 0) throw std::runtime_error(command[0] + " failed");
}

}  // namespace sluice::testing
