#include "engine_harness.h"

#include <utility>

#include "sluice/check.h"

namespace sluice::testing {

// ---- Answers ----

class Answers::Callback final : public SyncCallback {
 public:
  explicit Callback(Answers& answers) : answers_(answers) {}
  void sync_done(Result<void> result) noexcept override { answers_.add(result); }

 private:
  Answers& answers_;
};

std::unique_ptr<SyncCallback> Answers::callback() {
  return std::make_unique<Callback>(*this);
}

void Answers::add(const Result<void>& result) {
  const MutexLock lock(mutex_);
  errors_.push_back(error_of(result));
  changed_.notify_all();
}

std::vector<int> Answers::so_far() const {
  const MutexLock lock(mutex_);
  return errors_;
}

bool Answers::wait_for(std::size_t count) const {
  const auto until = std::chrono::steady_clock::now() + FakeBackend::kPatience;
  const MutexLock lock(mutex_);
  while (errors_.size() < count) {
    if (!changed_.wait_until(mutex_, until)) return false;
  }
  return true;
}

int answer_of(const SyncRequest& request) {
  const auto result = request.wait_until(std::chrono::steady_clock::now() + FakeBackend::kPatience);
  return result ? error_of(*result) : ETIMEDOUT;
}

// ---- EngineHarness ----

EngineHarness::EngineHarness(std::unique_ptr<IoBackend> backend, std::size_t files, EngineOptions options)
    : files_(files), engine_(std::make_unique<SyncEngine>(options, std::move(backend))) {}

SyncOrder EngineHarness::order(SyncKind kind, std::size_t file) const {
  SyncOrder order;
  order.file = files_.key(file);
  order.kind = kind;
  order.descriptor = files_.descriptor(file);
  return order;
}

std::shared_ptr<SyncRequest> EngineHarness::submit(SyncKind kind, std::size_t file) {
  return submit(order(kind, file));
}

std::shared_ptr<SyncRequest> EngineHarness::submit(SyncOrder order) {
  Result<std::shared_ptr<SyncRequest>> request = engine_->submit(std::move(order));
  SLUICE_CHECK(request.has_value());
  return *request;
}

OngoingMutation EngineHarness::begin(MutationClass mutation_class, std::size_t file) {
  return engine_->begin(Mutation(files_.key(file), mutation_class));
}

void EngineHarness::mutate(MutationClass mutation_class, std::size_t file) {
  const OngoingMutation mutation = begin(mutation_class, file);
}

void EngineHarness::empty(std::size_t file) {
  OngoingMutation truncation = begin(MutationClass::data, file);
  truncation.emptied();
}

int EngineHarness::sync(SyncKind kind, std::size_t file) {
  return answer_of(*submit(kind, file));
}

// ---- FakeHarness ----

FakeHarness::FakeHarness(std::size_t files, EngineOptions options, unsigned max_in_flight)
    : FakeHarness(new FakeBackend(max_in_flight), files, options) {}

FakeHarness::FakeHarness(FakeBackend* backend, std::size_t files, EngineOptions options)
    : EngineHarness(std::unique_ptr<IoBackend>(backend), files, options), backend_(backend) {}

FakeHarness::~FakeHarness() {
  if (!has_engine()) return;
  answer_all(SyncAnswer::success());
  end_engine();
}

void FakeHarness::answer_all(SyncAnswer answer) {
  backend_->answer_by([answer](const SubmittedSync&) { return answer; });
  backend_->end_all(answer);
}

void FakeHarness::make_clean(std::size_t file) {
  answer_all(SyncAnswer::success());
  SLUICE_CHECK(sync(SyncKind::full, file) == 0);
  hold_all();
}

std::size_t FakeHarness::syncs_when_idle() {
  SLUICE_CHECK(backend_->wait_until_idle());
  return backend_->submitted().size();
}

std::vector<std::size_t> FakeHarness::submitted_files() {
  std::vector<std::size_t> indices;
  for (const SubmittedSync& sync : backend_->submitted()) {
    std::size_t index = 0;
    while (files().key(index).inode != sync.inode) ++index;
    indices.push_back(index);
  }
  return indices;
}

}  // namespace sluice::testing
