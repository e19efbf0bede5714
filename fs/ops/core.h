#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "ops/data_mode.h"
#include "ops/handle_table.h"
#include "process/credentials.h"
#include "sluice/sync_engine.h"
#include "source/tree.h"
#include "wire/fuse_api.h"

namespace sluicefs {

class BackingFile;
class Readers;
class Session;

/// A regular file that a program has open.
struct OpenFile {
  NodePtr node;
  /// Its own open file of the source, without O_APPEND, O_DIRECT, O_SYNC and O_DSYNC: those are done by us,
  /// since pages of mappings are written through it as well (fuse_writepages takes any open file of the
  /// inode).
  sluice::SharedFd fd;
  bool for_writing = false;
  /// What the kernel passes its reads and writes through to; null when they come to us.
  std::shared_ptr<const BackingFile> backing = nullptr;
  /// Its reads and writes come to us though the inode is in passthrough, whose mappings do not (DataPath).
  bool direct = false;
  /// O_SYNC or O_DSYNC, when what this changes is to be durable when it is answered; 0.
  int sync_flags = 0;
};

/// A directory that a program has open. `mutex` keeps two readers of one handle from mixing their positions.
struct OpenDirectory {
  NodePtr node;
  sluice::SharedFd fd;
  sluice::Mutex mutex;
  /// Records that were read from the source and not handed out yet, and the offset that the next one follows.
  std::vector<char> records SLUICE_GUARDED_BY(mutex);
  std::size_t next_record SLUICE_GUARDED_BY(mutex) = 0;
  off_t position SLUICE_GUARDED_BY(mutex) = 0;
};

/// How long the kernel may believe what it was told, in seconds.
struct Timeouts {
  double entry = 1;
  double attributes = 1;
  /// For names that do not exist; 0: not cached.
  double negative = 0;
};

/// What the operations of one mount work on. Each part synchronises itself.
struct Core {
  Tree& tree;
  sluice::SyncEngine& engine;
  Timeouts timeouts;
  /// Mounted with noatime: what is read through the mount keeps its access time.
  bool keeps_access_times = false;
  /// Mounted with sync: each write is to be durable when it is answered, which the kernel does not see to in
  /// passthrough.
  bool syncs_writes = false;
  /// Becomes another one once, when the kernel is found to be able to; what is opened before is tracked.
  std::atomic<DataMode> data{DataMode::tracked};
  /// Others can reach the source beside the mount.
  bool shared_source = true;
  HandleTable<OpenFile> files{};
  HandleTable<OpenDirectory, HandleKind::directory> directories{};
  /// By which the kernel is told what it did not ask for, and the threads that wait for it. Set before the
  /// first request comes.
  Session* session = nullptr;
  Readers* readers = nullptr;
};

}  // namespace sluicefs
