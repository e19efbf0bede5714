#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace sluice::testing {

/// How many entries the disk's log has at this moment. Read *after* an acknowledgement it tells which cuts
/// must find what was acknowledged: all at that position or later.
using LogPosition = std::function<std::uint64_t()>;

/// Something that writes through a mount, notes what was acknowledged and when, and can tell afterwards what
/// a disk that lost its power at some position must still hold.
class Workload {
 public:
  virtual ~Workload() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// Runs to its end in an empty directory.
  virtual void run(const std::filesystem::path& directory, const LogPosition& position) = 0;
  /// The positions of the acknowledgements that were noted, in rising order.
  [[nodiscard]] virtual std::vector<std::uint64_t> acknowledged_at() const = 0;
  /// What is missing or damaged in `directory`, the same one as the power cut at `position` left it. A line
  /// each.
  [[nodiscard]] virtual std::vector<std::string> losses(const std::filesystem::path& directory,
                                                        std::uint64_t position) const = 0;

  /// Writes down what was noted, and takes it over from such a text in place of running: a cut can then be
  /// looked at again, in another process. load() leaves `in` failed when the text is not from save().
  virtual void save(std::ostream& out) const = 0;
  virtual void load(std::istream& in) = 0;
};

}  // namespace sluice::testing
