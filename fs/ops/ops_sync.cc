#include "ops/ops_sync.h"

#include <fcntl.h>

#include <memory>
#include <utility>

#include "ops/open_file.h"
#include "wire/readers.h"

namespace sluicefs::ops {

using sluice::Errno;
using sluice::Result;
using sluice::SyncCallback;
using sluice::SyncKind;
using sluice::SyncOrder;

namespace {

/// Answers the kernel. A program whose fsync is interrupted by a signal is still answered: a sync is never
/// abandoned.
class SyncReply : public SyncCallback {
 public:
  explicit SyncReply(Reply reply) : reply_(std::move(reply)) {}
  void sync_done(Result<void> result) noexcept override { reply_.result(result); }

 private:
  Reply reply_;
};

/// The same for a write that is to be durable when it is answered.
class WrittenReply : public SyncCallback {
 public:
  WrittenReply(std::size_t written, Reply reply) : written_(written), reply_(std::move(reply)) {}
  void sync_done(Result<void> result) noexcept override {
    if (result) {
      reply_.written(written_);
    } else {
      reply_.error(result.error());
    }
  }

 private:
  const std::size_t written_;
  Reply reply_;
};

void sync(Core& core, const Node& node, sluice::SharedFd fd, SyncKind kind,
          std::unique_ptr<SyncCallback> callback) {
  const Readers::Wait wait(*core.readers, Readers::WaitFor::sync);
  SyncOrder order;
  order.file = node.key();
  order.kind = kind;
  order.when_full = sluice::WhenFull::wait;  // Whoever calls fsync waits in any case.
  order.may_sync_here = wait.allowed();
  order.descriptor = std::move(fd);
  order.callback = std::move(callback);
  const Result<void> queued = core.engine.submit_detached(std::move(order));
  if (!queued) order.callback->sync_done(queued);  // The order is untouched then.
}

/// The callback is told the error when there is no such handle.
void sync_file(Core& core, std::uint64_t handle, SyncKind kind, std::unique_ptr<SyncCallback> callback) {
  const Result<std::shared_ptr<OpenFile>> file = open_file(core, handle);
  if (file) {
    sync(core, *(*file)->node, (*file)->fd, kind, std::move(callback));
  } else {
    callback->sync_done(sluice::fail(file.error()));
  }
}

/// REQUIRES: `flags` hold O_DSYNC, which is a part of O_SYNC.
SyncKind kind_of(int flags) {
  return (flags & O_SYNC) == O_SYNC ? SyncKind::full : SyncKind::data;
}

}  // namespace

void sync_file(Core& core, std::uint64_t handle, SyncKind kind, Reply reply) {
  sync_file(core, handle, kind, std::make_unique<SyncReply>(std::move(reply)));
}

void sync_directory(Core& core, std::uint64_t handle, Reply reply) {
  const std::shared_ptr<OpenDirectory> directory = core.directories.find(handle);
  if (!directory) {
    reply.error(Errno(EBADF));
    return;
  }
  sync(core, *directory->node, directory->fd, SyncKind::full, std::make_unique<SyncReply>(std::move(reply)));
}

std::optional<SyncKind> synced_write(const Core& core, std::uint64_t handle, int flags) {
  if ((flags & O_DSYNC) == 0) return std::nullopt;
  const std::shared_ptr<OpenFile> file = core.files.find(handle);
  return file && file->direct ? std::optional(kind_of(flags)) : std::nullopt;
}

std::optional<SyncKind> synced_change(const Core& core, std::uint64_t handle) {
  const std::shared_ptr<OpenFile> file = core.files.find(handle);
  return file && file->sync_flags != 0 ? std::optional(kind_of(file->sync_flags)) : std::nullopt;
}

void answer_written(Core& core, std::uint64_t handle, std::optional<SyncKind> kind, std::size_t written,
                    Reply reply) {
  if (kind) {
    sync_file(core, handle, *kind, std::make_unique<WrittenReply>(written, std::move(reply)));
  } else {
    reply.written(written);
  }
}

}  // namespace sluicefs::ops
