#include "server_use.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>

namespace sluice::bench {
namespace {

/// proc(5): fields 14 and 15 of stat, counted behind the program's name, which may have spaces.
double cpu_seconds_of(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  constexpr int kBehindNameBeforeTimes = 11;
  for (int field = 0; field < kBehindNameBeforeTimes; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  if (!(fields >> user >> system)) throw std::runtime_error("no times in " + process.string());
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

ServerUse use_of(pid_t server) {
  if (server == 0) return {};
  const std::filesystem::path process = std::filesystem::path("/proc") / std::to_string(server);
  std::ifstream statm(process / "statm");
  double size_pages = 0;
  double resident_pages = 0;
  if (!(statm >> size_pages >> resident_pages)) throw std::runtime_error("no " + process.string());
  const auto descriptors = std::distance(std::filesystem::directory_iterator(process / "fd"), {});
  return {.memory_bytes = resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)),
          .descriptors = static_cast<double>(descriptors),
          .cpu_seconds = cpu_seconds_of(process)};
}

}  // namespace sluice::bench
