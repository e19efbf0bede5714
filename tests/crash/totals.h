#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace sluice::testing {

/// What was done so far with one workload on one file system.
struct Tally {
  std::uint64_t recordings = 0;
  std::uint64_t cuts = 0;
  /// Cuts after which something was missing.
  std::uint64_t lossy = 0;
  double seconds = 0;

  friend bool operator==(const Tally&, const Tally&) = default;
};

/// Tallies by file system and workload, kept in a file so that a long run can be made in slices.
class Totals {
 public:
  /// Nothing when there is no such file. Throws std::runtime_error when it is something else.
  static Totals load(const std::filesystem::path& path);
  /// Puts a whole new file in the old one's place. Throws std::runtime_error.
  void save(const std::filesystem::path& path) const;

  [[nodiscard]] Tally& of(const std::string& file_system, const std::string& workload) {
    return tallies_[{file_system, workload}];
  }
  /// A table with a line for each tally and one for their sum.
  [[nodiscard]] std::string table() const;

 private:
  std::map<std::pair<std::string, std::string>, Tally> tallies_;
};

}  // namespace sluice::testing
