#include <gtest/gtest.h>

#include <sys/mman.h>

#include <memory>

#include "aio/private_memory.h"

namespace sluice::testing {
namespace {

constexpr std::size_t kBytes = 1 << 16;

/// Anonymous memory, gone with the object.
class Memory {
 public:
  explicit Memory(int sharing)
      : address_(static_cast<char*>(
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0))) {}
  ~Memory() { ::munmap(address_, kBytes); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  [[nodiscard]] char* address() const { return address_; }

 private:
  char* const address_;
};

TEST(PrivateMemory, StackAndHeapAndDataArePrivate) {
  const int on_stack = 0;
  static int in_data = 1;
  const auto on_heap = std::make_unique<int>(2);
  EXPECT_TRUE(is_private_memory(&on_stack));
  EXPECT_TRUE(is_private_memory(&in_data));
  EXPECT_TRUE(is_private_memory(on_heap.get()));
}

TEST(PrivateMemory, PrivateMappingIsFromItsFirstByteToItsLast) {
  const Memory memory(MAP_PRIVATE);
  EXPECT_TRUE(is_private_memory(memory.address()));
  EXPECT_TRUE(is_private_memory(memory.address() + kBytes - 1));
}

TEST(PrivateMemory, SharedMappingIsNot) {
  const Memory memory(MAP_SHARED);
  EXPECT_FALSE(is_private_memory(memory.address()));
  EXPECT_FALSE(is_private_memory(memory.address() + kBytes - 1));
}

TEST(PrivateMemory, WhatIsNotMappedIsNot) {
  EXPECT_FALSE(is_private_memory(nullptr));
  EXPECT_FALSE(is_private_memory(reinterpret_cast<void*>(UINTPTR_MAX)));
}

}  // namespace
}  // namespace sluice::testing
