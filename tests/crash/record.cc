#include "record.h"

#include <algorithm>
#include <cstring>

#include "sluice/ids.h"

namespace sluice::testing {

namespace {

constexpr std::uint64_t kMagic = 0x736c756963657265ULL;

/// Every word of the sector depends on the record, so that no part of another version passes for this one.
RecordBytes fill(const Record& record) {
  RecordBytes bytes{};
  std::uint64_t word = kMagic;
  for (const std::uint64_t part : {std::uint64_t{record.file}, std::uint64_t{record.slot}, record.version}) {
    word = mix_bits(word ^ part) + 1;
  }
  for (std::size_t at = 0; at < bytes.size(); at += sizeof word) {
    word = mix_bits(word + at);
    std::memcpy(bytes.data() + at, &word, sizeof word);
  }
  return bytes;
}

}  // namespace

RecordBytes encode(const Record& record) {
  RecordBytes bytes = fill(record);
  std::memcpy(bytes.data(), &record, sizeof record);
  return bytes;
}

std::optional<Record> decode(std::span<const std::byte> bytes) {
  Record record;
  if (bytes.size() < kRecordBytes) return std::nullopt;
  std::memcpy(&record, bytes.data(), sizeof record);
  const RecordBytes expected = encode(record);
  if (!std::equal(expected.begin(), expected.end(), bytes.begin())) return std::nullopt;
  return record;
}

}  // namespace sluice::testing
