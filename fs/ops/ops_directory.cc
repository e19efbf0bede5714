#include "ops/ops_directory.h"

#include <dirent.h>
#include <fcntl.h>

#include <cstring>
#include <string_view>

#include "ops/open_file.h"
#include "ops/ops_namespace.h"

namespace sluicefs::ops {

using sluice::fail;
using sluice::MutexLock;
using sluice::Result;
using sluice::UniqueFd;

namespace {

constexpr std::size_t kRecordsBytes = 32768;

/// The fixed part of the kernel's struct linux_dirent64, which is glibc's struct dirent64.
const dirent64* record_at(const OpenDirectory& directory) SLUICE_REQUIRES(directory.mutex) {
  return reinterpret_cast<const dirent64*>(directory.records.data() + directory.next_record);
}

/// Makes sure that a record which follows `directory.position` is at hand; false at the end.
Result<bool> fetch(OpenDirectory& directory) SLUICE_REQUIRES(directory.mutex) {
  if (directory.next_record < directory.records.size()) return true;
  directory.records.resize(kRecordsBytes);
  directory.next_record = 0;
  const Result<std::size_t> bytes = backing::read_directory(directory.fd->get(), directory.records);
  directory.records.resize(bytes.value_or(0));
  if (!bytes) return fail(bytes.error());
  return *bytes > 0;
}

/// rewinddir(3), seekdir(3), or a reader that lags behind our buffer.
Result<void> seek_to(OpenDirectory& directory, off_t offset) SLUICE_REQUIRES(directory.mutex) {
  if (offset == directory.position && offset != 0) return {};
  const Result<off_t> sought = backing::seek(directory.fd->get(), offset, SEEK_SET);
  if (!sought) return fail(sought.error());
  directory.records.clear();
  directory.next_record = 0;
  directory.position = offset;
  return {};
}

bool is_dot(std::string_view name) {
  return name == "." || name == "..";
}

/// What a record says itself.
Entry listed(Core& core, const OpenDirectory& directory, const dirent64& record) {
  Entry entry{};
  entry.attr.st_ino = core.tree.inode_number(directory.node->key().device, record.d_ino);
  entry.attr.st_mode = static_cast<mode_t>(DTTOIF(record.d_type));
  return entry;
}

/// What READDIRPLUS says of one record. A name that is gone by now, or that cannot be looked up, is only
/// listed.
Entry plus_entry(Core& core, const OpenDirectory& directory, const dirent64& record) {
  Entry entry = listed(core, directory, record);
  if (is_dot(record.d_name)) return entry;
  Result<Found> found = core.tree.find(directory.fd->get(), record.d_name);
  if (!found) return entry;
  return remember(core, std::move(*found), directory.node->id(), record.d_name).entry;
}

/// Adds one record to the listing; false when there is no room.
bool add(Core& core, fuse_req_t request, const OpenDirectory& directory, const dirent64& record, bool plus,
         std::size_t size, Listing& listing) {
  const std::size_t used = listing.bytes.size();
  const std::size_t room = size - used;
  Entry entry = listed(core, directory, record);
  const std::size_t needed = plus ? fuse_add_direntry_plus(request, nullptr, 0, record.d_name, nullptr, 0)
                                  : fuse_add_direntry(request, nullptr, 0, record.d_name, nullptr, 0);
  if (needed > room) return false;
  listing.bytes.resize(used + needed);
  char* const to = listing.bytes.data() + used;
  if (!plus) {
    fuse_add_direntry(request, to, needed, record.d_name, &entry.attr, record.d_off);
    return true;
  }
  entry = plus_entry(core, directory, record);
  fuse_add_direntry_plus(request, to, needed, record.d_name, &entry, record.d_off);
  if (entry.ino != 0) listing.lookups.push_back(entry.ino);
  return true;
}

}  // namespace

Result<std::uint64_t> open_directory(Core& core, NodeId id, int flags) {
  const Result<NodePtr> node = core.tree.node(id);
  if (!node) return fail(node.error());
  Result<UniqueFd> fd = open_for_program(core, **node, O_RDONLY | O_DIRECTORY | (flags & O_NOATIME));
  if (!fd) return fail(fd.error());
  auto directory = std::make_shared<OpenDirectory>();
  directory->node = *node;
  directory->fd = share(std::move(*fd));
  (*node)->set_open_fd(directory->fd);
  return core.directories.insert(std::move(directory));
}

void release_directory(Core& core, std::uint64_t handle) {
  core.directories.remove(handle);
}

Result<Listing> read_directory(Core& core, fuse_req_t request, std::uint64_t handle, std::size_t size,
                               off_t offset, bool plus) {
  const std::shared_ptr<OpenDirectory> directory = core.directories.find(handle);
  if (!directory) return fail(EBADF);
  const MutexLock lock(directory->mutex);
  if (const Result<void> sought = seek_to(*directory, offset); !sought) return fail(sought.error());
  Listing listing;
  while (true) {
    const Result<bool> more = fetch(*directory);
    if (!more && listing.bytes.empty()) return fail(more.error());
    if (!more || !*more) return listing;
    const dirent64& record = *record_at(*directory);
    if (!add(core, request, *directory, record, plus, size, listing)) return listing;
    directory->next_record += record.d_reclen;
    directory->position = record.d_off;
  }
}

}  // namespace sluicefs::ops
