#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sluice/epochs.h"
#include "sluice/ids.h"
#include "sluice/result.h"

namespace sluice {

/// One operation and every inode that it changes: a write one, a rename up to four (the file, both
/// directories, what it replaced). A value: it does nothing until SyncEngine::begin() gives it its epochs.
class Mutation {
 public:
  static constexpr std::size_t kMaxInodes = 4;

  struct Touched {
    FileKey file;
    MutationClass mutation_class;
    Epoch epoch;  ///< Set by SyncEngine::begin().
  };

  Mutation() = default;
  Mutation(FileKey file, MutationClass mutation_class) { touches(file, mutation_class); }

  /// Adds an inode; one that is named twice counts once, and as data if either says so.
  /// REQUIRES: at most kMaxInodes different ones.
  Mutation& touches(FileKey file, MutationClass mutation_class);

  [[nodiscard]] std::span<Touched> touched() { return {touched_.data(), count_}; }
  [[nodiscard]] std::span<const Touched> touched() const { return {touched_.data(), count_}; }

 private:
  std::array<Touched, kMaxInodes> touched_{};
  std::size_t count_ = 0;
};

class SyncEngine;

/// A mutation under way: from just before its system call until just after it. The caller of the operation is
/// answered after this has ended, so that whoever was answered finds an epoch that has ended.
class OngoingMutation {
 public:
  OngoingMutation(OngoingMutation&& other) noexcept;
  OngoingMutation(const OngoingMutation&) = delete;
  OngoingMutation& operator=(OngoingMutation&&) = delete;
  OngoingMutation& operator=(const OngoingMutation&) = delete;
  ~OngoingMutation();

  /// The operation succeeded and left the inode that was named first without any bytes.
  void emptied() { effect_ = MutationEffect::emptied; }
  /// The operation failed: every barrier that covers it and waits by now is answered with `error`, once its
  /// sync has ended; those that come later are judged afresh (clause S4). For operations whose caller may not
  /// look at their result; a failed write(2) that was told to its own caller poisons nothing.
  void fail(Errno error);
  /// True when the inode that was named first had no data that awaited a sync: the moment to
  /// hold_descriptor().
  [[nodiscard]] bool first_since_sync() const { return first_since_sync_; }

 private:
  friend class SyncEngine;
  OngoingMutation(SyncEngine& engine, const Mutation& mutation, bool first_since_sync)
      : engine_(&engine), mutation_(mutation), first_since_sync_(first_since_sync) {}

  SyncEngine* engine_;
  Mutation mutation_;
  bool first_since_sync_;
  MutationEffect effect_ = MutationEffect::changed;
};

}  // namespace sluice
