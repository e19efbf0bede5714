#include "aio/private_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sluice/unique_fd.h"

namespace sluice {
namespace {

/// "START-END rwxp …", of which a name may be cut off; p is private, s is shared.
struct Mapping {
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
  bool is_private = false;

  static Mapping parse(std::string_view line) {
    constexpr int kHexadecimal = 16;
    constexpr std::ptrdiff_t kSharing = 4;  // Behind the space and the three permissions.
    Mapping mapping;
    const char* const last = line.data() + line.size();
    const char* at = std::from_chars(line.data(), last, mapping.start, kHexadecimal).ptr;
    if (at == last) return {};
    at = std::from_chars(at + 1, last, mapping.end, kHexadecimal).ptr;
    mapping.is_private = last - at > kSharing && at[kSharing] == 'p';
    return mapping;
  }
  [[nodiscard]] bool contains(std::uintptr_t address) const { return start <= address && address < end; }
};

}  // namespace

bool is_private_memory(const void* address) {
  const UniqueFd maps(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> buffer;
  std::array<char, 64> line;  // What is of interest of one line.
  std::size_t length = 0;
  for (;;) {
    const ssize_t count = maps.valid() ? ::read(maps.get(), buffer.data(), buffer.size()) : -1;
    if (count <= 0) return false;
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(count))) {
      if (c != '\n') {
        if (length < line.size()) line[length++] = c;
        continue;
      }
      const Mapping mapping = Mapping::parse({line.data(), length});
      if (mapping.contains(reinterpret_cast<std::uintptr_t>(address))) return mapping.is_private;
      length = 0;
    }
  }
}

}  // namespace sluice
