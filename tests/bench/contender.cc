#include "contender.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <thread>

#include "file_calls.h"

namespace sluice::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr seconds kPatience{30};
constexpr milliseconds kBetweenLooks{2};

/// Whether another file system begins at `point`.
bool is_mounted(const std::filesystem::path& point) {
  struct stat here {};
  struct stat above {};
  return ::stat(point.c_str(), &here) == 0 && ::stat(point.parent_path().c_str(), &above) == 0 &&
         here.st_dev != above.st_dev;
}

std::string replaced(std::string word, const std::string& what, const std::string& by) {
  if (const std::size_t at = word.find(what); at != std::string::npos) word.replace(at, what.size(), by);
  return word;
}

}  // namespace

MountedContender::MountedContender(const Contender& contender, std::filesystem::path source,
                                   std::filesystem::path mount, const Interrupt& interrupt)
    : contender_(contender), source_(std::move(source)), mount_(std::move(mount)), interrupt_(interrupt) {
  std::filesystem::create_directories(source_);
  if (contender_.mount_command.empty()) return;
  std::filesystem::create_directories(mount_);
  try {
    this->mount();
  } catch (...) {
    (void)::umount2(mount_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    throw;
  }
}

void MountedContender::mount() {
  std::vector<std::string> words;
  for (const std::string& word : contender_.mount_command) {
    words.push_back(replaced(replaced(word, "{source}", source_), "{mount}", mount_));
  }
  said_ = make_memory_file();
  server_.emplace(ChildProcess::start(words, {}, said_, said_));
  const auto deadline = Clock::now() + kPatience;
  while (!is_mounted(mount_)) {
    interrupt_.check();
    if (server_->has_ended() || Clock::now() > deadline) {
      throw std::runtime_error(contender_.name + " does not mount: " + content_of(said_));
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::optional<pid_t> MountedContender::server() const {
  return server_ ? std::optional(server_->pid()) : std::nullopt;
}

void MountedContender::unmount() {
  if (!server_) return;
  const auto deadline = Clock::now() + kPatience;
  while (::umount2(mount_.c_str(), UMOUNT_NOFOLLOW) != 0) {
    if (errno != EBUSY || Clock::now() > deadline) throw_errno("umount of " + contender_.name);
    std::this_thread::sleep_for(kBetweenLooks);
  }
  const std::optional<int> status = server_->wait(kPatience, &interrupt_);
  if (!status) throw std::runtime_error(contender_.name + " does not end");
  server_.reset();
  if (*status != 0) {
    throw std::runtime_error(contender_.name + " ended with " + std::to_string(*status) + ": " +
                             content_of(said_));
  }
}

void MountedContender::mount_anew() {
  if (!server_) return;
  unmount();
  mount();
}

MountedContender::~MountedContender() {
  if (!server_) return;
  (void)::umount2(mount_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  server_->signal(SIGTERM);
  try {
    (void)server_->wait(kPatience);
  } catch (const std::system_error&) {
  }
}

}  // namespace sluice::bench
