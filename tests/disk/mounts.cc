#include "mounts.h"

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace sluice::testing {
namespace {

/// Undoes the octal escapes of /proc/self/mountinfo (mangle_path() in the kernel).
std::string unescape(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      result.push_back(static_cast<char>(std::stoi(text.substr(at + 1, 3), nullptr, 8)));
      at += 3;
    } else {
      result.push_back(text[at]);
    }
  }
  return result;
}

struct MountEntry {
  std::filesystem::path point;
  std::string source;
};

/// Newest first.
std::vector<MountEntry> all_mounts() {
  std::vector<MountEntry> result;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    // "36 35 98:0 /root /mount/point options optional… - type source options". The device number is of no
    // use: btrfs shows one of its own there.
    const std::size_t separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    std::istringstream head(line.substr(0, separator));
    std::istringstream tail(line.substr(separator + 3));
    std::string skipped;
    std::string point;
    std::string source;
    head >> skipped >> skipped >> skipped >> skipped >> point;
    tail >> skipped >> source;
    result.push_back({unescape(point), unescape(source)});
  }
  std::ranges::reverse(result);
  return result;
}

bool is_below(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const auto end = std::ranges::mismatch(path, directory);
  return end.in2 == directory.end() && end.in1 != path.end();
}

}  // namespace

std::vector<std::filesystem::path> mounts_of(const std::string& device) {
  std::vector<std::filesystem::path> result;
  for (MountEntry& mount : all_mounts()) {
    if (mount.source == device) result.push_back(std::move(mount.point));
  }
  return result;
}

void detach_mounts_of(const std::string& device) {
  for (const std::filesystem::path& point : mounts_of(device)) (void)::umount2(point.c_str(), MNT_DETACH);
}

// The copies of other tests' mounts would keep those alive, and their tests waiting, for as long as we live.
bool enter_private_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const std::filesystem::path temporary = std::filesystem::temp_directory_path();
  for (const MountEntry& mount : all_mounts()) {
    if (is_below(mount.point, temporary)) (void)::umount2(mount.point.c_str(), MNT_DETACH);
  }
  return true;
}

}  // namespace sluice::testing
