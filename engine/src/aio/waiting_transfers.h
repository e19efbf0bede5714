#pragma once

#include <compare>
#include <map>
#include <optional>
#include <unordered_map>

#include "aio/transfer_order.h"

namespace sluice {

/// A transfer that was submitted and has not ended.
struct QueuedTransfer {
  /// In the order of submission.
  TransferId id;
  TransferOrder order;
  /// How often in a row it was interrupted before it began.
  unsigned never_ran = 0;
};

/// Transfers that have not been started. Those that may start are ready, and leave by priority, then in the
/// order of submission. Of the transfers in turn of one file, one is ready or running and the others stand
/// behind it. Not synchronised.
class WaitingTransfers {
 public:
  /// REQUIRES: its id is greater than that of any before it.
  void push(QueuedTransfer transfer);
  /// Takes out the next that may start. When it is in turn, end_turn() must follow.
  std::optional<QueuedTransfer> pop();
  /// The transfer in turn of `file` that was taken out has ended.
  void end_turn(const FileKey& file);
  /// Takes out that transfer, which then needs no end_turn(). None when it does not wait.
  std::optional<QueuedTransfer> erase(TransferId id);
  /// No transfer may start now. None waits at all, if besides none in turn is running.
  [[nodiscard]] bool none_ready() const { return ready_.empty(); }

 private:
  struct Place {
    Priority priority;
    TransferId id;
    friend std::strong_ordering operator<=>(const Place& a, const Place& b) {
      const auto by_priority = b.priority <=> a.priority;
      return by_priority != 0 ? by_priority : a.id <=> b.id;
    }
  };
  using Line = std::map<TransferId, QueuedTransfer>;

  void make_ready(QueuedTransfer transfer);

  std::map<Place, QueuedTransfer> ready_;
  /// Where each that is ready is.
  std::unordered_map<TransferId, Place> places_;
  /// An entry for each file one of whose transfers in turn is ready or running: those behind it.
  std::unordered_map<FileKey, Line, FileKeyHash> turns_;
  /// The file behind whose turn each of the others stands.
  std::unordered_map<TransferId, FileKey> standing_;
};

}  // namespace sluice
