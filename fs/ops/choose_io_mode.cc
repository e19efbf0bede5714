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

/// What is known of a small file is worth more than that its bytes travel fast (see the header).
bool is_whole_file_writer(const Core& core, const Node& node, int flags, Opening opening) {
  if ((flags & O_ACCMODE) != O_WRONLY) return false;
  return opening == Opening::created || (flags & O_TRUNC) != 0 || core.engine.awaits_data_sync(node.key());
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

IoMode wanted_mode(const Core& core, const Node& node, int fd, int flags, Opening opening) {
  const DataMode data = core.data.load();
  if (data == DataMode::tracked) return IoMode::tracked;
  if (data == DataMode::automatic && is_whole_file_writer(core, node, flags, opening)) return IoMode::tracked;
  return has_setid(fd) ? IoMode::tracked : IoMode::passthrough;
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

Result<Backing> choose_io_mode(Core& core, const NodePtr& node, const SharedFd& fd, int flags,
                               Opening opening) {
  IoModeState& state = node->io_mode();
  IoMode wanted = wanted_mode(core, *node, fd->get(), flags, opening);
  const bool may_pass =
      (flags & O_DIRECT) == 0 || core.data.load() == DataMode::tracked || takes_direct_io(fd->get());
  if (!may_pass) wanted = IoMode::tracked;
  if (state.opened(wanted) == IoMode::tracked) return Backing();
  Result<Backing> passed =
      may_pass ? pass_through(core, *node, fd, access_of(flags)) : Result<Backing>(fail(EINVAL));
  if (!passed) state.closed();
  return passed;
}

void left_io_mode(Core& core, const Node& node) {
  for (unsigned marks = node.io_mode().opaque_marks(); marks > 0; --marks)
    core.engine.leave_opaque(node.key());
}

double attributes_timeout(const Core& core, const Node& node, const struct stat& attributes) {
  const double normal = core.timeouts.attributes;
  if (core.data.load(std::memory_order_relaxed) == DataMode::tracked || !S_ISREG(node.type())) return normal;
  const IoModeState& state = node.io_mode();
  const bool may_lose_setid = (attributes.st_mode & kSetid) != 0 && state.in_passthrough();
  return state.times_unseen() || may_lose_setid ? 0 : normal;
}

}  // namespace sluicefs
