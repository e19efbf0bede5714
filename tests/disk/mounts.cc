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

}  // namespace

std::vector<std::filesystem::path> mounts_of(const std::string& device) {
  std::vector<std::filesystem::path> result;
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
    if (unescape(source) == device) result.emplace_back(unescape(point));
  }
  std::ranges::reverse(result);
  return result;
}

void detach_mounts_of(const std::string& device) {
  for (const std::filesystem::path& point : mounts_of(device)) (void)::umount2(point.c_str(), MNT_DETACH);
}

bool enter_private_mount_namespace() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace sluice::testing
