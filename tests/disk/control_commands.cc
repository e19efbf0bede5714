#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>

#include "control.h"

namespace sluice::testing {
namespace {

using Words = std::vector<std::string_view>;
using Answer = Result<std::string>;

Words split(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::optional<std::uint64_t> number(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<FaultOn> fault_kind(std::string_view word) {
  if (word == "reads") return FaultOn::reads;
  if (word == "writes") return FaultOn::writes;
  if (word == "both") return FaultOn::both;
  return std::nullopt;
}

std::string describe(const DiskCounts& counts) {
  return fmt::format(
      "reads={} read_bytes={} writes={} write_bytes={} discards={} flushes={} failed_flushes={} "
      "ignored_flushes={} held_flushes={} log_position={}",
      counts.reads, counts.read_bytes, counts.writes, counts.write_bytes, counts.discards, counts.flushes,
      counts.failed_flushes, counts.ignored_flushes, counts.held_flushes, counts.log_position);
}

Answer set_delay(Disk& disk, const Words& words) {
  const auto delay = words.size() == 2 ? number(words[1]) : std::nullopt;
  if (!delay || *delay > std::uint64_t{std::numeric_limits<std::uint32_t>::max()}) return fail(EINVAL);
  disk.set_flush_delay(std::chrono::microseconds(static_cast<std::int64_t>(*delay)));
  return {};
}

Answer fail_range(Disk& disk, const Words& words) {
  if (words.size() != 4) return fail(EINVAL);
  const auto offset = number(words[1]);
  const auto length = number(words[2]);
  const auto kind = fault_kind(words[3]);
  if (!offset || !length || !kind) return fail(EINVAL);
  disk.fail_range({*offset, *length}, *kind);
  return {};
}

Answer fail_flushes(Disk& disk, const Words& words) {
  if (words.size() != 3) return fail(EINVAL);
  const auto skip = number(words[1]);
  const auto count = number(words[2]);
  if (!skip || !count) return fail(EINVAL);
  disk.fail_flushes(*skip, *count);
  return {};
}

Answer ignore_flushes(Disk& disk, const Words& words) {
  if (words.size() != 2 || (words[1] != "on" && words[1] != "off")) return fail(EINVAL);
  disk.ignore_flushes(words[1] == "on");
  return {};
}

Answer mark(Disk& disk, std::string_view command) {
  const std::size_t space = command.find(' ');
  if (space == std::string_view::npos) return fail(EINVAL);
  return disk.mark(command.substr(space + 1)).map([](std::uint64_t position) {
    return std::to_string(position);
  });
}

Answer plain(Disk& disk, const std::string& device, std::string_view word) {
  if (word == "device") return device;
  if (word == "counts") return describe(disk.counts());
  if (word == "hold") {
    disk.hold_flushes();
  } else if (word == "release") {
    disk.release_flushes();
  } else if (word == "clear-faults") {
    disk.clear_faults();
  } else {
    return fail(EINVAL);
  }
  return {};
}

Answer answer(Disk& disk, const std::string& device, std::string_view command) {
  const Words words = split(command);
  if (words.empty()) return fail(EINVAL);
  if (words[0] == "flush-delay-us") return set_delay(disk, words);
  if (words[0] == "fail-range") return fail_range(disk, words);
  if (words[0] == "fail-flushes") return fail_flushes(disk, words);
  if (words[0] == "ignore-flushes") return ignore_flushes(disk, words);
  if (words[0] == "mark") return mark(disk, command);
  if (words.size() == 1) return plain(disk, device, words[0]);
  return fail(EINVAL);
}

}  // namespace

std::string obey(Disk& disk, const std::string& device, std::string_view command) {
  const Answer result = answer(disk, device, command);
  if (!result) return fmt::format("error {} {}", result.error().value(), result.error().message());
  return result->empty() ? "ok" : "ok " + *result;
}

}  // namespace sluice::testing
