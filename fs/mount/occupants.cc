#include "mount/occupants.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "mount/mount_info.h"
#include "process/credentials.h"

namespace sluicefs {

namespace {

namespace fs = std::filesystem;

/// `path` is one of proc(5)'s links to what a process has open.
bool leads_to(const std::string& path, dev_t device) {
  struct statx found {};
  if (::statx(AT_FDCWD, path.c_str(), AT_STATX_DONT_SYNC, 0, &found) != 0) return false;
  return makedev(found.stx_dev_major, found.stx_dev_minor) == device;
}

bool has_open_file(const std::string& process, dev_t device) {
  std::error_code ignored;
  for (const auto& fd : fs::directory_iterator(process + "/fd", ignored)) {
    if (leads_to(fd.path().string(), device)) return true;
  }
  return false;
}

bool has_mapping(const std::string& process, dev_t device) {
  const auto maps = read_proc_file(process + "/maps");
  if (!maps) return false;
  const std::string field = fmt::format(" {:02x}:{:02x} ", major(device), minor(device));
  return maps->find(field) != std::string::npos;
}

std::optional<std::string> use_of(const std::string& process, dev_t device) {
  if (leads_to(process + "/cwd", device)) return "its working directory";
  if (leads_to(process + "/root", device)) return "its root directory";
  if (has_open_file(process, device)) return "an open file";
  if (has_mapping(process, device)) return "a mapped file";
  return std::nullopt;
}

std::vector<Occupant> find_processes(dev_t device, std::size_t max) {
  const InspectProcessesScope scope;
  std::vector<Occupant> occupants;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    if (occupants.size() == max) break;
    const std::string number = entry.path().filename().string();
    pid_t pid = 0;
    const auto [stopped, error] = std::from_chars(number.data(), number.data() + number.size(), pid);
    if (error != std::errc() || *stopped != '\0' || pid == ::getpid()) continue;
    const std::optional<std::string> use = use_of(entry.path().string(), device);
    if (!use) continue;
    std::string name = read_proc_file(entry.path().string() + "/comm").value_or("?");
    if (name.ends_with('\n')) name.pop_back();
    occupants.push_back({pid, std::move(name), *use});
  }
  return occupants;
}

std::vector<std::string> find_mountpoints(dev_t device, std::size_t max) {
  std::vector<std::string> mountpoints;
  const auto mounts = read_mounts();
  if (!mounts) return mountpoints;
  for (const MountEntry& entry : *mounts) {
    const MountEntry* const below = find_mount(*mounts, entry.parent);
    if (below == nullptr || below->device != device) continue;
    if (mountpoints.size() < max) mountpoints.push_back(entry.mountpoint);
  }
  return mountpoints;
}

}  // namespace

Occupants find_occupants(dev_t device, std::size_t max) {
  return {find_processes(device, max), find_mountpoints(device, max)};
}

std::string describe(const Occupants& occupants) {
  std::vector<std::string> parts;
  for (const Occupant& process : occupants.processes) {
    parts.push_back(fmt::format("{} (pid {}, {})", process.name, process.pid, process.how));
  }
  for (const std::string& mountpoint : occupants.mountpoints) {
    parts.push_back(fmt::format("what is mounted on {}", mountpoint));
  }
  return parts.empty() ? "nobody that can be seen" : fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace sluicefs
