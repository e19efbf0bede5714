#include "scene.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "../disk/run_program.h"

namespace sluice::testing::parity {

namespace {

/// The least that each of them can be made on.
std::uint64_t image_mib(FileSystem type) {
  return type == FileSystem::xfs ? 300 : 256;
}

std::vector<std::string> mkfs_of(FileSystem type) {
  switch (type) {
    case FileSystem::ext4:
      // Inodes enough for directories with very many entries.
      return {"/sbin/mkfs.ext4", "-q", "-F", "-N", "80000"};
    case FileSystem::xfs:
      return {"/sbin/mkfs.xfs", "-q", "-f"};
    case FileSystem::btrfs:
      return {"/sbin/mkfs.btrfs", "-q", "-f"};
  }
  return {};
}

void require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error("cannot make " + what);
}

void run(std::vector<std::string> command) {
  const std::string name = command[0];
  require(run_program(std::move(command)).value_or(-1) == 0, "a file system: " + name);
}

}  // namespace

Scene::Scene(FileSystem type, const std::string& base)
    : type_(type),
      // mkfs.btrfs refuses when a mounted image has the same name.
      image_(fmt::format("{}/{}-{}", base, name_of(type), ::getpid())),
      file_system_(base + "/" + name_of(type)) {
  {
    const UniqueFd image(::open(image_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    require(::ftruncate(image.get(), static_cast<off_t>(image_mib(type) << 20U)) == 0, image_);
  }
  std::vector<std::string> mkfs = mkfs_of(type);
  mkfs.push_back(image_);
  run(std::move(mkfs));
  require(::mkdir(file_system_.c_str(), 0755) == 0, file_system_);
  run({"/bin/mount", "-o", "loop", image_, file_system_});
  ::chmod(file_system_.c_str(), 0755);
  require(::mkdir(bare().c_str(), 0755) == 0, bare());
  mount_ = std::make_unique<MountFixture>(MountSetup{.parent = file_system_});
}

Scene::~Scene() {
  mount_.reset();
  ::umount2(file_system_.c_str(), MNT_DETACH);
  ::unlink(image_.c_str());
}

}  // namespace sluice::testing::parity
