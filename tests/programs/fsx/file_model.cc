#include "file_model.h"

#include <algorithm>

namespace sluice::fsx {

std::span<const char> FileModel::part(std::size_t offset, std::size_t length) const {
  const std::size_t begin = std::min(offset, size());
  return bytes().subspan(begin, std::min(length, size() - begin));
}

void FileModel::grow_to(std::size_t size) {
  bytes_.resize(std::max(size, bytes_.size()));
}

void FileModel::write(std::size_t offset, std::span<const char> from) {
  if (from.empty()) return;
  grow_to(offset + from.size());
  std::copy(from.begin(), from.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
}

void FileModel::zero(std::size_t offset, std::size_t length) {
  const std::size_t begin = std::min(offset, size());
  std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(begin), std::min(length, size() - begin), '\0');
}

void FileModel::copy(std::size_t from, std::size_t to, std::size_t length) {
  const std::span<const char> found = part(from, length);
  write(to, std::vector<char>(found.begin(), found.end()));
}

}  // namespace sluice::fsx
