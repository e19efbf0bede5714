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

/// Who keeps a file system busy.
struct Occupants {
  std::vector<Occupant> processes;
  std::vector<std::string> mountpoints;  ///< Of other file systems that are mounted on its directories.
};

/// Up to `max` of each kind, of the processes that this one may look into, that use the file system with that
/// st_dev. Asks no file system anything that its server would have to answer.
Occupants find_occupants(dev_t device, std::size_t max);

/// "vi (pid 12, an open file), bash (pid 9, its working directory), what is mounted on /m/x"; "nobody that
/// can be seen" without any.
std::string describe(const Occupants& occupants);

}  // namespace sluicefs
