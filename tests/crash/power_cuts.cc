#include "power_cuts.h"

#include <stdexcept>
#include <system_error>
#include <utility>

#include "recovered_disk.h"

namespace sluice::testing {
namespace {

template <typename T>
T take(Result<T>&& result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message());
  return std::move(*result);
}

}  // namespace

PowerCuts::PowerCuts(const Recording& recording)
    : recording_(recording),
      log_(take(WriteLog::open(recording.log()), recording.log().string())),
      replayer_(take(Replayer::create(log_, recording.disk_bytes), "an image in memory")),
      mount_point_(recording.directory / "mount") {
  std::filesystem::create_directory(mount_point_);
}

std::vector<std::string> PowerCuts::losses(const PowerCut& cut) {
  const MemoryImage disk = take(replayer_.disk_after(cut), "an image in memory");
  std::vector<std::string> found;
  const Result<void> mounted =
      look_at_recovered_disk(disk, name_of(recording_.file_system), mount_point_,
                             [&] { found = losses_in(mount_point_ / recording_.tree, cut.position); });
  if (!mounted) found.push_back("the file system cannot be mounted: " + mounted.error().message());
  return found;
}

std::vector<std::string> PowerCuts::losses_in(const std::filesystem::path& tree,
                                              std::uint64_t position) const {
  try {
    return recording_.workload->losses(tree, position);
  } catch (const std::system_error& error) {
    // Of the damaged file system: what cannot be read is not there.
    return {error.what()};
  }
}

}  // namespace sluice::testing
