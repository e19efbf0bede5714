#pragma once

#include <string>
#include <vector>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// Runs the program command[0], a path, and waits for its end. Its exit status, or 256 and the signal that
/// ended it. Its standard output goes to `output`, or nowhere.
Result<int> run_program(std::vector<std::string> command, const UniqueFd& output = {});

}  // namespace sluice::testing
