#include <fcntl.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "program_fixture.h"

// How it comes to be: in the foreground, in the background, for a service manager, over what a crash left;
// and what it keeps of its starter.

namespace sluice::testing {
namespace {

using ProgramStart = ProgramTest;

Start start_of(std::vector<std::string> arguments) {
  Start start;
  start.arguments = std::move(arguments);
  return start;
}

TEST_F(ProgramStart, HelpIsPrinted) {
  for (const char* const option : {"-h", "--help"}) {
    const Outcome outcome = run_program(start_of({option}));
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.errors, "");
    EXPECT_TRUE(outcome.output.starts_with("usage: sluicefs [options] SOURCE MOUNTPOINT\n"))
        << outcome.output;
  }
}

TEST_F(ProgramStart, VersionIsPrinted) {
  for (const char* const option : {"-V", "--version"}) {
    const Outcome outcome = run_program(start_of({option}));
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.errors, "");
    EXPECT_TRUE(outcome.output.starts_with("sluicefs ")) << outcome.output;
    EXPECT_NE(outcome.output.find("libfuse 3."), std::string::npos) << outcome.output;
  }
}

TEST_F(ProgramStart, InTheForegroundItServesUntilItIsStopped) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  make_file(at("f"), "x");
  EXPECT_EQ(content(source("f")), "x");
  EXPECT_EQ(stop(program), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramStart, InTheBackgroundItReturnsWhenTheMountCanBeUsed) {
  const Outcome outcome = run_program(start_of({source(), mountpoint()}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output + outcome.errors, "");
  EXPECT_TRUE(is_mounted());
  make_file(at("f"), "x");
  EXPECT_EQ(content(source("f")), "x");
  EXPECT_EQ(stop_daemon(), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramStart, TheBackgroundDaemonIsOnItsOwn) {
  ASSERT_EQ(run_program(start_of({source(), mountpoint()})).status, 0);
  const auto daemon = adopted_daemon();
  ASSERT_TRUE(daemon);
  EXPECT_EQ(::getsid(daemon->pid()), daemon->pid());
  const std::string process = "/proc/" + std::to_string(daemon->pid());
  for (const auto& task : std::filesystem::directory_iterator(process + "/task")) {
    EXPECT_EQ(std::filesystem::read_symlink(task.path() / "cwd"), "/") << task.path();
  }
  for (const char* const stream : {"0", "1", "2"}) {
    EXPECT_EQ(std::filesystem::read_symlink(process + "/fd/" + stream), "/dev/null") << stream;
  }
}

TEST_F(ProgramStart, TheBackgroundDaemonKeepsNoDescriptorOfItsStarter) {
  const std::string lock = base() + "/lock";
  Start start = start_of({source(), mountpoint()});
  start.prepare = [&] {
    // As `flock` does for a script that it runs: no close-on-exec.
    const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ::flock(fd, LOCK_EX) != 0 || ::dup2(fd, 200) < 0) ::_exit(202);
  };
  ASSERT_EQ(run_program(start).status, 0);
  const UniqueFd fd = open_file(lock, O_RDWR);
  EXPECT_EQ(error_of(::flock(fd.get(), LOCK_EX | LOCK_NB)), 0);
  EXPECT_TRUE(adopted_daemon());
}

TEST_F(ProgramStart, ClosedStandardStreamsAreNoObstacle) {
  for (const bool in_background : {true, false}) {
    Start start = in_background ? start_of({source(), mountpoint()}) : foreground();
    start.prepare = [] {
      for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(stream);
    };
    Program program(start);
    if (in_background) {
      ASSERT_EQ(program.wait(), 0);
    }
    ASSERT_TRUE(eventually([&] { return is_mounted(); }));
    make_file(at("f"), "x");
    EXPECT_EQ(content(source("f")), "x");
    ASSERT_EQ(::unlink(at("f").c_str()), 0);
    EXPECT_EQ(in_background ? stop_daemon() : stop(program), 0);
  }
}

TEST_F(ProgramStart, TheStartersUmaskAndIgnoredSignalsDoNotMatter) {
  Start start = foreground();
  start.prepare = [] {
    ::umask(0777);
    for (const int ignored : {SIGTERM, SIGCHLD, SIGPIPE, SIGUSR1}) ::signal(ignored, SIG_IGN);
  };
  Program program(start);
  ASSERT_TRUE(serves(program));
  make_file(at("f"), "x", 0666);
  EXPECT_EQ(mode_of(source("f")), 0666 & ~022U);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramStart, RelativePathsAreThoseOfTheStarter) {
  for (const char* const flag : {"-f", "-d"}) {
    Start start = start_of({"source", "./mount/../mount", flag});
    start.prepare = [&] {
      if (::chdir(base().c_str()) != 0) ::_exit(202);
    };
    Program program(start);
    ASSERT_TRUE(eventually([&] { return is_mounted(); }));
    make_file(at("f"), "x");
    EXPECT_EQ(content(source("f")), "x");
    if (std::string(flag) == "-f") {
      EXPECT_EQ(stop(program), 0);
    } else {
      EXPECT_EQ(program.wait(), 0);
      EXPECT_EQ(stop_daemon(), 0);
    }
  }
}

TEST_F(ProgramStart, OverTheSourceItselfItIsUsedAsTheSource) {
  make_file(source("f"), "before");
  Program program(start_of({"-f", source(), source()}));
  ASSERT_TRUE(serves(program));
  ASSERT_TRUE(is_mount_point(source()));
  EXPECT_EQ(content(source("f")), "before");
  make_file(source("g"), "through");
  EXPECT_EQ(stop(program), 0);
  EXPECT_FALSE(is_mount_point(source()));
  EXPECT_EQ(content(source("g")), "through");
}

TEST_F(ProgramStart, ASecondOneOverTheSourceIsRefused) {
  Program program(start_of({"-f", source(), source()}));
  ASSERT_TRUE(serves(program));
  const Outcome second = run_program(start_of({source(), source()}));
  EXPECT_EQ(second.status, 4) << second.errors;
  EXPECT_EQ(stop(program), 0);
  EXPECT_FALSE(is_mount_point(source()));
}

TEST_F(ProgramStart, OddNamesAreMountedAndShownAsTheyAre) {
  const std::string odd = "with space,comma\\back\"quote#hash";
  for (const char* const directory : {"/s ", "/m "})
    ASSERT_EQ(::mkdir((base() + directory + odd).c_str(), 0755), 0);
  const std::string where = base() + "/m " + odd;
  Program program(start_of({"-f", base() + "/s " + odd, where}));
  ASSERT_TRUE(serves(program));
  make_file(where + "/f", "x");
  EXPECT_EQ(content(base() + "/s " + odd + "/f"), "x");
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramStart, ADeadMountIsClearedByTheNextOneAndSaidSo) {
  for (const bool over_source : {false, true}) {
    const std::string where = over_source ? source() : mountpoint();
    {
      Program killed(start_of({"-f", source(), where}));
      ASSERT_TRUE(serves(killed));
      killed.process().signal(SIGKILL);
      EXPECT_EQ(killed.wait(), 256 + SIGKILL);
    }
    ASSERT_TRUE(is_mount_point(where));
    ASSERT_EQ(error_of(::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), ENOTCONN);
    Program next(start_of({"-f", source(), where}));
    EXPECT_TRUE(next.says("cleared a dead mount of " + source() + " from " + where));
    ASSERT_TRUE(serves(next));
    make_file(where + "/f", "x");
    EXPECT_EQ(stop(next), 0);
    EXPECT_FALSE(is_mount_point(where));
  }
}

/// The socket of a service manager.
UniqueFd listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

/// Waits for the next message.
std::string message_from(const UniqueFd& socket) {
  std::array<char, 256> message{};
  const ssize_t got = ::recv(socket.get(), message.data(), message.size(), 0);
  return std::string(message.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
}

TEST_F(ProgramStart, AServiceManagerIsToldWhenItIsReadyAndWhenItStops) {
  const UniqueFd manager = listen_at(base() + "/notify");
  Start start = foreground();
  start.environment = {"NOTIFY_SOCKET=" + base() + "/notify"};
  Program program(start);
  ASSERT_EQ(message_from(manager), "READY=1");
  EXPECT_TRUE(is_mounted());
  make_file(at("f"), "x");
  program.process().signal(SIGTERM);
  EXPECT_EQ(message_from(manager), "STOPPING=1");
  EXPECT_EQ(program.wait(), 0);
}

TEST_F(ProgramStart, WhereACapabilityIsMissingUsersStillCreateFiles) {
  // As in a container.
  Start start = foreground();
  start.prepare = [] {
    ::prctl(PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0);
    ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0);
  };
  Program program(start);
  ASSERT_TRUE(serves(program));
  ASSERT_EQ(::chmod(at("").c_str(), 0777), 0);
  EXPECT_EQ(
      run_as({}, [&] { return error_of(::open(at("f").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }), 0);
  EXPECT_EQ(status(source("f")).st_uid, User().uid);
  EXPECT_EQ(stop(program), 0);
}

}  // namespace
}  // namespace sluice::testing
