#include "mount/claim_source.h"

#include <chrono>
#include <thread>

#include "mount/mount_info.h"
#include "mount/source_place.h"

namespace sluicefs {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kBetweenTries{50};

tl::expected<Claim, Refusal> try_to_claim(const sluice::UniqueFd& source, const Options& options) {
  const auto mounts = read_mounts();
  if (!mounts) {
    return tl::unexpected(
        Refusal{{ExitCode::internal, "cannot read /proc/self/mountinfo: " + mounts.error().message()}});
  }
  const auto place = locate_source(source.get(), *mounts);
  if (!place) {
    return tl::unexpected(Refusal{{ExitCode::bad_source, "SOURCE " + options.source + " cannot be located: " +
                                                             place.error().message()}});
  }
  return Registry(Registry::default_directory()).claim(*place, options.mountpoint, *mounts);
}

}  // namespace

tl::expected<Claim, MountError> claim_source(const sluice::UniqueFd& source, const Options& options) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (true) {
    auto claim = try_to_claim(source, options);
    if (claim) return std::move(*claim);
    if (!claim.error().passing || Clock::now() >= deadline)
      return tl::unexpected(std::move(claim.error().error));
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace sluicefs
