#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "sluice/aio_libaio.h"
#include "sluice/aio_request.h"
#include "sluice/mutex.h"
#include "sluice/result.h"

namespace sluice {

class LibaioContext;

/// The contexts of the process by name, so that no name is ever followed as a pointer; and the blocks in use,
/// whichever context they are in, so that one that is used twice is noticed (clause P7). A block is in use
/// from its submission until its event is collected: before that its program cannot know that it is done.
///
/// Thread-safe. The child of a fork(2) has none of either.
class LibaioRegistry {
 public:
  /// What a block is used for; `number` tells two uses of one address apart.
  struct Use {
    const LibaioContext* context;
    std::uint64_t number;
    std::shared_ptr<AioRequest> request;  ///< Null while it is being queued.
    unsigned cancelling = 0;              ///< How many are trying to cancel it.
  };

  /// That of the process; lives as long.
  static LibaioRegistry& instance();

  sluice_io_context_t add(std::shared_ptr<LibaioContext> context);
  /// Null when the name is not that of a context of this process.
  std::shared_ptr<LibaioContext> find(sluice_io_context_t name);
  /// The same, and the name is none from now on.
  std::shared_ptr<LibaioContext> remove(sluice_io_context_t name);

  /// Takes the block into use: the number of the use. EBUSY: it is in use.
  Result<std::uint64_t> claim(const sluice_iocb* block, const LibaioContext& context);
  /// Does nothing when that use has ended.
  void set_request(const sluice_iocb* block, std::uint64_t use, std::shared_ptr<AioRequest> request);
  void release(const sluice_iocb* block);
  void release(std::span<const sluice_io_event> events);

  /// EINVAL: `context` does not use the block. EAGAIN: it is only just being queued.
  Result<Use> begin_cancel(const sluice_iocb* block, const LibaioContext& context);
  /// It could not be cancelled.
  void end_cancel(const sluice_iocb* block, std::uint64_t use);
  bool is_being_cancelled(const sluice_iocb* block);

  /// Around fork(2).
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child();

 private:
  using Contexts = std::unordered_map<std::uintptr_t, std::shared_ptr<LibaioContext>>;

  [[nodiscard]] Contexts::iterator find_locked(sluice_io_context_t name) SLUICE_REQUIRES(mutex_);

  /// Held across a fork, so that the child finds it whole.
  Mutex mutex_;
  Contexts contexts_ SLUICE_GUARDED_BY(mutex_);
  std::unordered_map<const sluice_iocb*, Use> uses_ SLUICE_GUARDED_BY(mutex_);
  std::uintptr_t last_name_ SLUICE_GUARDED_BY(mutex_) = 0;
  /// Names up to this one are a parent's. Their contexts are left alone: a thread that the child does not
  /// have may have been at work in them.
  std::uintptr_t last_inherited_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::uint64_t last_use_ SLUICE_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice
