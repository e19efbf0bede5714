// What an exerciser does to its file and to its model.

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "exerciser.h"
#include "file_io.h"

namespace sluice::fsx {

namespace {

constexpr std::size_t kPage = 4096;

off_t at(std::size_t offset) {
  return static_cast<off_t>(offset);
}

void must_be(const char* what, long got, std::size_t wanted) {
  if (got != static_cast<long>(wanted)) {
    throw Difference(fmt::format("{} of {} bytes returned {}", what, wanted, got));
  }
}

/// pwrite(2), or pwritev(2) of three parts.
long write_at(int fd, std::span<char> from, std::size_t offset, bool in_parts) {
  if (!in_parts) return ::pwrite(fd, from.data(), from.size(), at(offset));
  const std::size_t third = from.size() / 3;
  const std::array<iovec, 3> parts = {{{from.data(), third},
                                       {from.data() + third, third},
                                       {from.data() + 2 * third, from.size() - 2 * third}}};
  return ::pwritev(fd, parts.data(), static_cast<int>(parts.size()), at(offset));
}

}  // namespace

void Exerciser::perform(const Operation& operation) {
  const int fd = handles_.at(operation.handle).fd.get();
  switch (operation.kind) {
    case Kind::read:
      return do_read(operation);
    case Kind::write:
    case Kind::write_parts:
      return do_write(operation);
    case Kind::read_mapped:
    case Kind::write_mapped:
      return do_mapped(operation);
    case Kind::sync_mapped:
    case Kind::sync:
    case Kind::sync_data:
      return do_sync(operation);
    case Kind::remap:
      mapping_ = MappedFile(fd, setup_.limits.end, MAP_SHARED);
      return;
    case Kind::seek:
      return do_seek();
    case Kind::reopen:
      return do_reopen(operation);
    case Kind::drop_cache:
      checked(-::posix_fadvise(fd, at(operation.offset), at(operation.length), POSIX_FADV_DONTNEED),
              "fadvise");
      return;
    case Kind::punch:
      return do_allocate(operation, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    case Kind::zero_keep:
      return do_allocate(operation, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
    case Kind::zero:
      return do_allocate(operation, FALLOC_FL_ZERO_RANGE);
    case Kind::allocate:
      return do_allocate(operation, 0);
    case Kind::allocate_keep:
      return do_allocate(operation, FALLOC_FL_KEEP_SIZE);
    case Kind::truncate:
      return do_truncate(operation.offset);
    case Kind::copy:
      return do_copy(operation);
  }
}

/// Direct I/O that a local file system refuses, or half of it, and this one is not to try.
bool Exerciser::refusable(const Handle& handle, std::size_t offset, const Operation& operation) const {
  const bool odd = offset % kPage != 0 || operation.length % kPage != 0 || operation.salt % 2 != 0 ||
                   operation.kind == Kind::write_parts;
  return odd && handle.direct() && !setup_.limits.odd_direct;
}

void Exerciser::do_read(const Operation& operation) {
  const Handle& handle = handles_.at(operation.handle);
  if (refusable(handle, operation.offset, operation)) return;
  const PageBuffer buffer(operation.length, operation.salt % 2 == 0 ? 0 : operation.salt % kPage);
  const long got = ::pread(handle.fd.get(), buffer.bytes().data(), operation.length, at(operation.offset));
  const std::span<const char> wanted = model_.part(operation.offset, operation.length);
  must_be("pread", checked(got, "pread"), wanted.size());
  if (!std::equal(wanted.begin(), wanted.end(), buffer.bytes().begin())) {
    throw Difference("pread returned other bytes than were written");
  }
}

void Exerciser::do_write(const Operation& operation) {
  const Handle& handle = handles_.at(operation.handle);
  const std::size_t offset = handle.appends() ? model_.size() : operation.offset;
  if (refusable(handle, offset, operation)) return;
  const std::size_t length = std::min(operation.length, setup_.limits.end - offset);
  const std::vector<char> bytes = content(operation.salt, length);
  const PageBuffer buffer(length, operation.salt % 2 == 0 ? 0 : operation.salt % kPage);
  std::copy(bytes.begin(), bytes.end(), buffer.bytes().begin());
  const bool in_parts = operation.kind == Kind::write_parts;
  if (length == 0 || !tells_lie(Lie::lose)) {
    const long put = write_at(handle.fd.get(), buffer.bytes(), operation.offset, in_parts);
    must_be("pwrite", checked(put, "pwrite"), length);
  }
  model_.write(offset, bytes);
}

void Exerciser::do_mapped(const Operation& operation) {
  const std::span<const char> there = model_.part(operation.offset, operation.length);
  if (there.empty()) return;
  char* const mapped = mapping_.at(operation.offset);
  if (operation.kind == Kind::read_mapped) {
    if (!std::equal(there.begin(), there.end(), mapped)) throw Difference("the mapping has other bytes");
    return;
  }
  const std::vector<char> bytes = content(operation.salt, there.size());
  if (!tells_lie(Lie::lose)) std::memcpy(mapped, bytes.data(), bytes.size());
  model_.write(operation.offset, bytes);
  dirty_pages_ = true;
}

void Exerciser::do_sync(const Operation& operation) {
  const int fd = handles_.at(operation.handle).fd.get();
  if (operation.kind == Kind::sync) checked(::fsync(fd), "fsync");
  if (operation.kind == Kind::sync_data) checked(::fdatasync(fd), "fdatasync");
  if (operation.kind == Kind::sync_mapped) checked(mapping_.sync(), "msync");
  dirty_pages_ = false;
}

void Exerciser::do_allocate(const Operation& operation, int mode) {
  if (operation.length == 0) return;  // EINVAL
  const int fd = handles_.at(operation.handle).fd.get();
  checked(::fallocate(fd, mode, at(operation.offset), at(operation.length)), "fallocate");
  if ((mode & FALLOC_FL_KEEP_SIZE) == 0) model_.grow_to(operation.offset + operation.length);
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0) {
    model_.zero(operation.offset, operation.length);
  }
}

void Exerciser::do_truncate(std::size_t size) {
  if (size % 2 == 0) {
    checked(::ftruncate(handles_.front().fd.get(), at(size)), "ftruncate");
  } else {
    checked(::truncate(setup_.path.c_str(), at(size)), "truncate");
  }
  model_.resize(size);
}

void Exerciser::do_copy(const Operation& operation) {
  const Handle& from = handles_.at(operation.handle);
  const Handle& to = handles_.at(operation.target_handle);
  if (!setup_.limits.odd_direct && (from.direct() || to.direct())) return;
  const std::size_t length = model_.part(operation.offset, operation.length).size();
  off_t read_at = at(operation.offset);
  off_t write_at = at(operation.target);
  std::size_t done = 0;
  while (done < length) {
    const long copied = ::copy_file_range(from.fd.get(), &read_at, to.fd.get(), &write_at, length - done, 0);
    if (copied < 0 && errno == EBADF && to.appends()) return;
    if (checked(copied, "copy_file_range") == 0) throw Difference("copy_file_range copied nothing");
    done += static_cast<std::size_t>(copied);
  }
  model_.copy(operation.offset, operation.target, length);
}

/// What is said to be a hole must be zeros.
void Exerciser::do_seek() {
  const int fd = reader_.get();
  const auto must_be_zero = [&](std::size_t from, std::size_t to) {
    const std::size_t begin = std::max(from, setup_.limits.begin);
    const std::size_t end = std::max(begin, std::min(to, setup_.limits.end));
    const std::span<const char> hole = model_.part(begin, end - begin);
    if (std::any_of(hole.begin(), hole.end(), [](char byte) { return byte != 0; })) {
      throw Difference(fmt::format("there are data between {} and {}, said to be a hole", from, to));
    }
  };
  std::size_t position = 0;
  while (position < model_.size()) {
    const off_t data = ::lseek(fd, at(position), SEEK_DATA);
    if (data < 0 && errno != ENXIO) throw_errno("lseek");
    const std::size_t data_from = data < 0 ? model_.size() : static_cast<std::size_t>(data);
    must_be_zero(position, data_from);
    if (data < 0) return;
    const auto hole = static_cast<std::size_t>(checked(::lseek(fd, data, SEEK_HOLE), "lseek"));
    if (hole > model_.size()) throw Difference(fmt::format("a hole at {} is behind the end", hole));
    if (hole <= position) return;  // Somebody else has punched it just now.
    position = hole;
  }
}

void Exerciser::do_reopen(const Operation& operation) {
  // Closing hands over the pages of mappings, if not their durability.
  handles_.at(operation.handle).fd.reset();
  dirty_pages_ = false;
  open(handles_.at(operation.handle), operation.flavour);
}

}  // namespace sluice::fsx
