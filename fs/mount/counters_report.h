#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/engine_counters.h"

namespace sluicefs {

/// The counters as an aligned table, line by line: a stable name, then the value for fdatasync (O_DSYNC),
/// then that for fsync; the last lines have one value. Times are in microseconds; "-" when there was none.
std::vector<std::string> counters_report(const sluice::CountersSnapshot& counters, std::string_view engine);

}  // namespace sluicefs
