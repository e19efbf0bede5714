#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "mount/mount_info.h"
#include "mount/source_place.h"
#include "process/exit_code.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// What a living sluicefs has entered.
struct RegistryEntry {
  pid_t pid = 0;
  std::string mountpoint;
  SourcePlace source;
};

/// The text of an entry's file, and back; none when it is not of that form.
std::string format_entry(const RegistryEntry& entry);
std::optional<RegistryEntry> parse_entry(std::string_view text);

/// A claim on a tree. It is held by a lock that ends with the process, however that ends.
class Claim {
 public:
  Claim(std::string file, sluice::UniqueFd held) : file_(std::move(file)), held_(std::move(held)) {}
  Claim(Claim&& other) noexcept = default;
  Claim& operator=(Claim&& other) = delete;
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  /// Takes the entry away.
  ~Claim();

 private:
  std::string file_;
  sluice::UniqueFd held_;
};

/// Why a claim was refused.
struct Refusal {
  MountError error;
  /// The other one's mount is not to be seen: it is ending, or about to mount, so asking again is worth
  /// while.
  bool passing = false;
};

/// Sees to it that a tree is served by one sluicefs at a time: two would each believe that every write passes
/// them. A directory holds one file for each living mount, locked by its daemon; a file that nobody locks is
/// a dead daemon's and is removed. Every user has a directory of his own, so that nobody can block another;
/// root and a user are therefore not kept apart.
class Registry {
 public:
  explicit Registry(std::string directory) : directory_(std::move(directory)) {}

  /// Enters a mount of `source` on `mountpoint`, unless it overlaps with a living one. Of two that start at
  /// once, one is refused.
  [[nodiscard]] tl::expected<Claim, Refusal> claim(const SourcePlace& source, const std::string& mountpoint,
                                                   const std::vector<MountEntry>& mounts) const;

  /// /run/sluicefs for root; for a user $XDG_RUNTIME_DIR/sluicefs, or else /tmp/sluicefs-UID.
  static std::string default_directory();

 private:
  const std::string directory_;
};

}  // namespace sluicefs
