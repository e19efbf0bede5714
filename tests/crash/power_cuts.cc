#include "power_cuts.h"

#include <sys/mount.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "loop_device.h"

namespace sluice::testing {
namespace {

constexpr std::chrono::seconds kDetachPatience{30};

template <typename T>
T take(Result<T>&& result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message());
  return std::move(*result);
}

/// Unmounts at the end, whatever came between.
class Mounted {
 public:
  Mounted(const std::string& device, std::filesystem::path point, const std::string& file_system)
      : point_(std::move(point)),
        error_(::mount(device.c_str(), point_.c_str(), file_system.c_str(), 0, nullptr) == 0 ? 0 : errno) {}
  ~Mounted() {
    if (error_ == 0 && ::umount2(point_.c_str(), 0) != 0) (void)::umount2(point_.c_str(), MNT_DETACH);
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

  /// 0 when it is mounted.
  [[nodiscard]] Errno error() const { return Errno(error_); }

 private:
  const std::filesystem::path point_;
  const int error_;
};

}  // namespace

PowerCuts::PowerCuts(const Recording& recording)
    : recording_(recording),
      log_(take(WriteLog::open(recording.log()), recording.log().string())),
      replayer_(take(Replayer::create(log_, recording.disk_bytes), "an image in memory")),
      mount_point_(recording.directory / "mount") {
  std::filesystem::create_directory(mount_point_);
}

std::vector<std::string> PowerCuts::losses(const PowerCut& cut) {
  const MemoryImage disk = take(replayer_.disk_after(cut), "an image in memory");
  LoopDevice loop = take(LoopDevice::attach(disk.file(), LoopIo::buffered), "a loop device");
  std::vector<std::string> found;
  {
    const Mounted mounted(loop.path(), mount_point_, name_of(recording_.file_system));
    if (mounted.error() == Errno(0)) {
      found = losses_in(mount_point_ / recording_.tree, cut.position);
    } else {
      found.push_back("the file system cannot be mounted: " + mounted.error().message());
    }
  }
  // Cuts that follow at once find the device, and what the kernel knows of this file system, gone.
  if (const Result<void> detached = loop.detach(kDetachPatience); !detached) {
    throw std::runtime_error(loop.path() + " stays in use: " + detached.error().message());
  }
  return found;
}

std::vector<std::string> PowerCuts::losses_in(const std::filesystem::path& tree,
                                              std::uint64_t position) const {
  try {
    return recording_.workload->losses(tree, position);
  } catch (const std::system_error& error) {
    // Of the damaged file system: what cannot be read is not there.
    return {error.what()};
  }
}

}  // namespace sluice::testing
