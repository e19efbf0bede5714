#include "credentials.h"

#include <sched.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <span>

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
  if (::syscall(SYS_setgroups, 0, nullptr) != 0) return fail_last();
  return {};
}

CallerScope::CallerScope(const Caller& caller) : old_umask_(::umask(caller.umask)) {
  if (::geteuid() != 0) return;
  if (caller.gid != 0) {
    set_fsgid(caller.gid);
    switched_gid_ = true;
  }
  if (caller.uid != 0) {
    set_fsuid(caller.uid);  // Takes the file system capabilities away, capabilities(7).
    switched_uid_ = true;
    set_effective(kNeeded, CAP_SET);
  }
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

DropSetidScope::DropSetidScope(const SetidDuty& duty) : dropped_(duty.drop && ::geteuid() == 0) {
  constexpr cap_value_t kFsetid = CAP_FSETID;
  if (!dropped_) return;
  set_effective({&kFsetid, 1}, CAP_CLEAR);
  set_fsgid(duty.group);
}

DropSetidScope::~DropSetidScope() {
  constexpr cap_value_t kFsetid = CAP_FSETID;
  if (!dropped_) return;
  set_fsgid(0);
  set_effective({&kFsetid, 1}, CAP_SET);
}

}  // namespace sluicefs
