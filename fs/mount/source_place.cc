#include "mount/source_place.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sluice/unique_fd.h"

namespace sluicefs {

using sluice::Result;
using sluice::UniqueFd;

namespace {

constexpr std::size_t kMaxLineage = 1024;

Result<struct statx> look_at(int directory) {
  struct statx found {};
  // An ancestor may be on a file system whose server hangs; what is cached is enough.
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (::statx(directory, "", kFlags, STATX_INO | STATX_MNT_ID, &found) != 0) return sluice::fail_last();
  return found;
}

DirectoryId id_of(const struct statx& found) {
  return {makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino};
}

Result<std::string> path_of(int fd) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path.data(), path.size());
  if (length < 0) return sluice::fail_last();
  return std::string(path.data(), static_cast<std::size_t>(length));
}

/// True when `path` is `directory` or below it.
bool is_within(const std::string& path, const std::string& directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string path_in_file_system(const std::string& path, const MountEntry& mount) {
  if (!is_within(path, mount.mountpoint) || !mount.root.starts_with('/')) return {};
  const std::string below = mount.mountpoint == "/" ? path : path.substr(mount.mountpoint.size());
  if (below.empty() || below == "/") return mount.root;
  return mount.root == "/" ? below : mount.root + below;
}

std::vector<DirectoryId> ancestors_of(int directory, DirectoryId self) {
  std::vector<DirectoryId> ids = {self};
  UniqueFd parent(::openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (parent.valid() && ids.size() < kMaxLineage) {
    const Result<struct statx> found = look_at(parent.get());
    // The root directory is its own parent.
    if (!found || id_of(*found) == ids.back()) break;
    ids.push_back(id_of(*found));
    parent.reset(::openat(parent.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  return ids;
}

bool has_ancestor(const SourcePlace& source, const SourcePlace& other) {
  return std::find(source.lineage.begin(), source.lineage.end(), other.lineage.front()) !=
         source.lineage.end();
}

}  // namespace

Result<SourcePlace> locate_source(int directory, const std::vector<MountEntry>& mounts) {
  const Result<struct statx> self = look_at(directory);
  if (!self) return sluice::fail(self.error());
  Result<std::string> path = path_of(directory);
  if (!path) return sluice::fail(path.error());

  SourcePlace place;
  place.path = std::move(*path);
  place.lineage = ancestors_of(directory, id_of(*self));
  place.mount_id = (self->stx_mask & STATX_MNT_ID) != 0 ? static_cast<int>(self->stx_mnt_id) : 0;
  if (const MountEntry* mount = find_mount(mounts, place.mount_id)) {
    // Not st_dev, which btrfs makes up for each subvolume.
    place.file_system = mount->device;
    place.path_in_file_system = path_in_file_system(place.path, *mount);
  }
  return place;
}

Overlap overlap_of(const SourcePlace& source, const SourcePlace& other) {
  if (source.lineage.front() == other.lineage.front()) return Overlap::same;
  if (has_ancestor(source, other)) return Overlap::inside;
  if (has_ancestor(other, source)) return Overlap::around;
  const std::string& ours = source.path_in_file_system;
  const std::string& theirs = other.path_in_file_system;
  if (source.file_system != other.file_system || ours.empty() || theirs.empty()) return Overlap::none;
  if (is_within(ours, theirs)) return Overlap::inside;
  if (is_within(theirs, ours)) return Overlap::around;
  return Overlap::none;
}

}  // namespace sluicefs
