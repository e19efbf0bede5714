#pragma once

#include "ops/core.h"

namespace sluicefs {

/// Our change of an inode's bytes, size or times, for as long as its system calls take. Begins with
///   1. its number in the inode's epochs;
///   2. for a change of data that is the first since the inode was durable: a descriptor that was opened
///      before it, by which the engine syncs then;
///   3. word to CachedData that what is found from now on may be ours.
/// They end in reverse, all before whoever asked for the change is answered: the object is gone by then.
class InodeChange {
 public:
  /// `data`: an open file of the inode, when bytes or size change; null when neither does.
  InodeChange(Core& core, const Node& node, const sluice::SharedFd& data);

  /// The change succeeded and left no bytes.
  void emptied() { mutation_.emptied(); }

 private:
  sluice::OngoingMutation mutation_;
  const CachedData::OwnChange own_;
};

/// The descriptor that the engine syncs the inode by; opened and given to it if it has none. `fd`: an open
/// file of the inode, not O_PATH.
sluice::SharedFd sync_descriptor(Core& core, const Node& node, const sluice::SharedFd& fd);
/// Step 2 alone, for a mutation that touches other inodes as well and names this one first. `fd`: as
/// there.
void hold_sync_descriptor(Core& core, const Node& node, const sluice::SharedFd& fd,
                          const sluice::OngoingMutation& mutation);

}  // namespace sluicefs
