#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "mount_fixture.h"
#include "program_fixture.h"

// What it says while it runs and at its end, and where.

namespace sluice::testing {
namespace {

class ProgramReport : public ProgramTest {
 protected:
  /// Two fdatasyncs, the second with nothing to do, and an fsync.
  void sync_a_little() const {
    const UniqueFd fd = open_file(at("f"), O_WRONLY | O_CREAT);
    EXPECT_EQ(::write(fd.get(), "x", 1), 1);
    EXPECT_EQ(::fdatasync(fd.get()), 0);
    EXPECT_EQ(::fdatasync(fd.get()), 0);
    EXPECT_EQ(::write(fd.get(), "y", 1), 1);
    EXPECT_EQ(::fsync(fd.get()), 0);
  }
  /// The last line of the log with that counter: its values for fdatasync and fsync.
  static std::vector<std::string> counter(const std::string& log, const std::string& name) {
    std::istringstream lines(log);
    std::vector<std::string> values;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string program;
      std::string first;
      if (!(words >> program >> first) || first != name) continue;
      values.clear();
      for (std::string word; words >> word;) values.push_back(word);
    }
    return values;
  }
  /// What quickstart makes of a log.
  [[nodiscard]] std::string count_of(const std::string& log, const std::string& name) const {
    make_file(base() + "/log", log);
    const std::string script =
        "eval \"$(grep '^count_of()' " SLUICE_SOURCE_DIR "/quickstart)\" && log=" + base() +
        "/log && count_of " + name + " >" + base() + "/count";
    EXPECT_EQ(run_command({"bash", "-c", script}), 0);
    return content(base() + "/count");
  }
};

using Values = std::vector<std::string>;

TEST_F(ProgramReport, ItsCountersAreInTheLogAtItsEnd) {
  if (passes_all_through()) GTEST_SKIP() << kOnlyTracked;
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  sync_a_little();
  EXPECT_EQ(stop(program), 0);
  const std::string log = program.errors();
  EXPECT_EQ(program.output(), "");
  EXPECT_EQ(counter(log, "counters"), (Values{"fdatasync", "fsync"}));
  EXPECT_EQ(counter(log, "barriers")[0], "2");
  EXPECT_EQ(counter(log, "elided"), (Values{"1", "0"}));
  EXPECT_EQ(counter(log, "joined"), (Values{"0", "0"}));
  EXPECT_EQ(counter(log, "failed"), (Values{"0", "0"}));
  EXPECT_EQ(counter(log, "syncs")[0], "1");
  for (const char* const name : {"barrier-p50-us", "barrier-p99-us", "sync-p50-us", "sync-p99-us"}) {
    const Values values = counter(log, name);
    ASSERT_EQ(values.size(), 2U) << name;
    EXPECT_GE(std::stod(values[0]), 0) << name;  // Not a hyphen, at which this throws.
    EXPECT_GE(std::stod(values[1]), 0) << name;
  }
}

TEST_F(ProgramReport, TheyAreThereWhenAskedForWhileItServes) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  program.process().signal(SIGUSR1);
  ASSERT_TRUE(program.says("\nsluicefs: engine "));
  EXPECT_EQ(counter(program.errors(), "barriers"), (Values{"0", "0"}));
  sync_a_little();
  const std::size_t before = program.errors().size();
  program.process().signal(SIGUSR1);
  ASSERT_TRUE(
      eventually([&] { return program.errors().find("\nsluicefs: engine ", before) != std::string::npos; }));
  EXPECT_EQ(counter(program.errors(), "barriers"), (Values{"2", "1"}));
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramReport, QuickstartReadsThem) {
  if (passes_all_through()) GTEST_SKIP() << kOnlyTracked;
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  program.process().signal(SIGUSR1);  // Of several reports the last one counts.
  ASSERT_TRUE(program.says("\nsluicefs: engine "));
  sync_a_little();
  program.process().signal(SIGUSR1);
  ASSERT_TRUE(eventually([&] { return counter(program.errors(), "barriers") == Values{"2", "1"}; }));
  const std::string log = program.errors();
  EXPECT_EQ(count_of(log, "barriers"), "3\n");
  EXPECT_EQ(count_of(log, "elided"), "1\n");
  EXPECT_EQ(count_of(log, "joined"), "0\n");
  EXPECT_EQ(count_of(log, "syncs"), "2\n");
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramReport, EveryLineInTheForegroundBearsItsName) {
  Program program(foreground("debug"));
  ASSERT_TRUE(program.says("is mounted on"));
  EXPECT_EQ(stop(program), 0);
  std::istringstream lines(program.errors());
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.starts_with("sluicefs: ")) << line;
}

/// A /dev with nothing but what sluicefs needs, where we are syslog.
class ProgramReportToSyslog : public ProgramReport {
 protected:
  void SetUp() override {
    ProgramReport::SetUp();
    if (IsSkipped()) return;
    const std::string dev = base() + "/dev";
    ASSERT_EQ(::mkdir(dev.c_str(), 0755), 0);
    ASSERT_EQ(::mount("tmpfs", dev.c_str(), "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(::mknod((dev + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
    ASSERT_EQ(::mknod((dev + "/fuse").c_str(), S_IFCHR | 0666, makedev(10, 229)), 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (dev + "/log").copy(address.sun_path, sizeof address.sun_path - 1);
    syslog_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(syslog_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::mount(dev.c_str(), "/dev", nullptr, MS_BIND, nullptr), 0);
  }
  void TearDown() override {
    if (syslog_.valid()) {
      ::umount2("/dev", MNT_DETACH);
      ::umount2((base() + "/dev").c_str(), MNT_DETACH);
    }
    ProgramReport::TearDown();
  }
  /// Waits for the next message.
  [[nodiscard]] std::string message() const {
    std::array<char, 4096> text{};
    const ssize_t got = ::recv(syslog_.get(), text.data(), text.size(), 0);
    return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }

 private:
  UniqueFd syslog_;
};

TEST_F(ProgramReportToSyslog, InTheBackgroundTheLogGoesThere) {
  Start start;
  start.arguments = {source(), mountpoint()};
  const Outcome outcome = run_program(start);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.errors, "");
  const std::string mounted = message();
  constexpr const char* kDaemonInfo = "<30>";  // LOG_DAEMON | LOG_INFO
  EXPECT_TRUE(mounted.starts_with(kDaemonInfo)) << mounted;
  EXPECT_NE(mounted.find(" sluicefs["), std::string::npos) << mounted;
  EXPECT_NE(mounted.find("]: " + source() + " is mounted on " + mountpoint()), std::string::npos) << mounted;
  auto daemon = adopted_daemon();
  ASSERT_TRUE(daemon);
  daemon->signal(SIGTERM);
  // All of it: whoever logs waits for syslog to have room.
  for (const char* const line : {"counters ", "barriers ", "engine "}) {
    while (message().find(std::string("]: ") + line) == std::string::npos) {
    }
  }
  EXPECT_EQ(daemon->wait(), 0);
}

}  // namespace
}  // namespace sluice::testing
