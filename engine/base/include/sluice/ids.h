#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace sluice {

/// A number in the sequence of one inode's mutations. 0 is "before the first".
class Epoch {
 public:
  constexpr Epoch() = default;
  explicit constexpr Epoch(std::uint64_t number) : number_(number) {}

  [[nodiscard]] constexpr std::uint64_t number() const { return number_; }
  [[nodiscard]] constexpr Epoch next() const { return Epoch(number_ + 1); }
  /// REQUIRES: number() > 0.
  [[nodiscard]] constexpr Epoch previous() const { return Epoch(number_ - 1); }

  friend constexpr auto operator<=>(Epoch, Epoch) = default;

 private:
  std::uint64_t number_ = 0;
};

/// What a sync makes durable: `data` is fdatasync(2), `full` is fsync(2). Full implies data, never the
/// reverse.
enum class SyncKind : std::uint8_t { data, full };

/// Orders what waits for a place in the engine; a higher value is submitted earlier. Nothing that runs is
/// pre-empted. 0 is normal.
class Priority {
 public:
  constexpr Priority() = default;
  explicit constexpr Priority(std::int32_t value) : value_(value) {}

  [[nodiscard]] constexpr std::int32_t value() const { return value_; }
  friend constexpr auto operator<=>(Priority, Priority) = default;

 private:
  std::int32_t value_ = 0;
};

/// Names one early sync: one that nobody has asked for yet. The default names none.
class EarlySyncId {
 public:
  constexpr EarlySyncId() = default;
  explicit constexpr EarlySyncId(std::uint64_t number) : number_(number) {}
  [[nodiscard]] constexpr bool valid() const { return number_ != 0; }
  friend constexpr auto operator<=>(EarlySyncId, EarlySyncId) = default;

 private:
  std::uint64_t number_ = 0;
};

/// Names one inode for as long as it exists: numbers are reused, so the generation (or a digest of the file
/// handle, see name_to_handle_at(2)) tells two owners of a number apart.
struct FileKey {
  dev_t device = 0;
  ino_t inode = 0;
  std::uint64_t generation = 0;

  friend constexpr bool operator==(const FileKey&, const FileKey&) = default;
};

/// Spreads the bits of a 64-bit value; the finaliser of splitmix64.
constexpr std::uint64_t mix_bits(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

struct FileKeyHash {
  std::size_t operator()(const FileKey& key) const {
    return mix_bits(key.inode ^ mix_bits(key.generation ^ mix_bits(key.device)));
  }
};

}  // namespace sluice
