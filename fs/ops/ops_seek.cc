#include "ops/ops_seek.h"

#include <unistd.h>

#include <memory>

#include "ops/open_file.h"
#include "wire/readers.h"
#include "wire/wire.h"

namespace sluicefs::ops {

using sluice::fail;
using sluice::Result;

namespace {

/// The range from `from` to `to`, which is excluded.
struct Range {
  off_t from;
  off_t to;
};

Result<off_t> size_of(int fd) {
  return backing::attributes(fd).map([](const backing::Attributes& found) { return found.stat.st_size; });
}

/// The first hole that the answer depends on; empty when there is none before the end.
Result<Range> hole_in_question(int fd, off_t offset, int whence) {
  const Result<off_t> size = size_of(fd);
  if (!size) return fail(size.error());
  off_t from = offset;
  if (whence == SEEK_HOLE) {
    const Result<off_t> hole = backing::seek(fd, offset, SEEK_HOLE);
    if (!hole) return fail(hole.error());
    from = *hole;
  }
  const Result<off_t> data = backing::seek(fd, from, SEEK_DATA);
  if (!data && data.error() != sluice::Errno(ENXIO)) return fail(data.error());
  return Range{from, data.value_or(*size)};
}

/// As the source answers once it has the pages of mappings.
Result<off_t> seek_fetching(Core& core, const OpenFile& file, off_t offset, int whence) {
  const int fd = file.fd->get();
  off_t fetched_to = offset;
  while (true) {
    const Result<Range> hole = hole_in_question(fd, offset, whence);
    if (!hole) return fail(hole.error());
    if (hole->to <= hole->from || hole->from < fetched_to) break;
    core.session->invalidate_pages(file.node->id(), hole->from, hole->to - hole->from);
    fetched_to = hole->to;
  }
  return backing::seek(fd, offset, whence);
}

Result<off_t> seek_all_data(int fd, off_t offset, int whence) {
  const Result<off_t> size = size_of(fd);
  if (!size) return fail(size.error());
  if (offset < 0 || offset >= *size) return fail(ENXIO);
  return whence == SEEK_DATA ? offset : *size;
}

}  // namespace

Result<off_t> seek(Core& core, std::uint64_t handle, off_t offset, int whence) {
  const Result<std::shared_ptr<OpenFile>> found = open_file(core, handle);
  if (!found) return fail(found.error());
  const OpenFile& file = **found;
  if (offset < 0 || !file.node->maybe_mapped()) return backing::seek(file.fd->get(), offset, whence);
  const Readers::Wait wait(*core.readers, Readers::WaitFor::kernel);
  if (!wait.allowed()) return seek_all_data(file.fd->get(), offset, whence);
  return seek_fetching(core, file, offset, whence);
}

}  // namespace sluicefs::ops
