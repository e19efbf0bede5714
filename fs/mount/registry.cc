#include "mount/registry.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace sluicefs {

using sluice::Errno;
using sluice::Result;
using sluice::UniqueFd;

namespace {

constexpr std::string_view kPrefix = "mount-";

tl::unexpected<Refusal> unusable(const std::string& directory, const std::string& why) {
  return tl::unexpected(
      Refusal{{ExitCode::internal,
               fmt::format("cannot use {}, where running mounts are listed: {}", directory, why)}});
}

/// Makes the directory if need be, and refuses one that somebody else could write to.
tl::expected<void, Refusal> prepare_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return unusable(directory, Errno::last().message());
  }
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat found {};
  if (!fd.valid() || ::fstat(fd.get(), &found) != 0) return unusable(directory, Errno::last().message());
  if (found.st_uid != ::geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return unusable(directory, "it is not yours alone; remove it");
  }
  return {};
}

/// Held while the directory is looked through and added to.
Result<UniqueFd> lock_directory(const std::string& directory) {
  UniqueFd lock(::open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock.valid()) return sluice::fail_last();
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return sluice::fail_last();
  }
  return lock;
}

Result<Claim> write_entry(const std::string& directory, const RegistryEntry& entry) {
  std::string file = fmt::format("{}/{}XXXXXX", directory, kPrefix);
  UniqueFd fd(::mkostemp(file.data(), O_CLOEXEC));
  if (!fd.valid()) return sluice::fail_last();
  const std::string text = format_entry(entry);
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size()) || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    const Errno error =
        written >= 0 && written < static_cast<ssize_t>(text.size()) ? Errno(ENOSPC) : Errno::last();
    ::unlink(file.c_str());
    return sluice::fail(error);
  }
  return Claim(std::move(file), std::move(fd));
}

/// The entry in `file` when its daemon lives; the file of a dead one is removed.
std::optional<RegistryEntry> living_entry(const std::string& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  if (::flock(fd.get(), LOCK_SH | LOCK_NB) == 0) {
    ::unlink(file.c_str());
    return std::nullopt;
  }
  const Result<std::string> text = read_proc_file(file);
  return text ? parse_entry(*text) : std::nullopt;
}

/// REQUIRES: the directory is locked; else an entry that is being made would count as a dead one.
std::vector<RegistryEntry> living_entries(const std::string& directory) {
  std::vector<RegistryEntry> entries;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(directory, ignored)) {
    if (!file.path().filename().string().starts_with(kPrefix)) continue;
    if (auto entry = living_entry(file.path().string())) entries.push_back(std::move(*entry));
  }
  return entries;
}

bool is_mounted(const RegistryEntry& entry, const std::vector<MountEntry>& mounts) {
  return std::any_of(mounts.begin(), mounts.end(), [&](const MountEntry& mount) {
    return mount.mountpoint == entry.mountpoint && mount.type == kFileSystemType;
  });
}

std::string relation(const SourcePlace& source, const RegistryEntry& other, Overlap overlap) {
  if (overlap == Overlap::same) return source.path;
  return fmt::format("{} {} {}, which", source.path, overlap == Overlap::inside ? "lies in" : "contains",
                     other.source.path);
}

tl::unexpected<Refusal> refused(const SourcePlace& source, const RegistryEntry& other, Overlap overlap,
                                bool mounted) {
  const std::string what = relation(source, other, overlap);
  Refusal refusal{{ExitCode::already_mounted, {}}, !mounted};
  refusal.error.message =
      mounted ? fmt::format("{} is served by the sluicefs on {} (pid {}) already; a tree takes one sluicefs",
                            what, other.mountpoint, other.pid)
              : fmt::format(
                    "{} is served by a sluicefs (pid {}) that is not mounted on {} here, so it is ending "
                    "or in another mount namespace; try again when it has ended",
                    what, other.pid, other.mountpoint);
  return tl::unexpected(std::move(refusal));
}

/// A source that is opened through the mount of another sluicefs has none of its source's identities.
tl::expected<void, Refusal> check_not_on_sluicefs(const SourcePlace& source,
                                                  const std::vector<MountEntry>& mounts) {
  const MountEntry* const mount = find_mount(mounts, source.mount_id);
  if (mount == nullptr || mount->type != kFileSystemType) return {};
  return tl::unexpected(
      Refusal{{ExitCode::already_mounted,
               fmt::format("{} is in the sluicefs on {}, which serves {}; a tree takes one sluicefs",
                           source.path, mount->mountpoint, mount->source)}});
}

}  // namespace

std::string format_entry(const RegistryEntry& entry) {
  const SourcePlace& source = entry.source;
  std::string text =
      fmt::format("pid {}\nmountpoint {}\nsource {}\nplace {}:{} {}\n", entry.pid,
                  encode_octal(entry.mountpoint), encode_octal(source.path), major(source.file_system),
                  minor(source.file_system), encode_octal(source.path_in_file_system));
  for (const DirectoryId& id : source.lineage) text += fmt::format("lineage {} {}\n", id.device, id.inode);
  return text;
}

std::optional<RegistryEntry> parse_entry(std::string_view text) {
  RegistryEntry entry;
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string key;
    std::string path;
    words >> key;
    if (key == "pid") words >> entry.pid;
    if (key == "mountpoint" && words >> path) entry.mountpoint = decode_octal(path);
    if (key == "source" && words >> path) entry.source.path = decode_octal(path);
    if (key == "place") {
      unsigned major_number = 0;
      unsigned minor_number = 0;
      char colon = 0;
      if (words >> major_number >> colon >> minor_number) {
        entry.source.file_system = makedev(major_number, minor_number);
      }
      if (words >> path) entry.source.path_in_file_system = decode_octal(path);
    }
    if (DirectoryId id; key == "lineage" && words >> id.device >> id.inode)
      entry.source.lineage.push_back(id);
  }
  if (entry.pid <= 0 || entry.source.lineage.empty()) return std::nullopt;
  return entry;
}

Claim::~Claim() {
  if (held_.valid()) ::unlink(file_.c_str());
}

tl::expected<Claim, Refusal> Registry::claim(const SourcePlace& source, const std::string& mountpoint,
                                             const std::vector<MountEntry>& mounts) const {
  if (auto apart = check_not_on_sluicefs(source, mounts); !apart)
    return tl::unexpected(std::move(apart.error()));
  if (auto ready = prepare_directory(directory_); !ready) return tl::unexpected(std::move(ready.error()));
  const Result<UniqueFd> lock = lock_directory(directory_);
  if (!lock) return unusable(directory_, lock.error().message());
  for (const RegistryEntry& other : living_entries(directory_)) {
    const Overlap overlap = overlap_of(source, other.source);
    if (overlap != Overlap::none) return refused(source, other, overlap, is_mounted(other, mounts));
  }
  Result<Claim> claim = write_entry(directory_, {::getpid(), mountpoint, source});
  if (!claim) return unusable(directory_, claim.error().message());
  return std::move(*claim);
}

std::string Registry::default_directory() {
  const uid_t user = ::geteuid();
  if (user == 0) return "/run/sluicefs";
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') return std::string(runtime) + "/sluicefs";
  return fmt::format("/tmp/sluicefs-{}", user);
}

}  // namespace sluicefs
