#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace sluice::testing {

inline constexpr std::size_t kBlock = 4096;

/// Memory that direct I/O takes.
class Block {
 public:
  explicit Block(char fill) : bytes_(static_cast<char*>(std::aligned_alloc(kBlock, kBlock))) {
    std::memset(bytes_.get(), fill, kBlock);
  }
  [[nodiscard]] char* get() const { return bytes_.get(); }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;
};

}  // namespace sluice::testing
