#include "stamp.h"

#include <cstring>

namespace sluice::bench {
namespace {

using Word = std::uint64_t;

/// The upper half of a word says what it is and where it belongs.
std::uint32_t tag_of(std::uint64_t offset_bytes) {
  constexpr std::uint32_t kMagic = 0x51c3f500;
  return kMagic ^ static_cast<std::uint32_t>(offset_bytes);
}

}  // namespace

void stamp(std::span<std::byte> data, std::uint64_t offset_bytes, Version version) {
  const Word word = (Word{tag_of(offset_bytes)} << 32U) | version;
  for (std::size_t at = 0; at + sizeof(Word) <= data.size(); at += sizeof(Word)) {
    std::memcpy(data.data() + at, &word, sizeof(Word));
  }
}

bool is_stamped(std::span<const std::byte> data, std::uint64_t offset_bytes, Version version) {
  for (std::size_t at = 0; at + sizeof(Word) <= data.size(); at += sizeof(Word)) {
    Word word = 0;
    std::memcpy(&word, data.data() + at, sizeof(Word));
    if (word >> 32U != tag_of(offset_bytes) || static_cast<Version>(word) < version) return false;
  }
  return true;
}

}  // namespace sluice::bench
