#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "fault_audit.h"
#include "fault_operations.h"
#include "mount_files.h"
#include "mount_fixture.h"
#include "system_call_faults.h"

// Every operation, with each of the system calls that serve it failed in turn until a run meets no fault. A
// program that is told of success can rely on it; one that is told of an error finds the mount as it was, or
// half of what it asked for where that is said; and the daemon keeps nothing.

namespace sluice::testing::faults {
namespace {

/// How the daemon finds inodes again, and who asks.
struct Setting {
  bool by_handles;
  User caller;
};
std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << (setting.by_handles ? "by handles" : "by descriptors") << ", for uid " << setting.caller.uid;
}

/// While it lives, this thread's files are somebody's.
class FilesAs {
 public:
  explicit FilesAs(const User& user) {
    ::syscall(SYS_setfsgid, user.gid);
    ::syscall(SYS_setfsuid, user.uid);
  }
  ~FilesAs() {
    ::syscall(SYS_setfsuid, 0);
    ::syscall(SYS_setfsgid, 0);
  }
  FilesAs(const FilesAs&) = delete;
  FilesAs& operator=(const FilesAs&) = delete;
};

class MountFaults : public ::testing::Test {
 protected:
  void start(const Setting& setting, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    caller_ = setting.caller;
    bool watched = false;
    MountSetup setup;
    setup.parent = "/dev/shm";  // Where fsync costs nothing.
    setup.prepare_thread = [&] {
      watched = faults::watch_this_thread();
      if (!setting.by_handles) faults::always_fail(SYS_open_by_handle_at, EPERM);
    };
    fixture_ = std::make_unique<MountFixture>(setup);
    faults::stop();
    if (!watched) GTEST_SKIP() << "system calls cannot be watched here";
    audit_ = std::make_unique<FaultAudit>(*fixture_, patience);
    warm_up();
  }
  void TearDown() override {
    faults::stop();
    if (!fixture_) return;
    fixture_->stop();
    fixture_.reset();
    faults::hear_forgets();
  }

  /// What came of one run.
  struct Run {
    bool met_fault;
    std::string complaints;  ///< Empty when all is well.
  };
  enum class Failed { leaves_nothing, may_have_happened };
  Run run(const Operation& operation, const std::function<void()>& arm, Failed failed) {
    const Place place = new_place();
    arm();
    int error = 0;
    {
      const FilesAs caller(caller_);
      error = operation.act(place);
    }
    const bool met = faults::stop();
    std::string complaints = what_is_untrue(operation, place, error, failed);
    if (!met && error != 0) complaints += "an error without a fault; ";
    complaints += audit_->findings(place);
    if (!complaints.empty() && met) complaints += "after " + faults::last_fault();
    return {met, complaints};
  }

  /// Runs it with the first fault, the second and so on, until a run meets none, or one fails the test. How
  /// many there were.
  int run_until_no_fault(const Operation& operation, const std::function<void(int)>& arm, Failed failed) {
    for (int nth = 1;; ++nth) {
      const Run result = run(
          operation, [&] { arm(nth); }, failed);
      EXPECT_EQ(result.complaints, "") << operation.name << ", fault " << nth;
      if (!result.complaints.empty() || !result.met_fault) return nth - 1;
    }
  }

  [[nodiscard]] Place new_place() {
    const std::string name = "run" + std::to_string(++runs_);
    Place place{fixture_->at(name), fixture_->source(name)};
    furnish(place, caller_);
    return place;
  }
  [[nodiscard]] int runs() const { return runs_; }

 private:
  static std::string what_is_untrue(const Operation& operation, const Place& place, int error,
                                    Failed failed) {
    if (error == 0) return operation.has_happened(place) ? "" : "a success that is not true; ";
    std::string untrue;
    if (error == kWrongAnswer) untrue += "an answer that is not true; ";
    if (error != EIO) untrue += std::string("told of ") + std::strerror(error) + "; ";
    const bool made = operation.made != nullptr && exists(place.behind(operation.made));
    if (made && failed == Failed::leaves_nothing) untrue += "an error, and made nevertheless; ";
    return untrue;
  }
  /// The first requests start threads.
  void warm_up() {
    audit_->remember();
    for (int i = 0; i < 2; ++i) static_cast<void>(audit_->findings(new_place()));
    audit_->remember();
  }

  User caller_;
  std::unique_ptr<MountFixture> fixture_;
  std::unique_ptr<FaultAudit> audit_;
  int runs_ = 0;
};

class MountFaultsOf : public MountFaults, public ::testing::WithParamInterface<Setting> {
 protected:
  void SetUp() override { start(GetParam()); }
};

TEST_P(MountFaultsOf, EachSystemCallOfEachOperation) {
  for (const Operation& operation : fault_operations()) {
    const int met = run_until_no_fault(operation, faults::fail_call, Failed::leaves_nothing);
    if (HasFailure()) return;
    EXPECT_GT(met, 1) << operation.name << " is served by system calls";
  }
  RecordProperty("runs", runs());
}

TEST_P(MountFaultsOf, EachAnswerThatTheKernelDoesNotTake) {
  for (const Operation& operation : fault_operations()) {
    const int met = run_until_no_fault(operation, faults::refuse_answer, Failed::may_have_happened);
    if (HasFailure()) return;
    EXPECT_GT(met, 0) << operation.name << " is answered";
  }
}

std::vector<Setting> settings() {
  const User root{0, 0, {}};
  if (std::getenv("SLUICE_TEST_LONG") == nullptr) return {{true, {}}, {false, root}};
  return {{true, {}}, {true, root}, {false, {}}, {false, root}};
}
INSTANTIATE_TEST_SUITE_P(Settings, MountFaultsOf, ::testing::ValuesIn(settings()));

/// Daemons that do what they must not, each of which must be found out.
class MountFaultsControl : public MountFaults {
 protected:
  void SetUp() override { start({true, {}}, std::chrono::milliseconds(500)); }

  [[nodiscard]] std::string complaints(std::string_view name, const std::function<void()>& arm) {
    for (const Operation& operation : fault_operations()) {
      if (operation.name == name) return run(operation, arm, Failed::leaves_nothing).complaints;
    }
    return "there is no such operation";
  }
  void expect_found(std::string_view name, const std::function<void()>& arm, std::string_view complaint) {
    const std::string found = complaints(name, arm);
    EXPECT_NE(found.find(complaint), std::string::npos) << "complained of: " << found;
  }
};

TEST_F(MountFaultsControl, ADescriptorThatIsNotClosedIsFound) {
  expect_found(
      "mkdir", [] { faults::pretend(SYS_close); }, "descriptors are open");
}

TEST_F(MountFaultsControl, ASuccessThatIsNotTrueIsFound) {
  expect_found(
      "unlink", [] { faults::pretend(SYS_unlinkat); }, "not true");
}

TEST_F(MountFaultsControl, ANameThatIsNotTakenBackIsFound) {
  constexpr int kMost = 50;
  std::string found;
  for (int nth = 1; found.empty() && nth < kMost; ++nth) {
    found = complaints("mkdir", [&] {
      faults::fail_call(nth);
      faults::pretend(SYS_unlinkat);
    });
  }
  EXPECT_NE(found.find("made nevertheless"), std::string::npos) << "complained of: " << found;
}

TEST_F(MountFaultsControl, RightsThatAThreadKeepsAreFound) {
  // Its third call, after taking them on and looking whether it has, gives them back.
  constexpr int kMost = 50;  // A thread may end, and its rights with it.
  std::string found;
  for (int i = 0; found.empty() && i < kMost; ++i)
    found = complaints("mkdir", [] { faults::pretend(SYS_setfsgid, 3); });
  EXPECT_NE(found.find("Gid:"), std::string::npos) << "complained of: " << found;
}

TEST_F(MountFaultsControl, AnInodeThatIsNotForgottenIsFound) {
  expect_found("unlink", faults::lose_forgets, "inodes");
}

}  // namespace
}  // namespace sluice::testing::faults
