#include "totals.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace sluice::testing {
namespace {

constexpr const char* kTitle = "sluicefs-powercut totals";

std::string line(const std::string& file_system, const std::string& workload, const Tally& tally) {
  return fmt::format("{:<6} {:<16} {:>10} {:>8} {:>6} {:>9.0f}\n", file_system, workload, tally.recordings,
                     tally.cuts, tally.lossy, tally.seconds);
}

}  // namespace

Totals Totals::load(const std::filesystem::path& path) {
  Totals totals;
  std::ifstream in(path);
  if (!in) return totals;
  std::string title;
  if (!std::getline(in, title) || title != kTitle)
    throw std::runtime_error(path.string() + " is no state file");
  std::string file_system;
  std::string workload;
  for (Tally tally;
       in >> file_system >> workload >> tally.recordings >> tally.cuts >> tally.lossy >> tally.seconds;) {
    totals.tallies_[{file_system, workload}] = tally;
  }
  if (!in.eof()) throw std::runtime_error(path.string() + " is damaged");
  return totals;
}

void Totals::save(const std::filesystem::path& path) const {
  const std::filesystem::path next = path.string() + ".new";
  std::ofstream out(next);
  out << kTitle << '\n';
  for (const auto& [key, tally] : tallies_) {
    out << fmt::format("{} {} {} {} {} {:.1f}\n", key.first, key.second, tally.recordings, tally.cuts,
                       tally.lossy, tally.seconds);
  }
  out.close();
  if (!out) throw std::runtime_error("cannot write " + next.string());
  std::filesystem::rename(next, path);
}

std::string Totals::table() const {
  std::string text = fmt::format("{:<6} {:<16} {:>10} {:>8} {:>6} {:>9}\n", "on", "workload", "recordings",
                                 "cuts", "lossy", "seconds");
  Tally sum;
  for (const auto& [key, tally] : tallies_) {
    text += line(key.first, key.second, tally);
    sum.recordings += tally.recordings;
    sum.cuts += tally.cuts;
    sum.lossy += tally.lossy;
    sum.seconds += tally.seconds;
  }
  return text + line("all", "", sum);
}

}  // namespace sluice::testing
