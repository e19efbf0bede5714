#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <string>

#include "mount_mapping.h"
#include "parity_test.h"

// copy_file_range(2), sendfile(2), splice(2), vmsplice(2).

namespace sluice::testing::parity {
namespace {

constexpr off_t kMost = std::numeric_limits<off_t>::max();
/// File that a test reads.
constexpr off_t kLargest = off_t{1} << 20;

std::string numbered(std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) bytes += std::to_string(bytes.size()) + ",";
  bytes.resize(size);
  return bytes;
}

/// Two files with known content, new for each copy.
struct Pair {
  UniqueFd from;
  UniqueFd to;
};
Pair new_pair(Place& at, int to_flags = O_RDWR) {
  ::unlink("from");
  ::unlink("to");
  at.make_file("from", numbered(16'384));
  at.make_file("to", std::string(10'000, '.'));
  return {UniqueFd(::open("from", O_RDWR)), UniqueFd(::open("to", to_flags))};
}

struct Pipe {
  UniqueFd out;
  UniqueFd in;
};
Pipe new_pipe(Place& at) {
  int ends[2];
  at.require(::pipe(ends) == 0, "pipe");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void copy(Place& at, int from, off_t from_offset, int to, off_t to_offset, std::size_t length,
          unsigned flags = 0) {
  at.note("copy", std::to_string(from_offset) + " to " + std::to_string(to_offset) + " for " +
                      std::to_string(length));
  CALL(::copy_file_range(from, &from_offset, to, &to_offset, length, flags));
  at.note("offsets", std::to_string(from_offset) + " " + std::to_string(to_offset));
  at.show("to");
  struct stat status {};
  if (::stat("to", &status) != 0 || status.st_size > kLargest) {
    ::unlink("to");
    return;
  }
  at.content("to");
  at.content("from");
}

PARITY_TEST(CopyRange, BetweenTwoFiles) {
  struct Case {
    off_t from;
    off_t to;
    std::size_t length;
  };
  constexpr Case kCases[] = {
      {0, 0, 100},         {5, 10, 1000},    {16'000, 0, 5000}, {16'384, 0, 10},
      {20'000, 0, 10},     {0, 20'000, 100}, {0, 0, 0},         {0, 0, std::size_t{1} << 40},
      {0, 0, SIZE_MAX},    {-1, 0, 10},      {0, -1, 10},       {0, kMost - 10, 100},
      {kMost - 10, 0, 100}};
  for (const auto& [from, to, length] : kCases) {
    const Pair files = new_pair(at);
    copy(at, files.from.get(), from, files.to.get(), to, length);
  }
}

PARITY_TEST(CopyRange, WithinOneFile) {
  for (const auto& [from, to] :
       {std::pair<off_t, off_t>{0, 8000}, {0, 50}, {50, 0}, {0, 0}, {0, 100}, {16'300, 16'384}}) {
    const Pair files = new_pair(at);
    copy(at, files.from.get(), from, files.from.get(), to, 100);
  }
}

PARITY_TEST(CopyRange, ByFileOffsets) {
  const Pair files = new_pair(at);
  CALL(::lseek(files.from.get(), 7, SEEK_SET));
  CALL(::copy_file_range(files.from.get(), nullptr, files.to.get(), nullptr, 100, 0));
  CALL(::lseek(files.from.get(), 0, SEEK_CUR));
  CALL(::lseek(files.to.get(), 0, SEEK_CUR));
  at.content("to");
}

PARITY_TEST(CopyRange, WithUnknownFlags) {
  const Pair files = new_pair(at);
  for (const unsigned flags : {1U, 2U, 0x80000000U})
    copy(at, files.from.get(), 0, files.to.get(), 0, 10, flags);
}

PARITY_TEST(CopyRange, ByDescriptorsOfEveryMode) {
  new_pair(at);
  for (const int from_mode : {O_RDONLY, O_WRONLY, O_RDWR, O_PATH}) {
    for (const int to_mode : {O_RDONLY, O_WRONLY, O_RDWR, O_PATH, O_WRONLY | O_APPEND}) {
      const UniqueFd from = OPEN(::open("from", from_mode));
      const UniqueFd to = OPEN(::open("to", to_mode));
      copy(at, from.get(), 0, to.get(), 0, 10);
    }
  }
}

PARITY_TEST(CopyRange, FromAndToWhatIsNoRegularFileOfTheFileSystem) {
  const Pair files = new_pair(at);
  at.make_directory("d");
  at.require(::mkfifo("p", 0644) == 0, "mkfifo");
  const UniqueFd others[] = {OPEN(::open("d", O_RDONLY)), OPEN(::open("p", O_RDWR)),
                             OPEN(::open("/dev/zero", O_RDONLY)), OPEN(::open("/proc/self/status", O_RDONLY)),
                             OPEN(::memfd_create("memory", MFD_CLOEXEC))};
  for (const UniqueFd& other : others) {
    copy(at, other.get(), 0, files.to.get(), 0, 10);
    copy(at, files.from.get(), 0, other.get(), 0, 10);
  }
}

PARITY_TEST(CopyRange, OfFilesThatWereRemoved) {
  const Pair files = new_pair(at);
  CALL(::unlink("from"));
  CALL(::unlink("to"));
  off_t begin = 0;
  CALL(::copy_file_range(files.from.get(), &begin, files.to.get(), nullptr, 100, 0));
  std::array<char, 100> bytes{};
  CALL(::pread(files.to.get(), bytes.data(), bytes.size(), 0));
  at.note("copied", std::string_view(bytes.data(), bytes.size()));
}

PARITY_TEST(CopyRange, SeesAndReplacesWhatMappingsHold) {
  const Pair files = new_pair(at);
  const Mapping from(files.from.get(), 16'384, MAP_SHARED);
  const Mapping to(files.to.get(), 8192, MAP_SHARED);
  from.bytes()[0] = 'M';
  to.bytes()[0] = 'N';
  to.bytes()[300] = 'P';
  copy(at, files.from.get(), 0, files.to.get(), 0, 100);
  at.note("the mapping", std::string_view(to.bytes(), 310));
}

PARITY_TEST(CopyRange, ToAFileSystemMountedThere) {
  at.make_directory("other");
  at.as_root([&] { at.require(::mount("tmpfs", "other", "tmpfs", 0, "size=1m,mode=0777") == 0, "mount"); });
  const Pair files = new_pair(at);
  const UniqueFd other = OPEN(::open("other/f", O_RDWR | O_CREAT, 0644));
  copy(at, files.from.get(), 0, other.get(), 0, 10);
  copy(at, other.get(), 0, files.to.get(), 0, 10);
  at.as_root([&] { at.require(::umount2("other", MNT_DETACH) == 0, "umount"); });
}

PARITY_TEST(Splice, MovesBytesThroughAPipe) {
  const Pair files = new_pair(at);
  const Pipe pipe = new_pipe(at);
  off_t offset = 100;
  CALL(::splice(files.from.get(), &offset, pipe.in.get(), nullptr, 5000, 0));
  at.note("offset", offset);
  offset = 10;
  CALL(::splice(pipe.out.get(), nullptr, files.to.get(), &offset, 3000, 0));
  CALL(::splice(pipe.out.get(), nullptr, files.to.get(), nullptr, 10'000, 0));
  CALL(::lseek(files.to.get(), 0, SEEK_CUR));
  at.content("to");
  for (const off_t where : {off_t{-1}, off_t{16'384}, off_t{20'000}}) {
    offset = where;
    CALL(::splice(files.from.get(), &offset, pipe.in.get(), nullptr, 10, SPLICE_F_NONBLOCK));
  }
  CALL(::splice(files.from.get(), nullptr, files.to.get(), nullptr, 10, 0));
}

PARITY_TEST(Splice, DoesNotAppend) {
  const Pair files = new_pair(at, O_WRONLY | O_APPEND);
  const Pipe pipe = new_pipe(at);
  CALL(::write(pipe.in.get(), "0123", 4));
  CALL(::splice(pipe.out.get(), nullptr, files.to.get(), nullptr, 4, 0));
}

PARITY_TEST(Splice, TakesPagesOfTheProgram) {
  const Pair files = new_pair(at);
  const Pipe pipe = new_pipe(at);
  alignas(4096) static std::array<char, 4096> page{};
  page.fill('v');
  const iovec part{page.data(), page.size()};
  CALL(::vmsplice(pipe.in.get(), &part, 1, 0));
  CALL(::splice(pipe.out.get(), nullptr, files.to.get(), nullptr, 4096, SPLICE_F_MOVE));
  at.content("to");
}

PARITY_TEST(Sendfile, CopiesToFilesAndPipes) {
  const Pair files = new_pair(at);
  const Pipe pipe = new_pipe(at);
  off_t offset = 10;
  CALL(::sendfile(files.to.get(), files.from.get(), &offset, 5000));
  at.note("offset", offset);
  at.content("to");
  CALL(::sendfile(pipe.in.get(), files.from.get(), nullptr, 100));
  std::array<char, 100> bytes{};
  CALL(::read(pipe.out.get(), bytes.data(), bytes.size()));
  at.note("through the pipe", std::string_view(bytes.data(), bytes.size()));
  CALL(::lseek(files.from.get(), 0, SEEK_CUR));
  offset = 20'000;
  CALL(::sendfile(files.to.get(), files.from.get(), &offset, 100));
  const UniqueFd append = OPEN(::open("to", O_WRONLY | O_APPEND));
  CALL(::sendfile(append.get(), files.from.get(), nullptr, 100));
}

}  // namespace
}  // namespace sluice::testing::parity
