#include "ops/choose_io_mode.h"

#include <fcntl.h>

#include <utility>

#include "ops/inode_change.h"
#include "source/backing.h"
#include "wire/backing_file.h"
#include "wire/wire.h"

namespace sluicefs {

using sluice::fail;
using sluice::Result;
using sluice::SharedFd;

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

/// The kernel opens the source's file with the same flags, and would tell a failure as EIO.
bool takes_direct_io(int fd) {
  return backing::reopen(fd, O_RDONLY | O_DIRECT).has_value();
}

bool wants_tracked(const Core& core, DataMode data, const Node& node, int flags, Opening opening) {
  return data == DataMode::tracked ||
         (data == DataMode::automatic && is_whole_file_writer(core, node, flags, opening));
}

Result<Backing> make_backing(Core& core, const SharedFd& fd) {
  const PassthroughScope as_nobody(fd->get());
  return BackingFile::make(*core.session, fd->get());
}

/// REQUIRES: counted as opened, in passthrough.
Result<Backing> pass_through(Core& core, Node& node, const SharedFd& fd, Access access) {
  IoModeState& state = node.io_mode();
  // Before the first write, which nobody will announce. The kernel gets the same: it keeps open what it is
  // given, and a file that is open for writing cannot be run.
  const SharedFd to_keep = access == Access::read ? fd : sync_descriptor(core, node, fd);
  Result<Backing> offered = state.backing();
  if (!*offered) offered = make_backing(core, to_keep);
  std::optional<IoModeState::Settled> settled = state.settle(offered.value_or(nullptr), access);
  if (!settled) return fail(offered.error());
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
  const bool may_pass = (flags & O_DIRECT) == 0 || data == DataMode::tracked || takes_direct_io(fd->get());
  const bool wanted = may_pass && !wants_tracked(core, data, *node, flags, opening);
  // Asked for only where it matters: most opens in auto are tracked without it.
  const bool setid = wanted && setid_bits(fd->get()) != 0;
  const IoMode mode = wanted && !setid ? IoMode::passthrough : IoMode::tracked;
  if (state.opened(mode) == IoMode::tracked) return DataPath();
  const bool direct =
      writes(flags) && (wants_direct(core, flags) || setid || (!wanted && setid_bits(fd->get()) != 0));
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
