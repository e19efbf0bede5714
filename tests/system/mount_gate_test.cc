// Syncs that wait for the device hold up nobody else: the disk under the mount answers no flush
// until it is told to, and meanwhile programs do everything else with other files.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "eventually.h"
#include "mount_files.h"
#include "mount_fixture.h"
#include "test_disk.h"
#include "wire/readers.h"

namespace sluice::testing {
namespace {

// If any number of readers could be held up, there would be none for the others.
constexpr std::size_t kCallers = sluicefs::Readers::kMaxReaders;
constexpr std::size_t kBlock = 4096;

/// What a program does on the mount: one system call after another, with paths made before it was started.
/// The error number of what failed, or 0.
using Step = int (*)(const std::string& directory);

int list(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::array<char, 16384> entries{};
  long got = 1;
  while (fd.valid() && got > 0) got = ::syscall(SYS_getdents64, fd.get(), entries.data(), entries.size());
  return fd.valid() ? error_of(got) : errno;
}

int look_at(const std::string& path) {
  struct stat status {};
  return error_of(::stat(path.c_str(), &status));
}

int read_all(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kBlock> content{};
  return ::pread(fd.get(), content.data(), kBlock, 0) == static_cast<ssize_t>(kBlock) ? 0 : EIO;
}

int create(const std::string& path) {
  return error_of(UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)).get());
}

int write_block(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const std::array<char, kBlock> content{};
  return ::pwrite(fd.get(), content.data(), kBlock, 0) == static_cast<ssize_t>(kBlock) ? 0 : EIO;
}

int make_directory(const std::string& path) {
  return error_of(::mkdir(path.c_str(), 0755));
}

int remove(const std::string& path) {
  return error_of(::unlink(path.c_str()));
}

/// A program that holds a copy of the mount's own descriptor would keep the mount alive when this test is
/// killed, and wait for it for ever.
void keep_only(int channel) {
  const auto kept = static_cast<unsigned>(channel);
  if (kept > 3) ::close_range(3, kept - 1, 0);
  ::close_range(kept + 1, ~0U, 0);
}

void report(int channel) {
  const char byte = 0;
  (void)!::write(channel, &byte, 1);
}

void await_order(int channel) {
  char byte = 0;
  (void)!::read(channel, &byte, 1);
}

class MountGate : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] std::string held(std::size_t number) const { return at("held/" + std::to_string(number)); }
  [[nodiscard]] std::string at(const std::string& name) const { return mount_->at(name); }

  /// Starts a program that lives as long as the test at most.
  Child& start(const std::function<int(int channel)>& run);
  /// Starts the callers, each of which writes to a file of its own; shuts the gate; lets each of them fsync.
  void hold_callers();
  [[nodiscard]] bool any_caller_was_answered() const;
  void open_gate() { gate_.reset(); }
  [[nodiscard]] const std::vector<Child*>& callers() const { return callers_; }

 private:
  std::optional<TestDisk> disk_;
  std::optional<MountFixture> mount_;
  std::vector<std::unique_ptr<Child>> programs_;
  std::vector<Child*> callers_;
  std::optional<HeldFlushes> gate_;
};

void MountGate::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for loop devices and mounts";
  disk_.emplace();
  disk_->make_file_system(FileSystem::ext4);
  ASSERT_TRUE(disk_->mount("commit=300"));
  mount_.emplace(MountSetup{.parent = disk_->directory()});
  for (const char* directory : {"held", "other"}) {
    ASSERT_EQ(::mkdir(at(directory).c_str(), 0755), 0);
    // So that the blocks that a new name and a new inode need are in memory: what asks the device waits
    // behind the flush in the loop driver, with and without a mount of ours.
    make_file(at(directory + std::string("/old")), std::string(kBlock, 'o'));
  }
  for (std::size_t i = 0; i < kCallers; ++i) make_file(held(i), std::string(kBlock, 'o'));
  const UniqueFd source = open_file(mount_->source("."), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::syncfs(source.get()), 0);
}

// First of all the gate: programs that wait for the disk cannot be killed, and the mount syncs when it ends.
void MountGate::TearDown() {
  gate_.reset();
  programs_.clear();
  mount_.reset();
  disk_.reset();
}

Child& MountGate::start(const std::function<int(int channel)>& run) {
  programs_.push_back(std::make_unique<Child>([&](int channel) {
    keep_only(channel);
    return run(channel);
  }));
  return *programs_.back();
}

void MountGate::hold_callers() {
  for (std::size_t i = 0; i < kCallers; ++i) {
    callers_.push_back(&start([path = held(i)](int channel) {
      const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (const int error = write_block(path); error != 0) return error;
      report(channel);
      await_order(channel);
      const int error = error_of(::fsync(fd.get()));
      report(channel);
      return error;
    }));
  }
  for (Child* caller : callers_) ASSERT_TRUE(caller->ready());
  const SyncCounts before = mount_->counts();
  gate_.emplace(*disk_);
  for (Child* caller : callers_) caller->proceed();
  ASSERT_TRUE(eventually([&] { return mount_->counts().barriers - before.barriers == kCallers; }));
  ASSERT_TRUE(eventually([&] { return disk_->counts().held_flushes == 1; }));
  EXPECT_EQ(mount_->counts().elided, before.elided);
}

bool MountGate::any_caller_was_answered() const {
  return std::any_of(callers_.begin(), callers_.end(),
                     [](const Child* caller) { return caller->has_reported(); });
}

TEST_F(MountGate, Contract_E5_HeldSyncsHoldUpNoOtherFile) {
  const std::vector<std::pair<Step, std::string>> steps{{list, at(".")},
                                                        {list, at("other")},
                                                        {list, at("held")},
                                                        {look_at, at("other/old")},
                                                        {look_at, at("held/old")},
                                                        {read_all, at("other/old")},
                                                        {create, at("other/new")},
                                                        {create, at("held/new")},
                                                        {write_block, at("other/new")},
                                                        {write_block, at("other/old")},
                                                        {write_block, at("held/new")},
                                                        {make_directory, at("other/directory")},
                                                        {remove, at("other/old")}};
  ASSERT_NO_FATAL_FAILURE(hold_callers());
  Child& visitor = start([&](int channel) {
    for (const auto& [step, path] : steps) {
      if (const int error = step(path); error != 0) return error;
      report(channel);
    }
    return 0;
  });
  for (const auto& [step, path] : steps) ASSERT_TRUE(visitor.ready()) << "the step with " << path;
  EXPECT_EQ(visitor.wait(), 0);
  EXPECT_FALSE(any_caller_was_answered());
  open_gate();
  for (Child* caller : callers()) {
    EXPECT_TRUE(caller->ready());
    EXPECT_EQ(caller->wait(), 0);
  }
}

// The control: the kernel itself keeps writers of a file that is being synced waiting, and that shows.
TEST_F(MountGate, AWriterOfAHeldFileIsSeenToWait) {
  ASSERT_NO_FATAL_FAILURE(hold_callers());
  Child& writer = start([path = held(0)](int channel) {
    report(channel);
    const int error = write_block(path);
    report(channel);
    return error;
  });
  Child& visitor = start([path = at("other/old")](int channel) {
    const int error = write_block(path);
    report(channel);
    return error;
  });
  ASSERT_TRUE(writer.ready());
  EXPECT_TRUE(visitor.ready());
  EXPECT_FALSE(writer.has_reported());
  open_gate();
  EXPECT_TRUE(writer.ready());
  EXPECT_EQ(writer.wait(), 0);
}

}  // namespace
}  // namespace sluice::testing
