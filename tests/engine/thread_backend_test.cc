#include "thread_backend.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <csignal>
#include <map>
#include <set>

#include "sluice/mutex.h"
#include "syscall_filter.h"

namespace sluice::testing {
namespace {

constexpr unsigned kSyncs = 8;
constexpr std::chrono::seconds kPatience{20};

/// Stands for fsync(2): counts who is in it and lets nobody out before it is opened.
class SyncGate {
 public:
  int sync(int fd) {
    const MutexLock lock(mutex_);
    ++inside_;
    entered_.push_back(fd);
    threads_.insert(std::this_thread::get_id());
    changed_.notify_all();
    while (!open_) changed_.wait(mutex_);
    --inside_;
    return 0;
  }
  void open() {
    const MutexLock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool wait_for_inside(std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    const MutexLock lock(mutex_);
    while (inside_ < count) {
      if (!changed_.wait_until(mutex_, until)) return false;
    }
    return true;
  }
  [[nodiscard]] std::vector<int> entered() const {
    const MutexLock lock(mutex_);
    return entered_;
  }
  [[nodiscard]] std::size_t threads() const {
    const MutexLock lock(mutex_);
    return threads_.size();
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::size_t inside_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::vector<int> entered_ SLUICE_GUARDED_BY(mutex_);
  std::set<std::thread::id> threads_ SLUICE_GUARDED_BY(mutex_);
  bool open_ SLUICE_GUARDED_BY(mutex_) = false;
};

std::unique_ptr<ThreadBackend> make(ThreadBackend::SyncCall sync_call) {
  return std::move(*ThreadBackend::create(kSyncs, std::move(sync_call)));
}

std::unique_ptr<ThreadBackend> make_gated(SyncGate& gate) {
  return make([&gate](int fd, SyncKind) { return gate.sync(fd); });
}

std::vector<IoCompletion> collect(ThreadBackend& backend, std::size_t count) {
  std::vector<IoCompletion> completions;
  while (completions.size() < count) backend.wait(completions);
  return completions;
}

/// How a sync ends whose fsync(2) returns `error`.
IoCompletion completion_after(int error) {
  const auto backend = make([error](int, SyncKind) { return error; });
  backend->submit_sync(IoToken(1), 0, SyncKind::full);
  return collect(*backend, 1).front();
}

TEST(ThreadBackendTest, AsManySyncsAsTheLimitRunAtOnce) {
  SyncGate gate;
  const auto backend = make_gated(gate);
  for (unsigned i = 0; i < kSyncs; ++i) backend->submit_sync(IoToken(i), static_cast<int>(i), SyncKind::full);
  EXPECT_TRUE(gate.wait_for_inside(kSyncs));
  gate.open();
  EXPECT_EQ(collect(*backend, kSyncs).size(), kSyncs);
}

TEST(ThreadBackendTest, IdleThreadIsUsedAgain) {
  SyncGate gate;
  gate.open();
  const auto backend = make_gated(gate);
  for (unsigned i = 0; i < 20; ++i) {
    backend->submit_sync(IoToken(i), 0, SyncKind::full);
    collect(*backend, 1);
  }
  EXPECT_EQ(gate.threads(), 1U);
}

TEST(ThreadBackendTest, WithoutFurtherThreadsTheFirstServesAll) {
  SyncGate gate;
  const auto backend = make_gated(gate);
  ASSERT_TRUE(run_without_syscalls({SYS_clone, SYS_clone3}, EAGAIN, [&] {
    for (unsigned i = 0; i < kSyncs; ++i) backend->submit_sync(IoToken(i), 0, SyncKind::full);
    gate.open();
    EXPECT_EQ(collect(*backend, kSyncs).size(), kSyncs);
  }));
  EXPECT_EQ(gate.threads(), 1U);
}

TEST(ThreadBackendTest, SyncsBeginInTheOrderOfSubmission) {
  SyncGate gate;
  const auto backend = make_gated(gate);
  ASSERT_TRUE(run_without_syscalls({SYS_clone, SYS_clone3}, EAGAIN, [&] {
    for (int i = 0; i < 5; ++i) backend->submit_sync(IoToken(0), i, SyncKind::full);
    gate.open();
    collect(*backend, 5);
  }));
  EXPECT_EQ(gate.entered(), (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(ThreadBackendTest, KindReachesTheCall) {
  Mutex mutex;
  std::map<int, SyncKind> kinds;
  const auto backend = make([&](int fd, SyncKind kind) {
    const MutexLock lock(mutex);
    kinds[fd] = kind;
    return 0;
  });
  backend->submit_sync(IoToken(1), 10, SyncKind::data);
  backend->submit_sync(IoToken(2), 20, SyncKind::full);
  collect(*backend, 2);
  EXPECT_EQ(kinds[10], SyncKind::data);
  EXPECT_EQ(kinds[20], SyncKind::full);
}

TEST(ThreadBackendTest, EveryErrnoThatFsyncReturnedIsAFailure) {
  for (const int error : {EIO, ENOSPC, EDQUOT, EROFS, EAGAIN, ENOMEM, ECANCELED, ETIMEDOUT}) {
    const IoCompletion completion = completion_after(error);
    EXPECT_EQ(completion.outcome, IoOutcome::failed) << error;
    EXPECT_EQ(completion.error, Errno(error));
  }
}

TEST(ThreadBackendTest, InterruptedSyncNeverRan) {
  EXPECT_EQ(completion_after(EINTR).outcome, IoOutcome::never_ran);
}

TEST(ThreadBackendTest, SyncThatTheKernelWouldRestartNeverRan) {
  constexpr int kErestartsys = 512;
  EXPECT_EQ(completion_after(kErestartsys).outcome, IoOutcome::never_ran);
}

TEST(ThreadBackendTest, EnosysLeavesAsEio) {
  const IoCompletion completion = completion_after(ENOSYS);
  EXPECT_EQ(completion.outcome, IoOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EIO));
}

TEST(ThreadBackendTest, SignalsOfTheProgramAreNotForItsThreads) {
  std::atomic<int> unblocked{0};
  const auto backend = make([&](int, SyncKind) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGALRM}) {
      if (sigismember(&blocked, signal) == 0) unblocked.fetch_add(1);
    }
    return 0;
  });
  backend->submit_sync(IoToken(1), 0, SyncKind::full);
  collect(*backend, 1);
  EXPECT_EQ(unblocked.load(), 0);
}

TEST(ThreadBackendTest, MakerKeepsItsSignalMask) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  const auto backend = make([](int, SyncKind) { return 0; });
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

}  // namespace
}  // namespace sluice::testing
