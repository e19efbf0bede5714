#include "loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <thread>

namespace sluice::testing {
namespace {

constexpr int kAttemptsMax = 100;
constexpr std::uint32_t kBlockBytes = 512;

Result<UniqueFd> open_node(int number, const std::string& path) {
  if (::mknod(path.c_str(), S_IFBLK | 0600, makedev(LOOP_MAJOR, static_cast<unsigned>(number))) != 0 &&
      errno != EEXIST) {
    return fail_last();
  }
  UniqueFd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!device.valid()) return fail_last();
  return device;
}

Result<void> configure(const UniqueFd& device, const UniqueFd& file, LoopIo io) {
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(file.get());
  config.block_size = kBlockBytes;
  config.info.lo_flags =
      LO_FLAGS_AUTOCLEAR | (io == LoopIo::direct ? static_cast<unsigned>(LO_FLAGS_DIRECT_IO) : 0U);
  if (::ioctl(device.get(), LOOP_CONFIGURE, &config) != 0) return fail_last();
  loop_info64 info{};
  if (::ioctl(device.get(), LOOP_GET_STATUS64, &info) != 0) return fail_last();
  if (io == LoopIo::direct && (info.lo_flags & LO_FLAGS_DIRECT_IO) == 0) return fail(EINVAL);
  return {};
}

}  // namespace

Result<LoopDevice> LoopDevice::attach(const UniqueFd& file, LoopIo io) {
  const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.valid()) return fail_last();
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_last();
    std::string path = "/dev/loop" + std::to_string(number);
    Result<UniqueFd> device = open_node(number, path);
    // ENXIO: it was removed meanwhile; EBUSY: another process was quicker. Either way there is another one.
    const Result<void> configured =
        device.and_then([&](UniqueFd& opened) { return configure(opened, file, io); });
    if (configured) return LoopDevice(std::move(*device), std::move(path));
    if (configured.error() != Errno(EBUSY) && configured.error() != Errno(ENXIO))
      return fail(configured.error());
    std::this_thread::sleep_for(std::chrono::milliseconds(attempt));
  }
  return fail(EBUSY);
}

Result<void> LoopDevice::detach(std::chrono::milliseconds patience) {
  if (!device_.valid()) return {};
  loop_info64 ours{};
  if (::ioctl(device_.get(), LOOP_GET_STATUS64, &ours) != 0) return fail_last();
  device_.reset();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const UniqueFd device(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    loop_info64 now{};
    const bool ours_still = device.valid() && ::ioctl(device.get(), LOOP_GET_STATUS64, &now) == 0 &&
                            now.lo_device == ours.lo_device && now.lo_inode == ours.lo_inode;
    if (!ours_still) return {};
    if (std::chrono::steady_clock::now() >= deadline) return fail(EBUSY);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace sluice::testing
