#include "crew.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "file_io.h"

namespace sluice::fsx {

namespace {

std::string_view name_of(Layout layout) {
  switch (layout) {
    case Layout::own:
      return "own";
    case Layout::handles:
      return "handles";
    case Layout::regions:
      return "regions";
  }
  return "";
}

/// The part of process `number`: not a whole number of pages, so that neighbours share them.
Limits limits_of(const CrewSetup& setup, unsigned number) {
  Limits limits;
  limits.end = setup.size_bytes;
  limits.odd_direct = setup.odd_direct;
  if (setup.layout == Layout::handles) limits.handles = 3;
  if (setup.layout == Layout::regions) {
    limits.handles = 2;
    limits.fixed_size = true;
    limits.begin = setup.size_bytes * number / setup.processes;
    limits.end = setup.size_bytes * (number + 1) / setup.processes;
  }
  return limits;
}

std::string file_name(const CrewSetup& setup, unsigned number) {
  return setup.layout == Layout::regions ? "shared" : fmt::format("file{}", number);
}

void make_files(const CrewSetup& setup) {
  for (unsigned number = 0; number < setup.processes; ++number) {
    const UniqueFd file =
        open_file(setup.directory + "/" + file_name(setup, number), O_RDWR | O_CREAT | O_TRUNC);
    if (setup.layout == Layout::regions) {
      checked(::ftruncate(file.get(), static_cast<off_t>(setup.size_bytes)), "ftruncate");
    }
  }
}

std::string how_to_repeat(const CrewSetup& setup, unsigned number) {
  const bool together = setup.layout == Layout::regions;
  return fmt::format("--layout {} --processes {} --seed {} --operations {} --size {}{}",
                     name_of(setup.layout), together ? setup.processes : 1,
                     together ? setup.seed : setup.seed + number, setup.operations, setup.size_bytes,
                     setup.odd_direct ? "" : " --no-odd-direct");
}

/// In a process of its own; its exit status.
int exercise_one(const CrewSetup& setup, unsigned number) {
  const std::string name = file_name(setup, number);
  const std::uint64_t seed = setup.seed + number;
  Exerciser exerciser({setup.directory + "/" + name, setup.source + "/" + name, limits_of(setup, number),
                       seed, setup.lie, setup.operations / 2});
  try {
    while (exerciser.steps() < setup.operations) exerciser.step();
  } catch (const Difference& difference) {
    fmt::print(stderr, "{}\n{}, seed {}, operation {}: {}\nrepeat with: {}\n", exerciser.last_operations(),
               name, seed, exerciser.steps(), difference.what(), how_to_repeat(setup, number));
    return 1;
  }
  return 0;
}

pid_t start(const CrewSetup& setup, unsigned number) {
  const pid_t pid = ::fork();
  if (pid != 0) return static_cast<pid_t>(checked(pid, "fork"));
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int status = 2;
  try {
    status = exercise_one(setup, number);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
  std::fflush(stderr);
  ::_exit(status);
}

}  // namespace

bool exercise(const CrewSetup& setup) {
  make_files(setup);
  std::vector<pid_t> crew;
  for (unsigned number = 0; number < setup.processes; ++number) crew.push_back(start(setup, number));
  bool same = true;
  for (const pid_t pid : crew) {
    int status = 0;
    checked(::waitpid(pid, &status, 0), "waitpid");
    if (WIFSIGNALED(status)) fmt::print(stderr, "ended by signal {}\n", WTERMSIG(status));
    same = same && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return same;
}

}  // namespace sluice::fsx
