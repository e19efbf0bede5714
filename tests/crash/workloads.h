#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workload.h"

namespace sluice::testing {

/// The names of all workloads.
[[nodiscard]] std::vector<std::string> workload_names();

/// A workload of that name, of the size that one recording has; null when there is none of that name. The
/// seed decides what it does, but not how its threads interleave.
[[nodiscard]] std::unique_ptr<Workload> make_workload(std::string_view name, std::uint64_t seed);

}  // namespace sluice::testing
