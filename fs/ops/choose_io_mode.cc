#include "ops/choose_io_mode.h"

#include <fcntl.h>

#include <utility>

#include "source/backing.h"
#include "wire/backing_file.h"
#include "wire/wire.h"

namespace sluicefs {

using sluice::fail;
using sluice::Result;
using sluice::SharedFd;
using sluice::UniqueFd;

namespace {

using Backing = std::shared_ptr<const BackingFile>;

constexpr mode_t kSetid = S_ISUID | S_ISGID;

Access access_of(int flags) {
  if (!writes(flags)) return Access::read;
  return (flags & O_ACCMODE) == O_RDWR ? Access::read_and_write : Access::write;
}

/// The kernel's open file of the source keeps the flags of the open, whatever fcntl(2) takes away later: one
/// that appends goes on appending, and one of direct I/O wants alignment; dd(1) takes that away for its last
/// block. Who reads as well keeps the speed of the device. And it knows nothing of our mount's flag `sync`
/// (IS_SYNC of the inode that is written), which a WRITE request comes with.
bool wants_direct(const Core& core, int flags) {
  return core.syncs_writes || (flags & O_APPEND) != 0 ||
         ((flags & O_DIRECT) != 0 && (flags & O_ACCMODE) == O_WRONLY);
}

/// What is known of a small file is worth more than that its bytes travel fast (see the header).
bool is_whole_file_writer(const Core& core, const Node& node, int flags, Opening opening) {
  if (!writes(flags)) return false;
  if (wants_direct(core, flags)) return true;  // It would pass us in passthrough, too.
  if ((flags & O_ACCMODE) != O_WRONLY) return false;
  return opening == Opening::created || (flags & O_TRUNC) != 0 || core.engine.saw_data_change(node.key());
}

/// Known bits may be on it; unknown ones count.
bool has_setid(int fd) {
  const Result<backing::Attributes> attributes = backing::attributes(fd);
  return !attributes || (attributes->stat.st_mode & kSetid) != 0;
}

/// The kernel opens the source's file with the same flags, and would tell a failure as EIO.
bool takes_direct_io(int fd) {
  return backing::reopen(fd, O_RDONLY | O_DIRECT).has_value();
}

bool wants_tracked(const Core& core, DataMode data, const Node& node, int flags, Opening opening) {
  return data == DataMode::tracked ||
         (data == DataMode::automatic && is_whole_file_writer(core, node, flags, opening));
}

/// A descriptor by which errors of write-back are heard of, opened before anything is written by this open.
SharedFd sync_descriptor(Core& core, const Node& node, const SharedFd& fd) {
  SharedFd held = core.engine.held_descriptor(node.key());
  if (held) return held;
  // Read-only, so that a program which is run from the source finds nobody who has it open for writing.
  Result<UniqueFd> opened = backing::reopen(fd->get(), O_RDONLY);
  held = opened ? share(std::move(*opened)) : fd;
  core.engine.hold_descriptor(node.key(), held);
  return held;
}

Result<Backing> make_backing(Core& core, const SharedFd& fd) {
  const PassthroughScope as_nobody(fd->get());
  return BackingFile::make(*core.session, fd->get());
}

/// REQUIRES: counted as opened, in passthrough.
Result<Backing> pass_through(Core& core, Node& node, const SharedFd& fd, Access access) {
  IoModeState& state = node.io_mode();
  Result<Backing> offered = state.backing();
  if (!*offered) {
    // The kernel keeps the file open that it is given; one that can write would keep it from being run.
    offered = make_backing(core, access == Access::read ? fd : sync_descriptor(core, node, fd));
  }
  std::optional<IoModeState::Settled> settled = state.settle(offered.value_or(nullptr), access);
  if (!settled) return fail(offered.error());
  if (settled->backing && access != Access::read) sync_descriptor(core, node, fd);
  if (settled->mark_opaque) {
    core.engine.set_opaque(node.key());
    state.marked_opaque();
  }
  if (settled->first_to_map) core.session->invalidate_attributes(node.id());
  return std::move(settled->backing);
}

}  // namespace

bool writes(int flags) {
  const int mode = flags & O_ACCMODE;
  return mode == O_WRONLY || mode == O_RDWR;
}

Result<DataPath> choose_io_mode(Core& core, const NodePtr& node, const SharedFd& fd, int flags,
                                Opening opening) {
  IoModeState& state = node->io_mode();
  const DataMode data = core.data.load();
  const bool setid = data != DataMode::tracked && has_setid(fd->get());
  const bool direct = writes(flags) && (setid || wants_direct(core, flags));
  const bool may_pass = (flags & O_DIRECT) == 0 || data == DataMode::tracked || takes_direct_io(fd->get());
  const bool tracked = setid || !may_pass || wants_tracked(core, data, *node, flags, opening);
  if (state.opened(tracked ? IoMode::tracked : IoMode::passthrough) == IoMode::tracked) return DataPath();
  Result<Backing> passed =
      may_pass ? pass_through(core, *node, fd, access_of(flags)) : Result<Backing>(fail(EINVAL));
  if (!passed) {
    state.closed();
    return fail(passed.error());
  }
  return DataPath{std::move(*passed), direct};
}

void left_io_mode(Core& core, const Node& node) {
  for (unsigned marks = node.io_mode().opaque_marks(); marks > 0; --marks)
    core.engine.leave_opaque(node.key());
}

double attributes_timeout(const Core& core, const Node& node, const struct stat& attributes) {
  const double normal = core.timeouts.attributes;
  if (!S_ISREG(node.type())) return normal;
  if ((attributes.st_mode & kSetid) != 0) return 0;
  return node.io_mode().times_unseen() ? 0 : normal;
}

}  // namespace sluicefs
