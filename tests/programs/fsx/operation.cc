#include "operation.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sluice::fsx {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kSector = 512;

constexpr std::array<std::string_view, 19> kKindNames = {
    "read", "write",    "write_parts",   "read_mapped", "write_mapped", "sync_mapped", "remap",
    "seek", "sync",     "sync_data",     "reopen",      "drop_cache",   "punch",       "zero_keep",
    "zero", "allocate", "allocate_keep", "truncate",    "copy"};
constexpr std::array<std::string_view, 6> kFlavourNames = {"plain",         "append", "direct",
                                                           "direct_append", "sync",   "data_sync"};

/// How often each kind is drawn, in the order of Kind.
constexpr std::array<std::size_t, 19> kShares = {8, 14, 4, 6, 14, 3, 3, 4, 3, 3, 4, 2, 5, 3, 3, 3, 3, 6, 5};

Kind draw_kind(Lots& lots, bool fixed_size) {
  const std::size_t kinds = fixed_size ? static_cast<std::size_t>(Kind::zero) : kShares.size();
  std::size_t sum = 0;
  for (std::size_t kind = 0; kind < kinds; ++kind) sum += kShares.at(kind);
  std::size_t lot = lots.below(sum);
  std::size_t kind = 0;
  while (lot >= kShares.at(kind)) lot -= kShares.at(kind++);
  return static_cast<Kind>(kind);
}

/// A place from `begin` to `end`, which is included: near the end of the file, at the edge of a page,
/// anywhere.
std::size_t draw_place(Lots& lots, std::size_t begin, std::size_t end, std::size_t size) {
  std::size_t place = begin + lots.below(end - begin + 1);
  switch (lots.below(8)) {
    case 0:
      place = size;
      break;
    case 1:
      place = size + lots.below(2 * kPage) - std::min(size, kPage);
      break;
    case 2:
      place = place / kPage * kPage;
      break;
    case 3:
      place = place / kPage * kPage + lots.below(3) - 1;
      break;
    case 4:
      place = place / kSector * kSector;
      break;
    default:
      break;
  }
  return std::clamp(place, begin, end);  // What was below 0 has become large.
}

std::size_t draw_length(Lots& lots, std::size_t room) {
  std::size_t length = 0;
  switch (lots.below(8)) {
    case 0:
      length = 1 + lots.below(16);
      break;
    case 1:
      length = (1 + lots.below(16)) * kPage;
      break;
    case 2:
      length = (1 + lots.below(16)) * kPage + lots.below(3) - 1;
      break;
    case 3:
      length = (1 + lots.below(32)) * kSector;
      break;
    case 4:
      length = lots.below(room + 1);
      break;  // More than one request of FUSE, where there is room.
    default:
      length = 1 + lots.below(3 * kPage);
      break;
  }
  return std::min(length, room);
}

Flavour draw_flavour(Lots& lots, bool fixed_size) {
  constexpr std::array<Flavour, 8> kAny = {Flavour::plain,  Flavour::plain,    Flavour::append,
                                           Flavour::direct, Flavour::direct,   Flavour::direct_append,
                                           Flavour::sync,   Flavour::data_sync};
  // Neighbours' bytes in the same page would be read and written with what is direct, which nobody promises.
  constexpr std::array<Flavour, 4> kFixed = {Flavour::plain, Flavour::plain, Flavour::sync,
                                             Flavour::data_sync};
  return fixed_size ? kFixed.at(lots.below(kFixed.size())) : kAny.at(lots.below(kAny.size()));
}

/// The other end of a copy, which must not overlap.
void draw_target(Lots& lots, const Limits& limits, Operation& operation) {
  operation.target_handle = lots.below(limits.handles);
  operation.target = draw_place(lots, limits.begin, limits.end, operation.offset + operation.length);
  const auto [first, second] = std::minmax(operation.offset, operation.target);
  operation.length = std::min({operation.length, second - first, limits.end - second});
}

/// The kernel's FUSE writes dirty pages back, has the hole made, and forgets the pages then
/// (fuse_file_fallocate): what a neighbour stores to the same page meanwhile, through a mapping, brings the
/// old bytes back with it.
void keep_to_whole_pages(Operation& operation) {
  const std::size_t begin = (operation.offset + kPage - 1) / kPage * kPage;
  const std::size_t end = (operation.offset + operation.length) / kPage * kPage;
  operation.offset = begin;
  operation.length = end > begin ? end - begin : 0;
}

bool has_range(Kind kind) {
  switch (kind) {
    case Kind::sync_mapped:
    case Kind::remap:
    case Kind::seek:
    case Kind::sync:
    case Kind::sync_data:
    case Kind::reopen:
    case Kind::truncate:
      return false;
    default:
      return true;
  }
}

}  // namespace

int open_flags(Flavour flavour) {
  switch (flavour) {
    case Flavour::plain:
      return 0;
    case Flavour::append:
      return O_APPEND;
    case Flavour::direct:
      return O_DIRECT;
    case Flavour::direct_append:
      return O_DIRECT | O_APPEND;
    case Flavour::sync:
      return O_SYNC;
    case Flavour::data_sync:
      return O_DSYNC;
  }
  return 0;
}

std::string describe(const Operation& operation) {
  std::string text = fmt::format("{} by handle {}", kKindNames.at(static_cast<std::size_t>(operation.kind)),
                                 operation.handle);
  if (operation.kind == Kind::truncate) text += fmt::format(" to {}", operation.offset);
  if (has_range(operation.kind)) {
    text += fmt::format(" at {}, {} bytes", operation.offset, operation.length);
  }
  if (operation.kind == Kind::reopen) {
    text += fmt::format(" as {}", kFlavourNames.at(static_cast<std::size_t>(operation.flavour)));
  }
  if (operation.kind == Kind::copy) {
    text += fmt::format(" to {} of handle {}", operation.target, operation.target_handle);
  }
  return text;
}

Operation draw(Lots& lots, const Limits& limits, std::size_t size) {
  Operation operation;
  operation.kind = draw_kind(lots, limits.fixed_size);
  operation.handle = lots.below(limits.handles);
  operation.salt = lots.any();
  operation.offset = draw_place(lots, limits.begin, limits.end, size);
  operation.length = draw_length(lots, limits.end - operation.offset);
  if (operation.kind == Kind::reopen) operation.flavour = draw_flavour(lots, limits.fixed_size);
  const bool makes_zeros = operation.kind == Kind::punch || operation.kind == Kind::zero_keep;
  if (makes_zeros && limits.fixed_size) keep_to_whole_pages(operation);
  if (operation.kind == Kind::copy) draw_target(lots, limits, operation);
  return operation;
}

std::vector<char> content(std::uint64_t salt, std::size_t length) {
  std::vector<char> bytes(length);
  std::uint64_t state = salt;
  for (char& byte : bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(1 + (state >> 33U) % 255);
  }
  return bytes;
}

}  // namespace sluice::fsx
