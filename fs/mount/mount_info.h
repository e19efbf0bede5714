#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/result.h"

namespace sluicefs {

/// The file system type of our mounts, as the kernel lists it.
inline constexpr std::string_view kFileSystemType = "fuse.sluicefs";

/// One line of /proc/self/mountinfo, proc(5).
struct MountEntry {
  int id = 0;
  int parent = 0;
  dev_t device = 0;
  std::string root;        ///< The directory of the file system that is mounted: not "/" for a bind mount.
  std::string mountpoint;  ///< As seen from the root directory of this process.
  std::string type;
  std::string source;
};

/// Undoes the octal escapes (\040 is a space) that the kernel writes for characters which separate.
std::string decode_octal(std::string_view text);
/// Writes white space, '\', '#' and control characters as octal escapes.
std::string encode_octal(std::string_view text);

/// None when the line is not of the form that proc(5) has.
std::optional<MountEntry> parse_mount_line(std::string_view line);
/// The entries of a whole mountinfo; lines that are not of its form are left out.
std::vector<MountEntry> parse_mounts(std::string_view text);
/// The mounts of this process' namespace.
sluice::Result<std::vector<MountEntry>> read_mounts();

/// Of the mounts stacked on `mountpoint` the one that is seen; null when there is none.
const MountEntry* topmost_at(const std::vector<MountEntry>& mounts, std::string_view mountpoint);
const MountEntry* find_mount(const std::vector<MountEntry>& mounts, int id);

/// All that a file under /proc holds.
sluice::Result<std::string> read_proc_file(const std::string& path);

}  // namespace sluicefs
