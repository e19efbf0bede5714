#include "outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <functional>
#include <map>

namespace sluice::testing::parity {

namespace {

constexpr std::string_view kFailure = "(the test failed)";
constexpr std::string_view kSparesTree = "(the tree is spared)";
constexpr std::size_t kLongest = 200;

std::string escape(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (std::isprint(static_cast<unsigned char>(c)) != 0 && c != '\\') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return taken;
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

std::string at(const std::vector<Note>& notes, std::size_t index) {
  if (index >= notes.size()) return "(nothing)";
  return notes[index].label + "  =>  " + notes[index].value;
}

}  // namespace

std::string serialise(const Outcome& outcome) {
  std::string text;
  for (const Note& note : outcome.notes) {
    text += one_line(note.label) + '\t' + one_line(note.value) + '\t' + note.exemption + '\n';
  }
  if (outcome.spares_tree) text += std::string(kSparesTree) + "\t\t\n";
  if (!outcome.failure.empty()) text += std::string(kFailure) + '\t' + one_line(outcome.failure) + "\t\n";
  return text;
}

Outcome parse(std::string_view text) {
  Outcome outcome;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    Note note;
    note.label = take_until(line, '\t');
    note.value = take_until(line, '\t');
    note.exemption = line;
    if (note.label == kFailure) {
      outcome.failure = note.value;
    } else if (note.label == kSparesTree) {
      outcome.spares_tree = true;
    } else {
      outcome.notes.push_back(std::move(note));
    }
  }
  return outcome;
}

std::string differences(const Outcome& mount, const Outcome& bare) {
  std::string found;
  if (!mount.failure.empty()) found += "on the mount, the test failed: " + mount.failure + '\n';
  if (!bare.failure.empty()) found += "on the bare file system, the test failed: " + bare.failure + '\n';
  std::map<std::string, bool> exemption_needed;
  const std::size_t count = std::max(mount.notes.size(), bare.notes.size());
  for (std::size_t i = 0; i < count; ++i) {
    const bool differ = at(mount.notes, i) != at(bare.notes, i);
    const std::string exemption = i < mount.notes.size() ? mount.notes[i].exemption : std::string();
    if (!exemption.empty()) {
      exemption_needed[exemption] |= differ;
    } else if (differ) {
      found += fmt::format("mount: {}\nbare:  {}\n", at(mount.notes, i), at(bare.notes, i));
    }
  }
  for (const auto& [exemption, needed] : exemption_needed) {
    if (!needed) found += "nothing differs that the exemption \"" + exemption + "\" is for\n";
  }
  return found;
}

std::string error_name(int error) {
  if (error == 0) return "0";
  const char* const name = ::strerrorname_np(error);
  return name != nullptr ? name : fmt::format("error {}", error);
}

std::string printable(std::string_view bytes) {
  if (bytes.size() <= kLongest) return '"' + escape(bytes) + '"';
  return fmt::format("\"{}\"... {} bytes, digest {:x}", escape(bytes.substr(0, kLongest / 4)), bytes.size(),
                     std::hash<std::string_view>()(bytes));
}

std::string printable(const timespec& time, const timespec& now) {
  const bool is_now = time.tv_sec > now.tv_sec || (time.tv_sec == now.tv_sec && time.tv_nsec >= now.tv_nsec);
  constexpr time_t kFuture = 3600;
  if (is_now && time.tv_sec < now.tv_sec + kFuture) return "now";
  return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec);
}

std::string printable(const struct stat& status, const timespec& now) {
  return fmt::format("mode {:o} nlink {} uid {} gid {} size {} rdev {:x} blksize {} atime {} mtime {}",
                     status.st_mode, status.st_nlink, status.st_uid, status.st_gid, status.st_size,
                     status.st_rdev, status.st_blksize, printable(status.st_atim, now),
                     printable(status.st_mtim, now));
}

}  // namespace sluice::testing::parity
