#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "mount/mount_info.h"
#include "sluice/result.h"

namespace sluicefs {

/// A directory's identity while it exists.
struct DirectoryId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const DirectoryId&, const DirectoryId&) = default;
};

/// Where a source lies, in both ways that tell whether two sources share files: by the directories above it,
/// which finds file systems mounted below a source, and by the path within its file system, which finds bind
/// mounts, from whose root ".." does not lead to the directories above the original.
struct SourcePlace {
  std::string path;  ///< Resolved, for people.
  dev_t file_system = 0;
  std::string path_in_file_system;   ///< Empty when it cannot be told.
  std::vector<DirectoryId> lineage;  ///< The source itself, then its ancestors as far as they can be reached.
  int mount_id = 0;                  ///< Of the mount that it was opened through.
};

/// Where the open directory is. `mounts` are those of this process' namespace.
sluice::Result<SourcePlace> locate_source(int directory, const std::vector<MountEntry>& mounts);

enum class Overlap { none, same, inside, around };

/// Whether `source` is `other`, lies inside it, or lies around it.
Overlap overlap_of(const SourcePlace& source, const SourcePlace& other);

}  // namespace sluicefs
