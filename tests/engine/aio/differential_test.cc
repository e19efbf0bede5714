#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "slow_buffer.h"

// The same program with the C library's asynchronous I/O and with libsluice_aio.so: what differs is listed
// here with the reason, and what is listed differs.

namespace sluice::testing {
namespace {

struct Difference {
  const char* situation;
  const char* theirs;
  const char* ours;
  const char* reason;
};

constexpr const char* kWriting =
    "L6: aio_fsync(3) asks for a descriptor that is open for writing; glibc does not look";
constexpr const char* kAtTheCall = "L7, B6: said by the call; glibc lets the request find out";
constexpr const char* kUnsafe = "B5: no asynchronous I/O on pipes, sockets and devices that may never answer";
constexpr const char* kNotification = "B5: a bad notification is refused, and nothing is queued";
constexpr const char* kList =
    "lio_listio(3): EIO when a request failed; glibc leaves the request's own error";

constexpr Difference kDifferences[] = {
    {"fsync of a read-only descriptor", "queued, then 0", "EBADF", kWriting},
    {"fsync of a directory", "queued, then 0", "EBADF", kWriting},
    {"fsync of a path", "queued, then -1 EBADF", "EBADF", kWriting},
    {"fsync of a pipe", "queued, then -1 EINVAL", "EINVAL", kAtTheCall},
    {"fsync of a socket", "queued, then -1 EINVAL", "EINVAL", kAtTheCall},
    {"fsync of a terminal", "queued, then -1 EINVAL", "EINVAL", kAtTheCall},
    {"fsync of /dev/null", "queued, then -1 EINVAL", "EINVAL", kAtTheCall},
    {"read of a pipe", "queued, then 8", "queued, then -1 ESPIPE", kUnsafe},
    {"read of a socket", "queued, then 8", "queued, then -1 ESPIPE", kUnsafe},
    {"read of /dev/zero", "queued, then 8", "queued, then -1 ESPIPE", kUnsafe},
    {"write to a pipe", "queued, then 8", "queued, then -1 ESPIPE", kUnsafe},
    {"write to /dev/null", "queued, then 8", "queued, then -1 ESPIPE", kUnsafe},
    {"write without a free descriptor", "queued, then 8", "EAGAIN",
     "L5: the descriptor is duplicated, so that the caller may close it"},
    {"suspend for what is done, for a bad time", "0", "EINVAL",
     "no time is EINVAL for every other call that waits; glibc looks at it only when it has to wait"},
    {"signal -1", "queued, then -1 EINVAL", "EINVAL", kNotification},
    {"signal beyond the last", "queued, then -1 EINVAL", "EINVAL", kNotification},
    {"unknown notification", "queued, then 0", "EINVAL", kNotification},
    {"list with a bad priority, not waiting", "EINVAL: 4, -1 EINVAL", "EIO: 4, -1 EINVAL", kList},
    {"list of a bad priority alone, waiting", "EINVAL: -1 EINVAL", "EIO: -1 EINVAL", kList},
    {"list of a bad priority alone, not waiting", "EINVAL: -1 EINVAL", "EIO: -1 EINVAL", kList},
    {"block used twice", "0", "EBUSY", "P7: a clear error, and the first operation is unharmed"},
    {"sync behind another descriptor's slow write", "0, ends meanwhile, 0", "0, waits for it, 0",
     "E1: cover is about the file; glibc keeps order only among the requests of one descriptor"},
    {"sync of a write that fails", "000: 1, -1 EFAULT, 0, next queued, then 0",
     "000: 1, -1 EFAULT, -1 EFAULT, next queued, then 0",
     "S4: a failed write fails the syncs that cover it; glibc forgets it"},
    {"descriptor closed while a request waits", "0: 4096, -1 EBADF", "0: 4096, 0",
     "requests duplicate their descriptor; glibc uses the number, whatever it is by then"},
    {"unreadable block", "dies of SEGV", "EFAULT", "F4: the kernel is asked first"},
    {"child of a fork", "115, own queued, then 0", "125, own queued, then 0",
     "the child has none of its parent's requests, and need not wait for one for ever"},
};

using Outcomes = std::map<std::string, std::string>;

/// What the program sees with these variables in its environment.
Outcomes run_program(const std::string& environment) {
  const std::string command = "exec env " + environment + " " SLUICE_DIFFERENTIAL_PROGRAM;
  FILE* output = ::popen(command.c_str(), "r");
  Outcomes outcomes;
  char* line = nullptr;
  std::size_t size = 0;
  while (output != nullptr && ::getline(&line, &size, output) > 0) {
    const std::string_view text(line);
    const std::size_t tab = text.find('\t');
    if (tab == std::string_view::npos) continue;
    outcomes.emplace(text.substr(0, tab), text.substr(tab + 1, text.size() - tab - 2));
  }
  std::free(line);
  EXPECT_EQ(output == nullptr ? -1 : ::pclose(output), 0);
  return outcomes;
}

std::string preloaded(const char* backend) {
  // The sanitizers' libraries want to come first; they do no harm when they come second.
  return std::string("ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=" SLUICE_PRELOAD
                     " SLUICE_AIO_BACKEND=") +
         backend;
}

class Differential : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto tried = SlowBuffer::create();
    if (!tried) GTEST_SKIP() << "userfaultfd is not to be had here: " << tried.error().message();
  }
};

INSTANTIATE_TEST_SUITE_P(, Differential, ::testing::Values("auto", "threads"),
                         [](const auto& backend) { return std::string(backend.param); });

TEST_P(Differential, EveryOutcomeIsTheCLibrarysButForThoseListed) {
  Outcomes expected = run_program("");
  Outcomes ours = run_program(preloaded(GetParam()));
  EXPECT_GT(expected.size(), 80U);
  for (const Difference& difference : kDifferences) {
    SCOPED_TRACE(std::string(difference.situation) + ": " + difference.reason);
    const auto listed = expected.find(difference.situation);
    ASSERT_NE(listed, expected.end());
    EXPECT_EQ(listed->second, difference.theirs);
    EXPECT_NE(std::string_view(difference.theirs), difference.ours);
    listed->second = difference.ours;
  }
  for (const auto& [situation, outcome] : expected) EXPECT_EQ(ours[situation], outcome) << situation;
  EXPECT_EQ(ours.size(), expected.size());
}

}  // namespace
}  // namespace sluice::testing
