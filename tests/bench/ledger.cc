#include "ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <istream>
#include <map>
#include <ostream>
#include <stdexcept>
#include <tuple>

#include "sluice/unique_fd.h"

namespace sluice::bench {
namespace {

// A line is a letter, a path that has no spaces, and numbers.
constexpr char kFact = 'f';
constexpr char kRelease = 'r';
constexpr const char* kNoPath = "-";

std::ostream& operator<<(std::ostream& out, const Moment& moment) {
  return out << moment.position << ' ' << moment.time.count();
}

std::istream& operator>>(std::istream& in, Moment& moment) {
  std::chrono::nanoseconds::rep time = 0;
  in >> moment.position >> time;
  moment.time = std::chrono::nanoseconds(time);
  return in;
}

bool holds_in(const std::filesystem::path& path, const Fact& fact) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return false;
  std::vector<std::byte> content(fact.length_bytes);
  const ssize_t got =
      ::pread(file.get(), content.data(), content.size(), static_cast<off_t>(fact.offset_bytes));
  return got == static_cast<ssize_t>(content.size()) && is_stamped(content, fact.offset_bytes, fact.version);
}

}  // namespace

Moment Ledger::now() const {
  return {.position = log_(), .time = std::chrono::steady_clock::now().time_since_epoch()};
}

void Ledger::acknowledged(Fact fact) {
  if (!log_) return;
  fact.since = now();
  facts_.push_back(std::move(fact));
}

void Ledger::released(const std::string& path) {
  if (log_) releases_.push_back({path, now()});
}

void Ledger::merge(const Ledger& other) {
  facts_.insert(facts_.end(), other.facts_.begin(), other.facts_.end());
  releases_.insert(releases_.end(), other.releases_.begin(), other.releases_.end());
}

std::vector<Fact> Ledger::facts_at(LogPosition position) const {
  // The newest release of each path that may have come before the cut takes back all that is older.
  std::map<std::string, std::chrono::nanoseconds> released;
  for (const Release& release : releases_) {
    if (release.from.position > position) continue;
    std::chrono::nanoseconds& newest = released[release.path];
    newest = std::max(newest, release.from.time);
  }
  std::map<std::tuple<std::string, std::uint64_t>, const Fact*> newest;
  for (const Fact& fact : facts_) {
    if (fact.since.position > position) continue;
    const auto taken_back = released.find(fact.path);
    if (taken_back != released.end() && taken_back->second >= fact.since.time) continue;
    const Fact*& known = newest[{fact.path, fact.offset_bytes}];
    if (known == nullptr || known->since.time <= fact.since.time) known = &fact;
  }
  std::vector<Fact> result;
  for (const auto& [place, fact] : newest) result.push_back(*fact);
  return result;
}

void Ledger::save(std::ostream& out) const {
  for (const Fact& fact : facts_) {
    out << kFact << ' ' << fact.path << ' ' << (fact.or_path.empty() ? kNoPath : fact.or_path) << ' '
        << fact.offset_bytes << ' ' << fact.length_bytes << ' ' << fact.version << ' ' << fact.since << '\n';
  }
  for (const Release& release : releases_) {
    out << kRelease << ' ' << release.path << ' ' << release.from << '\n';
  }
}

Ledger Ledger::load(std::istream& in) {
  Ledger ledger;
  for (char kind = 0; in >> kind;) {
    if (kind == kFact) {
      Fact fact;
      in >> fact.path >> fact.or_path >> fact.offset_bytes >> fact.length_bytes >> fact.version >> fact.since;
      if (fact.or_path == kNoPath) fact.or_path.clear();
      ledger.facts_.push_back(std::move(fact));
    } else {
      Release release;
      in >> release.path >> release.from;
      ledger.releases_.push_back(std::move(release));
    }
    if (!in) throw std::runtime_error("a damaged ledger");
  }
  return ledger;
}

std::vector<std::string> losses(const std::vector<Fact>& facts, const std::filesystem::path& directory) {
  std::vector<std::string> result;
  for (const Fact& fact : facts) {
    if (holds_in(directory / fact.path, fact)) continue;
    if (!fact.or_path.empty() && holds_in(directory / fact.or_path, fact)) continue;
    result.push_back(fmt::format("{}: {} bytes at {}, version {}, acknowledged at {}", fact.path,
                                 fact.length_bytes, fact.offset_bytes, fact.version, fact.since.position));
  }
  return result;
}

}  // namespace sluice::bench
