#include "recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "mount_fixture.h"
#include "workloads.h"

namespace sluice::testing {
namespace {

[[noreturn]] void fail_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void require(const Result<void>& result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message());
}

/// What the workload stands on is no part of what may be lost.
void sync_file_system(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::syncfs(fd.get()) != 0) fail_errno("syncfs of " + path.string());
}

/// REQUIRES: the disk is mounted.
void run_on(TestDisk& disk, const RunSpec& spec, Recording& recording) {
  MountFixture mount({.parent = disk.directory(), .make_backend = spec.backend, .data = spec.data});
  const std::filesystem::path source = mount.source_directory();
  recording.tree = source.lexically_relative(disk.directory());
  sync_file_system(disk.directory());
  if (spec.disk_ignores_flushes && !disk.tell("ignore-flushes on")) {
    throw std::runtime_error("the disk does not obey");
  }
  const LogPosition position = [&] { return disk.log_position(); };
  recording.range.begin = position();
  recording.workload->run(mount.mountpoint(), position);
  recording.range.end = position();
  if (mount.stop().lost > 0) throw std::runtime_error("the mount could not make everything durable");
}

}  // namespace

RecordingDirectory::RecordingDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "sluicefs-powercut-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) fail_errno(pattern);
  path_ = pattern;
}

RecordingDirectory::~RecordingDirectory() {
  std::error_code ignored;
  if (!kept_) std::filesystem::remove_all(path_, ignored);
}

Recording record(const RunSpec& spec, const std::filesystem::path& directory) {
  Recording recording;
  recording.directory = directory;
  recording.workload = make_workload(spec.workload, spec.seed);
  recording.seed = spec.seed;
  recording.file_system = spec.file_system;
  if (!recording.workload) throw std::runtime_error("no workload " + spec.workload);

  TestDisk disk({.record = true});
  recording.disk_bytes = std::filesystem::file_size(disk.image());
  disk.make_file_system(spec.file_system);
  require(disk.mount(), "cannot mount the disk");
  run_on(disk, spec, recording);
  // Not lazily: a file system that is still mounted could not be mounted again from a copy of its disk.
  require(disk.unmount(), "cannot unmount the disk");
  std::filesystem::create_hard_link(disk.log(), recording.log());
  recording.save();
  return recording;
}

}  // namespace sluice::testing
