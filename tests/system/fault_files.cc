#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "fault_steps.h"

// What a file holds.

namespace sluice::testing::faults {

namespace {

/// The page is in the cache before it is touched: a read that failed then would be SIGBUS.
int write_by_mapping(const Place& place) {
  return with_file(place, O_RDWR, [](Steps& steps, int fd) {
    std::array<char, 16> bytes{};
    steps.then([&] { return ::pread(fd, bytes.data(), bytes.size(), 0); });
    if (steps.error() != 0) return;
    void* const mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return;
    static_cast<char*>(mapped)[0] = 'm';
    steps.then([=] { return ::msync(mapped, 4096, MS_SYNC); });
    ::munmap(mapped, 4096);
  });
}

}  // namespace

void add_files(std::vector<Operation>& all) {
  all.push_back({"create",
                 [](const Place& place) {
                   return with_file(
                       place, O_RDWR | O_CREAT | O_EXCL, [](Steps&, int) {}, "n");
                 },
                 is_there("n"), "n"});
  all.push_back(
      {"create and write",
       [](const Place& place) {
         return with_file(
             place, O_WRONLY | O_CREAT,
             [](Steps& steps, int fd) { write_text(steps, fd, "new").then([=] { return ::fsync(fd); }); },
             "n");
       },
       holds("new", "n")});
  all.push_back({"read",
                 [](const Place& place) {
                   return with_file(place, O_RDONLY, [](Steps& steps, int fd) {
                     std::array<char, 11> bytes{};
                     steps.then([&] { return ::pread(fd, bytes.data(), bytes.size(), 0); }).must([&] {
                       return std::string_view(bytes.data()) == kDigits;
                     });
                   });
                 },
                 always});
  all.push_back({"open, truncating",
                 [](const Place& place) { return with_file(place, O_WRONLY | O_TRUNC, [](Steps&, int) {}); },
                 holds("")});
  all.push_back({"open for reading, truncating",
                 [](const Place& place) { return with_file(place, O_RDONLY | O_TRUNC, [](Steps&, int) {}); },
                 holds("")});
  all.push_back({"append",
                 [](const Place& place) {
                   return with_file(place, O_WRONLY | O_APPEND,
                                    [](Steps& steps, int fd) { write_text(steps, fd, "x"); });
                 },
                 holds("0123456789x")});
  all.push_back({"write, synchronously",
                 [](const Place& place) {
                   return with_file(place, O_WRONLY | O_SYNC,
                                    [](Steps& steps, int fd) { write_text(steps, fd, "x"); });
                 },
                 holds("x123456789")});
  all.push_back({"write twice, fdatasync",
                 [](const Place& place) {
                   return with_file(place, O_RDWR, [](Steps& steps, int fd) {
                     write_text(steps, fd, "x");
                     write_text(steps, fd, "y").then([=] { return ::fdatasync(fd); });
                     steps.then([=] { return ::fdatasync(fd); });
                   });
                 },
                 holds("xy23456789")});
  all.push_back({"write by a mapping", write_by_mapping, holds("m123456789")});
  all.push_back({"fallocate",
                 [](const Place& place) {
                   return with_file(place, O_RDWR, [](Steps& steps, int fd) {
                     steps.then([=] { return ::fallocate(fd, 0, 0, 20); });
                   });
                 },
                 [](const Place& place) { return status(place.behind("f")).st_size == 20; }});
  all.push_back({"copy_file_range",
                 [](const Place& place) {
                   const UniqueFd from(::open(place.at("f").c_str(), O_RDONLY | O_CLOEXEC));
                   if (!from.valid()) return errno;
                   return with_file(
                       place, O_WRONLY | O_TRUNC,
                       [&](Steps& steps, int fd) {
                         steps.then(
                             [&] { return ::copy_file_range(from.get(), nullptr, fd, nullptr, 5, 0); });
                       },
                       "g");
                 },
                 holds("01234", "g")});
  all.push_back(
      {"lseek to a hole",
       [](const Place& place) {
         return with_file(place, O_RDWR, [](Steps& steps, int fd) {
           off_t at = 0;
           steps.then([&] { return at = ::lseek(fd, 0, SEEK_HOLE); }).must([&] { return at == 10; });
         });
       },
       always});
}

}  // namespace sluice::testing::faults
