#include <fcntl.h>
#include <linux/fs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "parity_test.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x00000020
#endif

// O_APPEND, whether it comes by open(2) or fcntl(2), and the flags of pwritev2(2) that say otherwise.

namespace sluice::testing::parity {
namespace {

long write_at(const UniqueFd& fd, std::string_view bytes, off_t offset, int flags) {
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  return ::pwritev2(fd.get(), &part, 1, offset, flags);
}

void look(Place& at, const UniqueFd& fd) {
  at.content("f");
  at.show(fd);
  CALL(::lseek(fd.get(), 0, SEEK_CUR));
}

PARITY_TEST(Append, WritesAtTheEndWhereverTheFileOffsetIs) {
  at.make_file("f", "abc");
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_APPEND));
  CALL(::write(fd.get(), "1", 1));
  look(at, fd);
  CALL(::pwrite(fd.get(), "2", 1, 0));
  look(at, fd);
  CALL(::lseek(fd.get(), 0, SEEK_SET));
  CALL(::write(fd.get(), "3", 1));
  look(at, fd);
  CALL(::write(fd.get(), "", 0));
  CALL(::ftruncate(fd.get(), 2));
  CALL(::write(fd.get(), "4", 1));
  look(at, fd);
}

PARITY_TEST(Append, ComesAndGoesByFcntl) {
  at.make_file("f", "abc");
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  CALL(::fcntl(fd.get(), F_SETFL, O_APPEND));
  CALL(::fcntl(fd.get(), F_GETFL));
  CALL(::pwrite(fd.get(), "1", 1, 0));
  look(at, fd);
  CALL(::fcntl(fd.get(), F_SETFL, 0));
  CALL(::pwrite(fd.get(), "2", 1, 0));
  look(at, fd);
  CALL(::write(fd.get(), "3", 1));
  look(at, fd);
}

PARITY_TEST(Append, IsAskedForByASingleWrite) {
  at.make_file("f", "abc");
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  CALL(write_at(fd, "1", 0, RWF_APPEND));
  look(at, fd);
  CALL(write_at(fd, "2", -1, RWF_APPEND));
  look(at, fd);
  CALL(write_at(fd, "3", 1, 0));
  look(at, fd);
}

PARITY_TEST(Append, IsForgoneByASingleWrite) {
  at.make_file("f", "abcdefgh");
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_APPEND));
  CALL(write_at(fd, "8", 0, RWF_NOAPPEND | RWF_APPEND));
  CALL(write_at(fd, "1", 0, RWF_NOAPPEND));
  at.exempt(exemptions::kNoAppend, [&] { at.content("f"); });
  // What it left is not the same.
  at.as_root([&] { at.require(::truncate("f", 0) == 0, "truncate"); });
  CALL(::write(fd.get(), "9", 1));
  look(at, fd);
}

PARITY_TEST(Append, OfDirectIo) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT | O_APPEND | O_DIRECT, 0644));
  constexpr std::size_t kBlock = 4096;
  char* const block = static_cast<char*>(std::aligned_alloc(kBlock, kBlock));
  std::memset(block, 'd', kBlock);
  CALL(::write(fd.get(), block, kBlock));
  CALL(::pwrite(fd.get(), block, kBlock, 0));
  at.content("f");
  std::free(block);
}

PARITY_TEST(Append, OfSeveralProcessesLosesAndTearsNothing) {
  constexpr int kProcesses = 5;
  constexpr int kRecords = 100;
  at.make_file("f");
  for (int writer = 0; writer < kProcesses; ++writer) {
    if (::fork() != 0) continue;
    const int fd = ::open("f", O_WRONLY | O_APPEND | O_CLOEXEC);
    std::array<char, 64> record{};
    record.fill(static_cast<char>('a' + writer));
    const std::size_t size = 20 + 9 * static_cast<std::size_t>(writer);
    record[size - 1] = '\n';
    for (int i = 0; i < kRecords; ++i) {
      if (::write(fd, record.data(), size) != static_cast<ssize_t>(size)) ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  while (::wait(&status) > 0) at.note("a writer's exit status", status);
  at.show("f");
  std::array<int, kProcesses> whole{};
  std::string all(1U << 16U, '\0');
  const UniqueFd fd = OPEN(::open("f", O_RDONLY));
  all.resize(static_cast<std::size_t>(CALL(::read(fd.get(), all.data(), all.size()))));
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = all.find('\n', begin);
    const std::string_view record(all.data() + begin, end - begin);
    const int writer = record[0] - 'a';
    const bool intact = record == std::string(19 + 9 * static_cast<std::size_t>(writer), record[0]);
    if (intact) ++whole[static_cast<std::size_t>(writer)];
    begin = end + 1;
  }
  for (const int count : whole) at.note("whole records", count);
  at.spare_tree();
}

}  // namespace
}  // namespace sluice::testing::parity
