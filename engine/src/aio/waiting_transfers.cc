#include "aio/waiting_transfers.h"

#include <utility>

#include "sluice/check.h"

namespace sluice {

void WaitingTransfers::push(QueuedTransfer transfer) {
  if (transfer.order.in_turn) {
    const auto [turn, is_next] = turns_.try_emplace(transfer.order.file);
    if (!is_next) {
      standing_.emplace(transfer.id, transfer.order.file);
      turn->second.emplace(transfer.id, std::move(transfer));
      return;
    }
  }
  make_ready(std::move(transfer));
}

std::optional<QueuedTransfer> WaitingTransfers::pop() {
  if (ready_.empty()) return std::nullopt;
  QueuedTransfer transfer = std::move(ready_.extract(ready_.begin()).mapped());
  places_.erase(transfer.id);
  return transfer;
}

void WaitingTransfers::end_turn(const FileKey& file) {
  const auto turn = turns_.find(file);
  SLUICE_CHECK(turn != turns_.end());
  Line& behind = turn->second;
  if (behind.empty()) {
    turns_.erase(turn);
    return;
  }
  QueuedTransfer next = std::move(behind.extract(behind.begin()).mapped());
  standing_.erase(next.id);
  make_ready(std::move(next));
}

std::optional<QueuedTransfer> WaitingTransfers::erase(TransferId id) {
  if (const auto place = places_.find(id); place != places_.end()) {
    QueuedTransfer transfer = std::move(ready_.extract(place->second).mapped());
    places_.erase(place);
    if (transfer.order.in_turn) end_turn(transfer.order.file);
    return transfer;
  }
  if (const auto file = standing_.find(id); file != standing_.end()) {
    QueuedTransfer transfer = std::move(turns_.at(file->second).extract(id).mapped());
    standing_.erase(file);
    return transfer;
  }
  return std::nullopt;
}

void WaitingTransfers::make_ready(QueuedTransfer transfer) {
  const Place place{transfer.order.priority, transfer.id};
  places_.emplace(transfer.id, place);
  ready_.emplace(place, std::move(transfer));
}

}  // namespace sluice
