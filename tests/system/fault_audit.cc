#include "fault_audit.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "system_call_faults.h"

namespace sluice::testing::faults {

namespace {

std::size_t open_descriptors() {
  std::size_t count = 0;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd");
  for (auto entry = begin(descriptors); entry != end(descriptors); ++entry) ++count;
  return count;
}

/// What a thread that serves requests may have of others' rights: nothing. Empty when it has ended.
std::string strange_rights(pid_t thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/status";
  std::ifstream status(path);
  std::string strange;
  for (std::string line; std::getline(status, line);) {
    const bool odd_ids =
        (line.starts_with("Uid:") || line.starts_with("Gid:")) && line.substr(4) != "\t0\t0\t0\t0";
    const bool odd_groups =
        line.starts_with("Groups:") && line.find_first_of("0123456789") != std::string::npos;
    const bool odd_mask = line.starts_with("Umask:") && line != "Umask:\t0000";
    // CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, SETGID, SETUID, SYS_ADMIN, MKNOD, SETFCAP.
    const bool odd_capabilities = line.starts_with("CapEff:") && line != "CapEff:\t00000000882000df";
    if (odd_ids || odd_groups || odd_mask || odd_capabilities) strange += line + "; ";
  }
  return strange;
}

/// A program that makes everything there durable, and something new; a mutation that never ended lets it wait
/// for ever. An error of an inode that has lost something is an answer.
int use_everything(int directory, int channel) {
  const int made = ::openat(directory, "made by the audit", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) return 1;
  if (::write(made, "x", 1) != 1 || ::fsync(made) != 0 || ::fdatasync(made) != 0) return 2;
  if (::unlinkat(directory, "made by the audit", 0) != 0) return 3;
  for (const char* const name : {"f", "g", "n", "d", "d2", "setid"}) {
    const int fd = ::openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) ::fsync(fd);
  }
  if (::fsync(directory) != 0) return 4;
  const char byte = 0;
  return ::write(channel, &byte, 1) == 1 ? 0 : 5;
}

}  // namespace

void FaultAudit::remember() {
  descriptors_ = open_descriptors();
}

std::string FaultAudit::findings(const Place& place) const {
  std::string found = what_does_not_work(place);
  std::error_code error;
  std::filesystem::remove_all(place.mount, error);
  if (error) found += "what it left cannot be removed: " + error.message() + "; ";
  // FORGET and RELEASE come when the kernel likes.
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  std::string left = what_is_left();
  while (!left.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    left = what_is_left();
  }
  return found + left;
}

std::string FaultAudit::what_does_not_work(const Place& place) const {
  const UniqueFd directory(::open(place.mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return std::string("cannot open its directory: ") + std::strerror(errno) + "; ";
  Child user([&](int channel) { return use_everything(directory.get(), channel); });
  if (!user.ready()) return "the mount does not work any more: step " + std::to_string(user.wait()) + "; ";
  user.wait();
  return {};
}

std::string FaultAudit::what_is_left() const {
  std::ostringstream left;
  const sluicefs::TableSizes sizes = mount_.mount().table_sizes();
  if (sizes != sluicefs::TableSizes{1, 0, 0}) {
    left << sizes.nodes << " inodes, " << sizes.files << " files and " << sizes.directories
         << " directories are known; ";
  }
  const std::size_t descriptors = open_descriptors();
  if (descriptors != descriptors_)
    left << descriptors << " descriptors are open, not " << descriptors_ << "; ";
  for (const pid_t thread : faults::serving_threads()) left << strange_rights(thread);
  return left.str();
}

}  // namespace sluice::testing::faults
