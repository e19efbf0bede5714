#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mount_mapping.h"
#include "parity_test.h"

// Direct I/O, the flags of preadv2(2) and pwritev2(2), advice, and reads and writes of odd shapes.

namespace sluice::testing::parity {
namespace {

constexpr off_t kBlock = 4096;

/// Aligned, of several blocks.
class Blocks {
 public:
  explicit Blocks(char fill) : bytes_(static_cast<char*>(std::aligned_alloc(kBlock, kSize))) {
    std::memset(bytes_.get(), fill, kSize);
  }
  [[nodiscard]] char* get() const { return bytes_.get(); }
  [[nodiscard]] std::string_view all() const { return {bytes_.get(), kSize}; }
  static constexpr std::size_t kSize = 4 * kBlock;

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;
};

PARITY_TEST(DirectIo, ReadsAndWrites) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT | O_DIRECT, 0644));
  const Blocks out('d');
  const Blocks in('-');
  CALL(::pwrite(fd.get(), out.get(), Blocks::kSize, 0));
  CALL(::pwrite(fd.get(), out.get(), Blocks::kSize, 10 * kBlock));
  at.show(fd);
  for (const off_t offset : {off_t{0}, 2 * kBlock, 8 * kBlock, 13 * kBlock, 14 * kBlock, 20 * kBlock}) {
    const ssize_t got = CALL(::pread(fd.get(), in.get(), Blocks::kSize, offset));
    at.note("read", in.all().substr(0, static_cast<std::size_t>(got)));
  }
  at.content("f");
}

PARITY_TEST(DirectIo, BesideAMappingAndBufferedIo) {
  at.make_file("f", std::string(Blocks::kSize, 'x'));
  const UniqueFd direct = OPEN(::open("f", O_RDWR | O_DIRECT));
  const UniqueFd buffered = OPEN(::open("f", O_RDWR));
  const Mapping mapping(buffered.get(), Blocks::kSize, MAP_SHARED);
  const Blocks bytes('d');
  mapping.bytes()[10] = 'm';
  CALL(::pread(direct.get(), bytes.get(), kBlock, 0));
  at.note("read", std::string_view(bytes.get(), 20));
  CALL(::pwrite(direct.get(), bytes.get() + kBlock, kBlock, 0));
  at.note("mapped", std::string_view(mapping.bytes(), 20));
  CALL(::pwrite(buffered.get(), "b", 1, 5));
  CALL(::pread(direct.get(), bytes.get(), kBlock, 0));
  at.note("read", std::string_view(bytes.get(), 20));
  at.content("f");
}

PARITY_TEST(DirectIo, ComesAndGoesByFcntl) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT | O_DIRECT, 0644));
  CALL(::fcntl(fd.get(), F_SETFL, 0));
  const bool same = at.file_system() == FileSystem::btrfs || Place::data_is_tracked();
  const auto unless_it_stays = [&](const std::function<void()>& run) {
    same ? run() : at.exempt(exemptions::kDirectStays, run);
  };
  if (!same) at.spare_tree();  // What the write that fails has not written is missing.
  unless_it_stays([&] { CALL(::pwrite(fd.get(), "abc", 3, 1)); });
  CALL(::fcntl(fd.get(), F_SETFL, O_DIRECT));
  CALL(::fcntl(fd.get(), F_GETFL));
  const Blocks bytes('d');
  CALL(::pwrite(fd.get(), bytes.get(), kBlock, kBlock));
  unless_it_stays([&] { at.content("f"); });
}

PARITY_TEST(DirectIo, OfNoAlignment) {
  at.spare_tree();
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT | O_DIRECT, 0644));
  const Blocks bytes('d');
  at.require(::pwrite(fd.get(), bytes.get(), Blocks::kSize, 0) > 0, "write");
  const auto read_and_write = [&] {
    CALL(::pread(fd.get(), bytes.get() + 1, 100, 7));
    CALL(::pwrite(fd.get(), bytes.get() + 1, 100, 7));
  };
  // btrfs takes it as well.
  const bool same = at.file_system() == FileSystem::btrfs || !Place::data_is_tracked();
  same ? read_and_write() : at.exempt(exemptions::kDirectAlignment, read_and_write);
}

PARITY_TEST(Vectored, ByEveryFlag) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  CALL(::pwrite(fd.get(), "hello world", 11, 0));
  std::array<char, 5> bytes{};
  const iovec part{bytes.data(), bytes.size()};
  for (const int flags : {0, RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_APPEND, 0x100, 0x200, 0x40000000}) {
    at.note("flags", flags);
    CALL(::preadv2(fd.get(), &part, 1, 0, flags));
    CALL(::preadv2(fd.get(), &part, 1, -1, flags));
    CALL(::preadv2(fd.get(), &part, 1, -2, flags));
    CALL(::pwritev2(fd.get(), &part, 1, 2, flags));
  }
  at.content("f");
}

PARITY_TEST(Vectored, WithoutWaitingOrCaching) {
  at.make_file("f", "hello world");
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  std::array<char, 5> bytes{};
  const iovec part{bytes.data(), bytes.size()};
  constexpr int kDontCache = 0x80;
  CALL(::pread(fd.get(), bytes.data(), bytes.size(), 0));
  at.exempt(exemptions::kReadFlags, [&] {
    CALL(::preadv2(fd.get(), &part, 1, 0, RWF_NOWAIT));
    CALL(::preadv2(fd.get(), &part, 1, 0, kDontCache));
  });
}

PARITY_TEST(Vectored, OfManyParts) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  std::vector<std::string> pieces;
  for (std::size_t i = 1; i < 300; ++i) pieces.emplace_back(i, static_cast<char>('a' + i % 26));
  std::vector<iovec> parts;
  for (std::string& piece : pieces) parts.push_back({piece.data(), piece.size()});
  CALL(::pwritev(fd.get(), parts.data(), static_cast<int>(parts.size()), 3));
  at.content("f");
  CALL(::preadv(fd.get(), parts.data(), static_cast<int>(parts.size()), 5));
  at.note("a part", pieces[200]);
  CALL(::writev(fd.get(), parts.data(), 0));
  CALL(::writev(fd.get(), parts.data(), 2000));
}

PARITY_TEST(ReadAndWrite, OfMemoryThatIsNotThere) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  CALL(::pwrite(fd.get(), "hello", 5, 0));
  void* const nowhere = ::mmap(nullptr, kBlock, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CALL(::pread(fd.get(), nowhere, 5, 0));
  CALL(::pread(fd.get(), nowhere, 5, 100));
  CALL(::pread(fd.get(), nowhere, 0, 0));
  CALL(::pwrite(fd.get(), nowhere, 5, 0));
  at.content("f");
}

PARITY_TEST(ReadAndWrite, OfMoreThanOneRequestCarries) {
  constexpr std::size_t kSize = std::size_t{5} << 20;
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  std::string bytes(kSize, 'q');
  for (std::size_t i = 0; i < kSize; i += 1000) bytes[i] = static_cast<char>(i / 1000);
  CALL(::pwrite(fd.get(), bytes.data(), bytes.size(), 1));
  CALL(::pread(fd.get(), bytes.data(), bytes.size(), 0));
  at.note("read", bytes);
}

PARITY_TEST(Advice, IsTakenForEveryKindOfDescriptor) {
  at.make_file("f", std::string(100'000, 'x'));
  at.make_directory("d");
  const UniqueFd fds[] = {OPEN(::open("f", O_RDWR)), OPEN(::open("f", O_RDONLY)), OPEN(::open("f", O_WRONLY)),
                          OPEN(::open("d", O_RDONLY)), OPEN(::open("f", O_PATH))};
  for (const UniqueFd& fd : fds) {
    for (int advice = 0; advice < 8; ++advice) CALL(::posix_fadvise(fd.get(), 0, 0, advice));
    CALL(::posix_fadvise(fd.get(), 0, -1, POSIX_FADV_NORMAL));
    for (const off_t offset : {off_t{0}, off_t{-1}, off_t{1} << 40}) CALL(::readahead(fd.get(), offset, 100));
    for (const unsigned flags : {0U, 1U, 2U, 4U, 7U, 8U}) CALL(::sync_file_range(fd.get(), 0, 100, flags));
    CALL(::fsync(fd.get()));
    CALL(::fdatasync(fd.get()));
  }
}

PARITY_TEST(Open, WithEveryFlag) {
  at.make_file("f", "x");
  for (const int mode : {O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE}) {
    for (const int flag : {0, O_APPEND, O_NONBLOCK, O_SYNC, O_DSYNC, O_NOATIME, O_ASYNC, O_NOCTTY, O_NOFOLLOW,
                           O_DIRECTORY, O_EXCL, O_PATH}) {
      at.note("flags", mode | flag);
      const UniqueFd fd = OPEN(::open("f", mode | flag));
      CALL(::fcntl(fd.get(), F_GETFL));
      char byte = 0;
      CALL(::read(fd.get(), &byte, 1));
      CALL(::write(fd.get(), "y", 1));
    }
  }
}

}  // namespace
}  // namespace sluice::testing::parity
