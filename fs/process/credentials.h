#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "sluice/result.h"

namespace sluicefs {

/// Who asks, as the kernel says in each request.
struct Caller {
  uid_t uid;
  gid_t gid;
  mode_t umask;
};

/// True when this process may call mount(2) itself: root, and not in a container that forbids it.
bool may_mount();
/// True when this process may act as any caller, which root's mount has to.
bool may_act_as_others();

/// Gives up, in this thread and those that it starts, every capability that a passthrough file system does
/// not need: among others CAP_SYS_RESOURCE, with which an ordinary user's write would use the blocks reserved
/// for root (see WriterScope as well). Without privileges there is nothing to give up.
sluice::Result<void> keep_needed_capabilities();

/// While it lives, the calling thread may look into the processes of all users, where the daemon may at all.
class InspectProcessesScope {
 public:
  InspectProcessesScope();
  ~InspectProcessesScope();
  InspectProcessesScope(const InspectProcessesScope&) = delete;
  InspectProcessesScope& operator=(const InspectProcessesScope&) = delete;

 private:
  bool raised_;
};

/// Gives the calling thread a umask (and working directory) of its own; without it CallerScope would set
/// everybody's.
sluice::Result<void> own_umask();
/// Takes the calling thread out of the daemon's supplementary groups: no caller is to count as a member of
/// them.
sluice::Result<void> leave_groups();

/// While it lives, what the calling thread creates belongs to the caller and is masked by the caller's umask
/// (or by the directory's default ACL, which the backing file system applies instead). The kernel has checked
/// the permissions (default_permissions), so the daemon keeps its capabilities; a daemon without any acts as
/// its own user anyway. REQUIRES: own_umask() in this thread.
class CallerScope {
 public:
  explicit CallerScope(const Caller& caller);
  ~CallerScope();
  CallerScope(const CallerScope&) = delete;
  CallerScope& operator=(const CallerScope&) = delete;

 private:
  bool switched_uid_ = false;
  bool switched_gid_ = false;
  mode_t old_umask_;
};

/// While it lives, the calling thread takes space in the source's file system as the writer does: ext4 gives
/// the blocks reserved for root to whom their fsuid says is root, whatever the capabilities
/// (ext4_has_free_clusters). Only for system calls on open files, for which no capability is needed.
class WriterScope {
 public:
  explicit WriterScope(uid_t writer);
  ~WriterScope();
  WriterScope(const WriterScope&) = delete;
  WriterScope& operator=(const WriterScope&) = delete;

 private:
  bool switched_;
};

/// While it lives, the calling thread has the credentials by which the kernel may read and write a file of
/// the source for any program (BackingFile): those that nobody's write may exceed. Without CAP_FSETID, so
/// that every write drops setuid bits and file capabilities; CAP_SYS_RESOURCE has been given up; and with an
/// fsuid that no space is kept for, on file systems that go by it. Elsewhere it stays root's, for a server
/// may ask who it is.
class PassthroughScope {
 public:
  /// `fd`: of the file.
  explicit PassthroughScope(int fd);
  ~PassthroughScope();
  PassthroughScope(const PassthroughScope&) = delete;
  PassthroughScope& operator=(const PassthroughScope&) = delete;

 private:
  const bool dropped_;
  const bool switched_;
};

/// While it lives, the calling thread is without CAP_SYS_ADMIN if the caller is; file systems show some names
/// of xattrs, or all, to nobody else.
class UntrustedScope {
 public:
  explicit UntrustedScope(const Caller& caller);
  ~UntrustedScope();
  UntrustedScope(const UntrustedScope&) = delete;
  UntrustedScope& operator=(const UntrustedScope&) = delete;

 private:
  bool dropped_;
};

/// Which of the setuid and setgid bits are on a file; both when that cannot be told. `fd`: of the file;
/// O_PATH will do.
mode_t setid_bits(int fd);

/// What a change to a file does to the setuid and setgid bits that are on it.
struct SetidDuty {
  /// The caller may not keep them: it lacks CAP_FSETID.
  bool drop = false;
  /// Who is in the group of the file keeps setgid where nobody may execute as the group
  /// (setattr_should_drop_sgid): the caller's group, and by which to look up the others.
  gid_t group = 0;
  pid_t caller = 0;
};

/// While it lives, the calling thread changes the file as somebody with that duty: the backing file system
/// then drops the bits by its own rules, if there are any (file capabilities it drops for everybody). Through
/// the mount none can be set meanwhile: the kernel holds the inode's lock for both (fuse_cache_write_iter,
/// fuse_file_fallocate, chmod_common).
class DropSetidScope {
 public:
  /// Does nothing unless `duty.drop`. `fd`: of the file; O_PATH will do.
  DropSetidScope(const SetidDuty& duty, int fd);
  ~DropSetidScope();
  DropSetidScope(const DropSetidScope&) = delete;
  DropSetidScope& operator=(const DropSetidScope&) = delete;

  /// There are bits to drop.
  [[nodiscard]] bool had_bits() const { return bits_ != 0; }

 private:
  const mode_t bits_;  // 0 when nothing is to be dropped.
  const bool dropped_;
};

}  // namespace sluicefs
