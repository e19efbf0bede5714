#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Requests as the kernel writes them, for the fake kernel to send.
namespace sluicefs {

/// The bytes of a request behind its header.
class Argument {
 public:
  template <typename In>
  Argument& with(const In& in) {
    bytes_.append(reinterpret_cast<const char*>(&in), sizeof in);
    return *this;
  }
  Argument& name(std::string_view name) {
    bytes_.append(name).push_back('\0');
    return *this;
  }
  [[nodiscard]] std::span<const char> bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// A request's fixed part, all zeros but for what `fill` sets.
template <typename In, typename Fill>
In filled(Fill fill) {
  In in{};
  fill(in);
  return in;
}

struct ByNode {
  std::uint32_t opcode;
  Argument argument;
};
/// Every request that works on the inode in its header, each well-formed.
std::vector<ByNode> requests_by_node();

struct ByHandle {
  std::uint32_t opcode;
  std::function<Argument(std::uint64_t)> argument;
};
/// Every request that works on a file handle, and every one on a directory handle.
std::vector<ByHandle> requests_by_file();
std::vector<ByHandle> requests_by_directory();

}  // namespace sluicefs
