#include "test_disk.h"

#include <stdlib.h>
#include <sys/mount.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "remove_tree.h"
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

template <typename Value>
Value value_or_throw(Result<Value> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message());
  return std::move(*result);
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

TestDisk::TestDisk(TestDiskSetup setup) {
  std::string pattern = std::filesystem::temp_directory_path() / "sluice-disk-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  base_ = pattern;
  try {
    start(setup);
  } catch (...) {
    remove_files();
    throw;
  }
}

void TestDisk::start(const TestDiskSetup& setup) {
  std::filesystem::create_directory(directory());
  std::vector<std::string> arguments{"--image",    image(),
                                     "--size",     std::to_string(setup.size_bytes),
                                     "--control",  base_ / "control",
                                     "--counters", base_ / "counters",
                                     "--scratch",  base_};
  if (setup.record) arguments.insert(arguments.end(), {"--log", log()});
  process_.emplace(value_or_throw(DiskProcess::start(arguments), "no test disk"));
  control_.emplace(value_or_throw(ControlClient::connect(base_ / "control"), "no control of the test disk"));
  counters_.emplace(value_or_throw(CounterFile::open(base_ / "counters"), "no counters of the test disk"));
}

TestDisk::~TestDisk() {
  // The disk detaches its mounts while it still serves, so that what they write last arrives.
  process_->end();
  remove_files();
}

void TestDisk::remove_files() {
  // Still there if the disk was killed.
  (void)::umount2(directory().c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  remove_tree(base_);
}

void TestDisk::make_file_system(FileSystem type) {
  std::vector<std::string> command = mkfs_of(type);
  command.push_back(device());
  const int status = value_or_throw(run_program(command), "cannot run " + command[0]);
  if (status != 0) throw std::runtime_error(command[0] + " failed");
  file_system_ = type;
}

Result<void> TestDisk::mount(const std::string& options) {
  const std::string type = name_of(file_system_.value());
  if (::mount(device().c_str(), directory().c_str(), type.c_str(), 0, options.c_str()) != 0) {
    return fail_last();
  }
  return {};
}

Result<void> TestDisk::unmount() const {
  if (::umount2(directory().c_str(), UMOUNT_NOFOLLOW) != 0) return fail_last();
  return {};
}

HeldFlushes::HeldFlushes(TestDisk& disk) : disk_(disk) {
  (void)value_or_throw(disk_.tell("hold"), "cannot hold flushes");
}

}  // namespace sluice::testing
