#pragma once

#include <sys/stat.h>
#include <memory>

#include "ops/core.h"

namespace sluicefs {

class BackingFile;

/// Access mode 3 asks for permission to do both, and can do neither (open(2)).
bool writes(int flags);

/// How a file came to be open.
enum class Opening : std::uint8_t { existing, created };

/// How the data of one open file travels.
struct DataPath {
  /// What the kernel is to pass it through to; null: it is tracked.
  std::shared_ptr<const BackingFile> backing;
  /// In passthrough: reads and writes come to us all the same (FOPEN_DIRECT_IO), and only mappings do not.
  /// For what the kernel does not do right there: of an open that appends it goes on appending when fcntl(2)
  /// has ended that, as direct I/O wants alignment, setuid bits it drops whoever writes, and on a mount with
  /// `sync` it does not sync.
  bool direct = false;
};

/// Decides how the data of a file travels that is being opened with a program's `flags` as `fd`, which no
/// write has passed yet, and counts it as open (IoModeState). In passthrough for writing, the engine knows by
/// then that the file may be written unseen, and holds a descriptor to sync it by. On an error nothing is
/// counted: EINVAL where the source's file system has no direct I/O, or why the kernel does not take the
/// file.
///
/// With data=passthrough every inode is, but one that has a setuid or setgid bit when it is first opened (the
/// kernel would go on believing the mode that it knew, and run the changed program with it), and where the
/// kernel does not take the file (on a stacked file system inside the source). With data=auto those are
/// tracked as well that are first opened to be appended to, or write-only for direct I/O, while they are new,
/// to be emptied, or after changes of their data have passed us: what writes whole files, and then syncs them
/// one by one, is served best by exact knowledge. (After such changes also when they are durable, for an
/// early sync may have made them so.)
sluice::Result<DataPath> choose_io_mode(Core& core, const NodePtr& node, const sluice::SharedFd& fd,
                                        int flags, Opening opening);

/// The kernel has forgotten the inode: nothing can write it unseen any more.
void left_io_mode(Core& core, const Node& node);

/// How long the kernel may believe these attributes, in seconds. Not at all when it would not notice by
/// itself that they change: times of what mappings write unseen, and setuid bits, which a write drops that
/// passes through, or by another node of the inode, or while we are about to answer.
double attributes_timeout(const Core& core, const Node& node, const struct stat& attributes);

}  // namespace sluicefs
