#include "parity_test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "mounts.h"

namespace sluice::testing::parity {

namespace {

constexpr int kPatienceMs = 100'000;
constexpr const char* kTestDirectory = "test";

std::string read_all(const UniqueFd& file) {
  std::string all;
  std::array<char, 65536> part{};
  ssize_t got = 0;
  while ((got = ::pread(file.get(), part.data(), part.size(), static_cast<off_t>(all.size()))) > 0)
    all.append(part.data(), static_cast<std::size_t>(got));
  return all;
}

void write_all(const UniqueFd& file, const std::string& all) {
  std::size_t written = 0;
  while (written < all.size()) {
    const ssize_t count = ::write(file.get(), all.data() + written, all.size() - written);
    if (count <= 0) return;
    written += static_cast<std::size_t>(count);
  }
}

/// What the child does; its notes go to `notes`.
void run_body(FileSystem type, const Caller& caller, const ParityBody& body, const std::string& directory,
              const timespec& start, const UniqueFd& notes) {
  Outcome outcome;
  try {
    if (::chdir(directory.c_str()) != 0) throw std::runtime_error("cannot enter " + directory);
    Place place(type, caller, directory, start);
    std::string failure;
    try {
      body(place);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    outcome = place.take(std::move(failure));
  } catch (const std::exception& error) {
    outcome.failure = error.what();
  }
  write_all(notes, serialise(outcome));
}

/// Waits for the end of the child; why it did not end well, or nothing.
std::string end_of(pid_t child) {
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  pollfd ended{handle.get(), POLLIN, 0};
  const bool in_time = ::poll(&ended, 1, kPatienceMs) == 1;
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return "it did not end";
  if (WIFSIGNALED(status)) return fmt::format("killed by signal {}", WTERMSIG(status));
  return {};
}

/// One of the two places: a new directory in which a body is run.
struct Twin {
  std::string directory;
  timespec start{};
  Outcome seen;

  Twin(const Scene& scene, const std::string& parent, const Caller& caller, const ParityBody& body)
      : directory(parent + "/" + kTestDirectory), start(start_of_test()) {
    const timespec old[2] = {{1, 0},
                             {1, 0}};  // What ".." is seen to be like must not depend on earlier tests.
    if (::mkdir(directory.c_str(), 0755) != 0 || ::chown(directory.c_str(), caller.uid, caller.gid) != 0 ||
        ::utimensat(AT_FDCWD, parent.c_str(), old, 0) != 0) {
      throw std::runtime_error("cannot make " + directory);
    }
    seen = observe(scene.type(), caller, body, directory, start);
  }
  ~Twin() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;

  [[nodiscard]] Outcome tree(const std::string& seen_as) const {
    Outcome outcome;
    note_tree(seen_as, start, outcome);
    return outcome;
  }
};

/// Makes scenes, and takes them away before the process ends.
class Scenes : public ::testing::Environment {
 public:
  void SetUp() override {
    if (::geteuid() != 0) return;
    if (!enter_private_mount_namespace()) throw std::runtime_error("no mount namespace to be had");
    base_ = std::filesystem::temp_directory_path() / "sluice-parity-XXXXXX";
    if (::mkdtemp(base_.data()) == nullptr) throw std::runtime_error("cannot make " + base_);
    if (::mount("tmpfs", base_.c_str(), "tmpfs", 0, "mode=755") != 0) throw std::runtime_error("no tmpfs");
  }
  void TearDown() override {
    scenes_.clear();
    if (base_.empty()) return;
    ::umount2(base_.c_str(), MNT_DETACH);
    ::rmdir(base_.c_str());
  }
  Scene& on(FileSystem type) {
    std::unique_ptr<Scene>& scene = scenes_[type];
    if (!scene) scene = std::make_unique<Scene>(type, base_);
    return *scene;
  }

 private:
  std::string base_;
  std::map<FileSystem, std::unique_ptr<Scene>> scenes_;
};

Scenes& scenes() {
  static auto* const environment =
      static_cast<Scenes*>(::testing::AddGlobalTestEnvironment(new Scenes));  // GoogleTest deletes it.
  return *environment;
}

/// GoogleTest sets up only what it knows before it begins.
[[maybe_unused]] const Scenes& registered = scenes();

class ParityCase : public ::testing::Test {
 public:
  ParityCase(FileSystem type, const Caller& caller, ParityBody body)
      : type_(type), caller_(caller), body_(std::move(body)) {}

 private:
  void TestBody() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    const std::string found = compare(scene_on(type_), caller_, body_);
    EXPECT_TRUE(found.empty()) << found;
  }

  const FileSystem type_;
  const Caller caller_;
  const ParityBody body_;
};

}  // namespace

Outcome observe(FileSystem type, const Caller& caller, const ParityBody& body, const std::string& directory,
                const timespec& start) {
  const UniqueFd notes(::memfd_create("notes", MFD_CLOEXEC));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) run_body(type, caller, body, directory, start, notes);
    ::_exit(0);
  }
  const std::string end = end_of(child);
  Outcome outcome = parse(read_all(notes));
  if (!end.empty()) outcome.failure = end;
  return outcome;
}

std::string compare(Scene& scene, const Caller& caller, const ParityBody& body) {
  const Twin mount(scene, scene.mount().mountpoint(), caller, body);
  const Twin bare(scene, scene.bare(), caller, body);
  std::string found = differences(mount.seen, bare.seen);
  if (mount.seen.spares_tree || bare.seen.spares_tree) return found;
  const Outcome tree = bare.tree(bare.directory);
  const std::string behind = differences(mount.tree(scene.mount().source(kTestDirectory)), tree);
  if (!behind.empty()) found += "behind the mount:\n" + behind;
  return found + differences(mount.tree(mount.directory), tree);
}

Scene& scene_on(FileSystem type) {
  return scenes().on(type);
}

ParityRegistration::ParityRegistration(const char* suite, const char* name, const char* file, int line,
                                       const ParityBody& body) {
  for (const FileSystem type : {FileSystem::ext4, FileSystem::xfs, FileSystem::btrfs}) {
    for (const Caller& caller : kCallers) {
      ::testing::RegisterTest(
          fmt::format("{}/{}", name_of(type), suite).c_str(), fmt::format("{}/{}", name, caller.name).c_str(),
          nullptr, nullptr, file, line,
          [=, &caller]() -> ::testing::Test* { return new ParityCase(type, caller, body); });
    }
  }
}

}  // namespace sluice::testing::parity
