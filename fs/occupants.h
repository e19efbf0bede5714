#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sluicefs {

/// A process that keeps a file system busy.
struct Occupant {
  pid_t pid = 0;
  std::string name;
  std::string how;  ///< "an open file", "its working directory", ...
};

/// Up to `max` processes, of those that this one may look into, that use the file system with that st_dev.
/// Asks no file system anything that its server would have to answer.
std::vector<Occupant> find_occupants(dev_t device, std::size_t max);

/// "vi (pid 12, an open file), bash (pid 9, its working directory)"; "nobody that can be seen" without any.
std::string describe(const std::vector<Occupant>& occupants);

}  // namespace sluicefs
