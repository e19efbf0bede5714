#include "recovered_disk.h"

#include <sys/mount.h>

#include <stdexcept>
#include <utility>

#include "loop_device.h"

namespace sluice::testing {
namespace {

constexpr std::chrono::seconds kDetachPatience{30};

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

Result<void> look_at_recovered_disk(const MemoryImage& disk, const std::string& file_system,
                                    const std::filesystem::path& mount_point,
                                    const std::function<void()>& look) {
  Result<LoopDevice> loop = LoopDevice::attach(disk.file(), LoopIo::buffered);
  if (!loop) throw std::runtime_error("a loop device: " + loop.error().message());
  Result<void> result;
  {
    const Mounted mounted(loop->path(), mount_point, file_system);
    if (mounted.error() == Errno(0)) {
      look();
    } else {
      result = fail(mounted.error());
    }
  }
  // Who mounts another at once finds the device, and what the kernel knows of this file system, gone.
  if (const Result<void> detached = loop->detach(kDetachPatience); !detached) {
    throw std::runtime_error(loop->path() + " stays in use: " + detached.error().message());
  }
  return result;
}

}  // namespace sluice::testing
