#include "test_disk.h"

#include <stdlib.h>
#include <sys/mount.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "remove_tree.h"

namespace sluice::testing {
namespace {

template <typename Value>
Value value_or_throw(Result<Value> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message());
  return std::move(*result);
}

}  // namespace

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
                                     "--counters", counters(),
                                     "--scratch",  base_};
  if (setup.record) arguments.insert(arguments.end(), {"--log", log()});
  process_.emplace(value_or_throw(DiskProcess::start(arguments), "no test disk"));
  control_.emplace(value_or_throw(ControlClient::connect(base_ / "control"), "no control of the test disk"));
  counters_.emplace(value_or_throw(CounterFile::open(counters()), "no counters of the test disk"));
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
  make_file_system_on(device(), type);
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
