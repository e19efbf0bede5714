#include "memory_image.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sluice/check.h"
#include "whole_io.h"

namespace sluice::testing {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

}  // namespace

Result<MemoryImage> MemoryImage::create(std::uint64_t size_bytes) {
  SLUICE_CHECK(size_bytes % kPageBytes == 0);
  UniqueFd file(::memfd_create("disk-image", MFD_CLOEXEC));
  if (!file.valid()) return fail_last();
  if (::ftruncate(file.get(), static_cast<off_t>(size_bytes)) != 0) return fail_last();
  void* const memory = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return fail_last();
  return MemoryImage(std::move(file), std::span(static_cast<std::byte*>(memory), size_bytes));
}

MemoryImage::MemoryImage(UniqueFd file, std::span<std::byte> memory)
    : file_(std::move(file)), memory_(memory), written_(memory.size() / kPageBytes) {}

MemoryImage::MemoryImage(MemoryImage&& other) noexcept
    : file_(std::move(other.file_)),
      memory_(std::exchange(other.memory_, {})),
      written_(std::move(other.written_)) {}

MemoryImage& MemoryImage::operator=(MemoryImage&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(memory_, other.memory_);
  std::swap(written_, other.written_);
  return *this;
}

MemoryImage::~MemoryImage() {
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

void MemoryImage::write(std::uint64_t offset_bytes, std::span<const std::byte> data) {
  SLUICE_CHECK(offset_bytes <= memory_.size() && data.size() <= memory_.size() - offset_bytes);
  if (data.empty()) return;
  std::memcpy(memory_.data() + offset_bytes, data.data(), data.size());
  const std::uint64_t last = (offset_bytes + data.size() - 1) / kPageBytes;
  for (std::uint64_t page = offset_bytes / kPageBytes; page <= last; ++page) written_[page] = true;
}

void MemoryImage::zero(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  SLUICE_CHECK(offset_bytes <= memory_.size() && length_bytes <= memory_.size() - offset_bytes);
  const std::uint64_t end = offset_bytes + length_bytes;
  // Touching a page that was never written would allocate it, and a new disk is discarded as a whole.
  for (std::uint64_t page = offset_bytes / kPageBytes; page * kPageBytes < end; ++page) {
    if (!written_[page]) continue;
    const std::uint64_t first = std::max(offset_bytes, page * kPageBytes);
    std::memset(memory_.data() + first, 0, std::min(end, (page + 1) * kPageBytes) - first);
  }
}

Result<MemoryImage> MemoryImage::copy() const {
  Result<MemoryImage> image = create(memory_.size());
  if (!image) return image;
  // pwrite(2) in long runs: a copy through the mapping would fault on every page.
  for (std::size_t first = 0; first < written_.size();) {
    const auto end = static_cast<std::size_t>(
        std::find(written_.begin() + static_cast<std::ptrdiff_t>(first), written_.end(), !written_[first]) -
        written_.begin());
    if (written_[first]) {
      const std::uint64_t offset = first * kPageBytes;
      const Result<void> copied =
          write_whole(image->file_.get(), memory_.subspan(offset, (end - first) * kPageBytes), offset);
      if (!copied) return fail(copied.error());
    }
    first = end;
  }
  image->written_ = written_;
  return image;
}

}  // namespace sluice::testing
