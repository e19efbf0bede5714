#pragma once

#include <cstdint>
#include <memory>

#include "sluice/result.h"

namespace sluicefs {

class Session;

/// A file of the source that the kernel passes opens of one of our inodes through to. The kernel opens it
/// anew for each of them, with the flags of that open (fuse_passthrough_open), so how the descriptor was
/// opened by which it is made known does not matter: only the file does, and the credentials of the thread,
/// as which all data is read and written then. It opens by these too, and asks for no permission.
///
/// While several opens of an inode overlap, the kernel wants the same one for all (EBUSY in
/// fuse_inode_uncached_io_start, told as EIO). Thread-safe. Must not outlive the session.
class BackingFile {
 public:
  /// EPERM: no passthrough was agreed on, or the thread lacks CAP_SYS_ADMIN. ELOOP: the file is on a file
  /// system that is itself stacked on another.
  static sluice::Result<std::shared_ptr<const BackingFile>> make(const Session& session, int fd);
  /// Takes the number back. The kernel keeps the file for as long as somebody has it open or mapped.
  ~BackingFile();
  BackingFile(const BackingFile&) = delete;
  BackingFile& operator=(const BackingFile&) = delete;

  /// For Reply::opened() and created(); more than 0.
  [[nodiscard]] std::int32_t id() const { return id_; }

 private:
  BackingFile(const Session& session, std::int32_t id) : session_(session), id_(id) {}

  const Session& session_;
  const std::int32_t id_;
};

}  // namespace sluicefs
