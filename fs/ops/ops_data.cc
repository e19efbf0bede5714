#include "ops/ops_data.h"

#include "ops/inode_change.h"
#include "ops/open_file.h"
#include "ops/setid_scope.h"

namespace sluicefs::ops {

using sluice::fail;
using sluice::Result;

namespace {

/// Runs `change` on the file's descriptor as a data mutation.
template <typename Change>
auto change_data(Core& core, const OpenFile& file, const Writer& writer, Change change)
    -> decltype(change(0)) {
  const InodeChange ours(core, *file.node, file.fd);
  const SetidScope scope(core, *file.node, file.fd->get(), writer.setid);
  const WriterScope as_writer(writer.uid);
  return change(file.fd->get());
}

/// All of a page, or the error that stopped it.
Result<std::size_t> write_whole(int fd, std::span<const char> from, off_t offset) {
  std::size_t done = 0;
  while (done < from.size()) {
    const Result<std::size_t> written =
        backing::write(fd, from.subspan(done), offset + static_cast<off_t>(done), false);
    if (!written) return written;
    if (*written == 0) return fail(EIO);
    done += *written;
  }
  return done;
}

}  // namespace

Result<std::size_t> read(Core& core, std::uint64_t handle, std::span<char> into, off_t offset) {
  const Result<std::shared_ptr<OpenFile>> file = open_file(core, handle);
  if (!file) return fail(file.error());
  return backing::read((*file)->fd->get(), into, offset);
}

Result<std::size_t> write(Core& core, std::uint64_t handle, std::span<const char> from, off_t offset,
                          WriteOrigin origin) {
  const Result<std::shared_ptr<OpenFile>> found = open_file(core, handle);
  if (!found) return fail(found.error());
  const OpenFile& file = **found;
  if (!origin.page_cache) {
    return change_data(core, file, origin.writer,
                       [&](int fd) { return backing::write(fd, from, offset, origin.append); });
  }
  // As root: whoever made the page dirty is not known, and is not there to be told of a lack of space.
  const Result<std::size_t> written = change_data(core, file, {0, origin.writer.setid},
                                                  [&](int fd) { return write_whole(fd, from, offset); });
  if (!written) core.engine.writeback_failed(file.node->key(), written.error());
  return written;
}

Result<void> allocate(Core& core, const Writer& writer, std::uint64_t handle, int mode, off_t offset,
                      off_t length) {
  const Result<std::shared_ptr<OpenFile>> file = open_file(core, handle);
  if (!file) return fail(file.error());
  return change_data(core, **file, writer,
                     [&](int fd) { return backing::allocate(fd, mode, offset, length); });
}

Result<std::size_t> copy_range(Core& core, const Writer& writer, FileOffset from, FileOffset to,
                               std::size_t length) {
  const Result<std::shared_ptr<OpenFile>> source = open_file(core, from.handle);
  if (!source) return fail(source.error());
  const Result<std::shared_ptr<OpenFile>> target = open_file(core, to.handle);
  if (!target) return fail(target.error());
  return change_data(core, **target, writer, [&](int fd) {
    return backing::copy_range((*source)->fd->get(), from.offset, fd, to.offset, length);
  });
}

}  // namespace sluicefs::ops
