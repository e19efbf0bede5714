#include "mount/mount_info.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "sluice/unique_fd.h"

namespace sluicefs {

using sluice::Result;
using sluice::UniqueFd;

namespace {

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

/// The words of a line, which single spaces separate.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t space = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

template <typename Number>
bool to_number(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

bool to_device(std::string_view text, dev_t& device) {
  const std::size_t colon = text.find(':');
  unsigned major_number = 0;
  unsigned minor_number = 0;
  if (colon == std::string_view::npos || !to_number(text.substr(0, colon), major_number) ||
      !to_number(text.substr(colon + 1), minor_number)) {
    return false;
  }
  device = makedev(major_number, minor_number);
  return true;
}

}  // namespace

std::string decode_octal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                        is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (escape) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string encode_octal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f || c == '\\' || c == '#') {
      out += fmt::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<MountEntry> parse_mount_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  // "36 35 98:0 /root /mountpoint options [tag[:value]]... - type source options"
  constexpr std::size_t kFirstTag = 6;
  if (words.size() < kFirstTag) return std::nullopt;
  const auto dash = std::find(words.begin() + kFirstTag, words.end(), "-");
  if (words.end() - dash < 3) return std::nullopt;
  MountEntry entry;
  if (!to_number(words[0], entry.id) || !to_number(words[1], entry.parent) ||
      !to_device(words[2], entry.device)) {
    return std::nullopt;
  }
  entry.root = decode_octal(words[3]);
  entry.mountpoint = decode_octal(words[4]);
  entry.type = decode_octal(dash[1]);
  entry.source = decode_octal(dash[2]);
  return entry;
}

std::vector<MountEntry> parse_mounts(std::string_view text) {
  std::vector<MountEntry> mounts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto entry = parse_mount_line(text.substr(0, end))) mounts.push_back(std::move(*entry));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return mounts;
}

Result<std::string> read_proc_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return sluice::fail_last();
  std::string text;
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sluice::fail_last();
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<std::vector<MountEntry>> read_mounts() {
  return read_proc_file("/proc/self/mountinfo").map([](const std::string& text) {
    return parse_mounts(text);
  });
}

const MountEntry* topmost_at(const std::vector<MountEntry>& mounts, std::string_view mountpoint) {
  const MountEntry* top = nullptr;
  for (const MountEntry& entry : mounts) {
    if (entry.mountpoint != mountpoint) continue;
    const bool covered = std::any_of(mounts.begin(), mounts.end(), [&](const MountEntry& other) {
      return other.parent == entry.id && other.id != entry.id && other.mountpoint == mountpoint;
    });
    if (!covered) top = &entry;
  }
  return top;
}

const MountEntry* find_mount(const std::vector<MountEntry>& mounts, int id) {
  const auto found =
      std::find_if(mounts.begin(), mounts.end(), [id](const MountEntry& entry) { return entry.id == id; });
  return found == mounts.end() ? nullptr : &*found;
}

}  // namespace sluicefs
