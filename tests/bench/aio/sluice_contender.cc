#include "contender.h"
#include "sluice/aio_context.h"
#include "sluice/check.h"
#include "sluice/completion_queue.h"

namespace sluice::bench {
namespace {

class SluiceContender final : public Contender {
 public:
  explicit SluiceContender(std::size_t slots) : slots_(slots) {}

  void submit(std::size_t slot, int fd) override {
    AioOrder order = AioOrder::sync(fd, SyncKind::data);
    order.tag = &slots_[slot];
    order.completions = completions_;
    SLUICE_CHECK(context_->submit_detached(std::move(order)).has_value());
  }

  void wait(std::vector<std::size_t>& slots) override {
    for (const auto& request : completions_->take(1, slots_.size(), CompletionQueue::Deadline::max())) {
      SLUICE_CHECK(request->result().has_value());
      slots.push_back(static_cast<std::size_t>(static_cast<Slot*>(request->tag()) - slots_.data()));
    }
  }

 private:
  struct Slot {};

  std::vector<Slot> slots_;
  const std::shared_ptr<CompletionQueue> completions_ = CompletionQueue::create().value();
  const std::unique_ptr<AioContext> context_ = AioContext::create().value();
};

}  // namespace

std::unique_ptr<Contender> make_sluice(std::size_t slots) {
  return std::make_unique<SluiceContender>(slots);
}

}  // namespace sluice::bench
