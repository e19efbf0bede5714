#include "bench_disk.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

#include "file_calls.h"
#include "loop_device.h"
#include "scratch_directory.h"
#include "test_disk.h"

namespace sluice::bench {
namespace {

class AsIsDisk final : public BenchDisk {
 public:
  explicit AsIsDisk(const DiskChoice& choice) : scratch_(choice.directory) {
    auto loop = testing::LoopDevice::attach(make_image(choice.size_bytes), testing::LoopIo::direct);
    if (!loop) throw std::runtime_error("no loop device: " + loop.error().message());
    loop_.emplace(std::move(*loop));
    testing::make_file_system_on(loop_->path(), choice.file_system);
    std::filesystem::create_directory(directory());
    const std::string type = testing::name_of(choice.file_system);
    if (::mount(loop_->path().c_str(), directory().c_str(), type.c_str(), 0, nullptr) != 0) {
      throw_errno("mount of " + loop_->path());
    }
  }
  ~AsIsDisk() override { (void)::umount2(directory().c_str(), MNT_DETACH | UMOUNT_NOFOLLOW); }

  [[nodiscard]] std::filesystem::path directory() const override { return scratch_.path() / "mount"; }
  [[nodiscard]] std::string gauge() const override {
    return "device:" + std::filesystem::path(loop_->path()).filename().string();
  }

 private:
  /// Without a name, so that it goes with the device. With all its blocks written, so that the file system
  /// below has nothing of its own to make durable when ours flushes.
  [[nodiscard]] UniqueFd make_image(std::uint64_t bytes) const {
    const std::filesystem::path path = scratch_.path() / "image";
    UniqueFd image = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    unlink_file(path);
    const std::vector<std::byte> zeros(1U << 20U);
    for (std::uint64_t at = 0; at < bytes; at += zeros.size()) write_at(image, zeros, at);
    sync_file(image);
    return image;
  }

  ScratchDirectory scratch_;
  std::optional<testing::LoopDevice> loop_;
};

class SlowDisk final : public BenchDisk {
 public:
  explicit SlowDisk(const DiskChoice& choice) : disk_({.size_bytes = choice.size_bytes}) {
    disk_.make_file_system(choice.file_system);
    if (const auto mounted = disk_.mount(); !mounted) {
      throw std::runtime_error("the slow disk: " + mounted.error().message());
    }
    const std::string delay = "flush-delay-us " + std::to_string(choice.flush_delay.count());
    if (!disk_.tell(delay)) throw std::runtime_error("the slow disk does not obey");
  }

  [[nodiscard]] std::filesystem::path directory() const override { return disk_.directory(); }
  [[nodiscard]] std::string gauge() const override { return "counters:" + disk_.counters().string(); }

 private:
  testing::TestDisk disk_;
};

class DirectoryAsItIs final : public BenchDisk {
 public:
  explicit DirectoryAsItIs(const DiskChoice& choice) : scratch_(choice.directory) {}

  [[nodiscard]] std::filesystem::path directory() const override { return scratch_.path(); }
  [[nodiscard]] std::string gauge() const override { return {}; }

 private:
  ScratchDirectory scratch_;
};

}  // namespace

void parse_disk(const std::string& text, DiskChoice& choice) {
  constexpr std::string_view kSlow = "slow:";
  if (text == "as-is") {
    choice.kind = DiskChoice::Kind::as_is;
  } else if (text == "directory") {
    choice.kind = DiskChoice::Kind::directory;
  } else if (text.starts_with(kSlow)) {
    std::uint32_t delay_us = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + kSlow.size(), end, delay_us);
    if (read.ec != std::errc() || read.ptr != end) throw std::runtime_error("no delay in " + text);
    choice.kind = DiskChoice::Kind::slow;
    choice.flush_delay = std::chrono::microseconds(delay_us);
  } else {
    throw std::runtime_error("a disk is as-is, slow:MICROSECONDS or directory, not " + text);
  }
}

std::unique_ptr<BenchDisk> make_disk(const DiskChoice& choice) {
  switch (choice.kind) {
    case DiskChoice::Kind::as_is:
      return std::make_unique<AsIsDisk>(choice);
    case DiskChoice::Kind::slow:
      return std::make_unique<SlowDisk>(choice);
    case DiskChoice::Kind::directory:
      return std::make_unique<DirectoryAsItIs>(choice);
  }
  return nullptr;
}

}  // namespace sluice::bench
