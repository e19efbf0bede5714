#pragma once

#include <string>
#include <vector>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

struct ProgramToRun {
  std::string path;
  std::vector<std::string> arguments;    ///< With argv[0].
  std::vector<std::string> environment;  ///< "NAME=value", added to ours.
  sluice::UniqueFd inherited;            ///< Kept open in the program under the same number; may be none.
};

struct ProgramEnd {
  int status = 0;      ///< The exit status; 128 when a signal ended it.
  std::string errors;  ///< What it wrote to its standard error.
};

/// Runs a program to its end, with no signal blocked and its standard output thrown away. An error means that
/// it was not started.
sluice::Result<ProgramEnd> run_program(ProgramToRun program);

}  // namespace sluicefs
