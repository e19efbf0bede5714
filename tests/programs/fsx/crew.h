#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "exerciser.h"

namespace sluice::fsx {

/// How the files are shared out.
enum class Layout : std::uint8_t {
  own,      ///< A file for each process, by one handle.
  handles,  ///< The same, by three handles.
  regions,  ///< One file; each process has its part of it, with no regard to pages.
};

struct CrewSetup {
  /// A directory through the mount and behind it.
  std::string directory;
  std::string source;
  Layout layout = Layout::own;
  unsigned processes = 2;
  std::uint64_t operations = 1000;
  std::uint64_t seed = 1;
  std::size_t size_bytes = 400'000;
  bool odd_direct = true;
  Lie lie = Lie::none;
};

/// Processes that each exercise a file of a seed of its own, `seed` and those that follow it, at the same
/// time. True when none of them found a difference; one that does prints it to stderr, with how to repeat it.
bool exercise(const CrewSetup& setup);

}  // namespace sluice::fsx
