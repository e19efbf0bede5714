#include "process/credentials.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "sluice/check.h"

namespace sluicefs {

using sluice::fail_last;
using sluice::Result;

namespace {

constexpr std::array kNeeded = {
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID,
    CAP_MKNOD, CAP_SETFCAP,      CAP_SETGID,          CAP_SETUID, CAP_SYS_ADMIN,
};

/// Permitted, and effective only in an InspectProcessesScope: root alone may not look into a process that has
/// a capability which we gave up (cap_ptrace_access_check).
constexpr cap_value_t kInspect = CAP_SYS_PTRACE;

struct FreeCaps {
  void operator()(cap_t caps) const { ::cap_free(caps); }
};
using Caps = std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCaps>;

bool has(const Caps& caps, cap_value_t capability, cap_flag_t set) {
  cap_flag_value_t value = CAP_CLEAR;
  return caps && ::cap_get_flag(caps.get(), capability, set, &value) == 0 && value == CAP_SET;
}

/// Of a task, which may be one of several threads; empty when nobody may know, which drops more bits.
std::vector<gid_t> supplementary_groups(pid_t task) {
  std::vector<gid_t> groups;
  std::ifstream status("/proc/" + std::to_string(task) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (!line.starts_with("Groups:")) continue;
    std::istringstream numbers(line.substr(line.find(':') + 1));
    for (gid_t group = 0; numbers >> group;) groups.push_back(group);
    break;
  }
  return groups;
}

/// Adjusts the effective set of the calling thread, as far as that is permitted: a container may have taken
/// some away.
void set_effective(std::span<const cap_value_t> values, cap_flag_value_t to) {
  const Caps caps(::cap_get_proc());
  SLUICE_CHECK(caps != nullptr);
  for (const cap_value_t value : values) {
    if (!has(caps, value, CAP_PERMITTED)) continue;
    SLUICE_CHECK(::cap_set_flag(caps.get(), CAP_EFFECTIVE, 1, &value, to) == 0);
  }
  SLUICE_CHECK(::cap_set_proc(caps.get()) == 0);
}

// glibc's wrappers would change every thread; the system calls change the calling one.
void set_fsuid(uid_t uid) {
  ::syscall(SYS_setfsuid, uid);
}
void set_fsgid(gid_t gid) {
  ::syscall(SYS_setfsgid, gid);
}
bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

/// They do not say that they failed. What is made as somebody must never be root's, with the mode of a setuid
/// program perhaps.
void become(uid_t uid, gid_t gid) {
  constexpr uid_t kNone = static_cast<uid_t>(-1);  // Changes nothing; the old one is returned.
  set_fsgid(gid);
  SLUICE_CHECK(static_cast<gid_t>(::syscall(SYS_setfsgid, kNone)) == gid);
  set_fsuid(uid);
  SLUICE_CHECK(static_cast<uid_t>(::syscall(SYS_setfsuid, kNone)) == uid);
}

}  // namespace

Result<void> keep_needed_capabilities() {
  const Caps now(::cap_get_proc());
  if (!has(now, CAP_SETUID, CAP_PERMITTED)) return {};
  const Caps caps(::cap_init());
  if (!caps) return fail_last();
  const auto keep = [&](cap_value_t capability, cap_flag_t set) {
    return !has(now, capability, CAP_PERMITTED) ||
           ::cap_set_flag(caps.get(), set, 1, &capability, CAP_SET) == 0;
  };
  for (const cap_value_t needed : kNeeded) {
    if (!keep(needed, CAP_PERMITTED) || !keep(needed, CAP_EFFECTIVE)) return fail_last();
  }
  if (!keep(kInspect, CAP_PERMITTED) || ::cap_set_proc(caps.get()) != 0) return fail_last();
  return {};
}

bool may_mount() {
  return ::geteuid() == 0 && has(Caps(::cap_get_proc()), CAP_SYS_ADMIN, CAP_EFFECTIVE);
}

bool may_act_as_others() {
  const Caps now(::cap_get_proc());
  return has(now, CAP_SETUID, CAP_EFFECTIVE) && has(now, CAP_SETGID, CAP_EFFECTIVE);
}

InspectProcessesScope::InspectProcessesScope()
    : raised_(!has(Caps(::cap_get_proc()), kInspect, CAP_EFFECTIVE)) {
  if (raised_) set_effective({&kInspect, 1}, CAP_SET);
}

InspectProcessesScope::~InspectProcessesScope() {
  if (raised_) set_effective({&kInspect, 1}, CAP_CLEAR);
}

Result<void> own_umask() {
  if (::unshare(CLONE_FS) != 0) return fail_last();
  ::umask(0);
  return {};
}

Result<void> leave_groups() {
  if (!set_groups({})) return fail_last();
  return {};
}

CallerScope::CallerScope(const Caller& caller) : old_umask_(::umask(caller.umask)) {
  if (::geteuid() != 0) return;
  if (caller.uid == 0 && caller.gid == 0) return;
  become(caller.uid, caller.gid);
  switched_gid_ = caller.gid != 0;
  switched_uid_ = caller.uid != 0;
  // Another uid takes the file system capabilities away, capabilities(7).
  if (switched_uid_) set_effective(kNeeded, CAP_SET);
}

CallerScope::~CallerScope() {
  if (switched_uid_) set_fsuid(0);
  if (switched_gid_) set_fsgid(0);
  ::umask(old_umask_);
}

WriterScope::WriterScope(uid_t writer) : switched_(writer != 0 && ::geteuid() == 0) {
  if (switched_) set_fsuid(writer);
}

WriterScope::~WriterScope() {
  if (switched_) set_fsuid(0);  // Gives the file system capabilities back, capabilities(7).
}

namespace {

constexpr uid_t kNobody = 65534;

/// ext2, ext3, ext4 and f2fs (ext4_has_free_clusters, __allow_reserved_blocks).
bool keeps_space_by_uid(int fd) {
  constexpr long kF2fsMagic = 0xF2F52010;  // F2FS_SUPER_MAGIC
  struct statfs found {};
  if (::fstatfs(fd, &found) != 0) return false;
  return found.f_type == EXT4_SUPER_MAGIC || found.f_type == kF2fsMagic;
}

}  // namespace

PassthroughScope::PassthroughScope(int fd)
    : dropped_(::geteuid() == 0), switched_(dropped_ && keeps_space_by_uid(fd)) {
  constexpr cap_value_t kFsetid = CAP_FSETID;
  if (dropped_) set_effective({&kFsetid, 1}, CAP_CLEAR);
  if (switched_) set_fsuid(kNobody);
}

PassthroughScope::~PassthroughScope() {
  constexpr cap_value_t kFsetid = CAP_FSETID;
  if (switched_) set_fsuid(0);  // Gives the file system capabilities back, capabilities(7).
  if (dropped_) set_effective({&kFsetid, 1}, CAP_SET);
}

UntrustedScope::UntrustedScope(const Caller& caller) : dropped_(caller.uid != 0 && ::geteuid() == 0) {
  constexpr cap_value_t kAdmin = CAP_SYS_ADMIN;
  if (dropped_) set_effective({&kAdmin, 1}, CAP_CLEAR);
}

UntrustedScope::~UntrustedScope() {
  constexpr cap_value_t kAdmin = CAP_SYS_ADMIN;
  if (dropped_) set_effective({&kAdmin, 1}, CAP_SET);
}

mode_t setid_bits(int fd) {
  // Not fstat(2), which asks for time stamps as well: after that the next write has one of its own, and
  // fsync(2) a journal to commit for it (multigrain timestamps).
  constexpr mode_t kBits = S_ISUID | S_ISGID;
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MODE, &status) != 0) return kBits;
  return status.stx_mode & kBits;
}

DropSetidScope::DropSetidScope(const SetidDuty& duty, int fd)
    : bits_(duty.drop ? setid_bits(fd) : 0), dropped_(had_bits() && ::geteuid() == 0) {
  constexpr cap_value_t kFsetid = CAP_FSETID;
  if (!dropped_) return;
  if ((bits_ & S_ISGID) != 0) set_groups(supplementary_groups(duty.caller));
  set_effective({&kFsetid, 1}, CAP_CLEAR);
  set_fsgid(duty.group);
}

DropSetidScope::~DropSetidScope() {
  constexpr cap_value_t kFsetid = CAP_FSETID;
  if (!dropped_) return;
  set_fsgid(0);
  set_effective({&kFsetid, 1}, CAP_SET);
  if ((bits_ & S_ISGID) != 0) set_groups({});
}

}  // namespace sluicefs
