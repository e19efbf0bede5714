#include "worker.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "engine_harness.h"
#include "sluice/check.h"

namespace sluice::testing {
namespace {

constexpr std::size_t kMaxOngoing = 3;
constexpr std::size_t kMaxRecent = 8;
constexpr off_t kFileSize = 4096;

/// Writes down the answer, and now and then submits once more, from wherever it is called.
class Witness final : public SyncCallback {
 public:
  Witness(Scene& scene, std::size_t file, SeenBarrier seen, bool resubmits)
      : scene_(scene), file_(file), seen_(seen), resubmits_(resubmits) {}

  void sync_done(Result<void> result) noexcept override {
    seen_.answered = scene_.clock.now();
    seen_.error = error_of(result);
    SLUICE_CHECK(!std::exchange(told_, true));
    // Nobody was told anything about the file.
    if (seen_.error == ECANCELED) {
      ++scene_.cancelled_answers;
    } else {
      scene_.history(file_).add(seen_);
    }
    // Without waiting for room: the thread may have a mutation under way.
    if (resubmits_) submit(scene_, file_, seen_, false, WhenFull::refuse, Priority());
    ++scene_.answered;
  }

  /// Null when the engine refused.
  static std::shared_ptr<SyncRequest> submit(Scene& scene, std::size_t file, SeenBarrier seen, bool resubmits,
                                             WhenFull when_full, Priority priority) {
    SyncOrder order;
    order.file = scene.files.key(file);
    order.kind = seen.kind;
    order.acknowledge = seen.acknowledge;
    order.priority = priority;
    order.when_full = when_full;
    order.descriptor = scene.files.descriptor(file);
    order.may_sync_here = when_full == WhenFull::wait;
    scene.observed->about_to_submit();
    seen.submitted = scene.clock.now();
    order.callback = std::make_unique<Witness>(scene, file, seen, resubmits);
    Result<std::shared_ptr<SyncRequest>> request = scene.engine->submit(std::move(order));
    if (request) {
      ++scene.accepted;
      return std::move(*request);
    }
    SLUICE_CHECK(order.callback != nullptr && order.descriptor != nullptr);  // NOLINT: untouched, as promised
    if (request.error() == Errno(EAGAIN)) {
      ++scene.refused;
    } else {
      SLUICE_CHECK(request.error() == Errno(ESHUTDOWN));
    }
    return nullptr;
  }

 private:
  Scene& scene_;
  const std::size_t file_;
  SeenBarrier seen_;
  const bool resubmits_;
  bool told_ = false;
};

}  // namespace

void Worker::run() {
  for (std::size_t i = 0; i < plan_.steps; ++i) {
    step();
    if (stops_ && i == plan_.steps / 2) {
      end_all_mutations();
      scene_.engine->stop();
    }
  }
  end_all_mutations();
}

void Worker::step() {
  if (plan_.storms && any(40) == 0) {
    storm();
    return;
  }
  const std::size_t choice = any(100);
  if (choice < 28) {
    begin_mutation();
  } else if (choice < 52) {
    end_mutation();
  } else if (choice < 80) {
    submit();
  } else if (choice < 87) {
    cancel();
  } else if (choice < 93) {
    wait();
  } else if (choice < 94) {
    drain();
  } else if (choice < 98) {
    touch_stranger();
  } else if (plan_.failures) {
    fail_write_out();
  } else {
    replace();
  }
}

void Worker::begin_mutation() {
  if (ongoing_.size() < kMaxOngoing) begin_mutation(any_file());
}

void Worker::begin_mutation(std::size_t file_number) {
  Ongoing ongoing;
  ongoing.file = file_number;
  ongoing.seen.mutation_class = any(3) == 0 ? MutationClass::metadata : MutationClass::data;
  ongoing.seen.emptied =
      ongoing.seen.mutation_class == MutationClass::data && any(plan_.failures ? 3 : 8) == 0;
  const FileKey file = scene_.files.key(ongoing.file);
  ongoing.seen.begin_called = scene_.clock.now();
  ongoing.mutation =
      std::make_unique<OngoingMutation>(scene_.engine->begin(Mutation(file, ongoing.seen.mutation_class)));
  ongoing.seen.begun = scene_.clock.now();
  if (plan_.descriptors && ongoing.mutation->first_since_sync())
    scene_.engine->hold_descriptor(file, scene_.files.reopen(ongoing.file));
  ongoing_.push_back(std::move(ongoing));
}

void Worker::end_mutation() {
  if (ongoing_.empty()) return;
  const auto place = ongoing_.begin() + static_cast<std::ptrdiff_t>(any(ongoing_.size()));
  Ongoing ongoing = std::move(*place);
  ongoing_.erase(place);
  const int fd = scene_.files.fd(ongoing.file);
  int done = 0;
  if (ongoing.seen.emptied) {
    done = ::ftruncate(fd, 0);
    ongoing.mutation->emptied();
  } else if (ongoing.seen.mutation_class == MutationClass::data) {
    done = ::pwrite(fd, "x", 1, static_cast<off_t>(any(kFileSize))) == 1 ? 0 : -1;
  } else {
    done = ::fchmod(fd, any(2) == 0 ? 0600 : 0640);
  }
  SLUICE_CHECK(done == 0);
  ongoing.seen.done = scene_.clock.now();
  ongoing.mutation.reset();
  ongoing.seen.ended = scene_.clock.now();
  scene_.history(ongoing.file).add(ongoing.seen);
}

void Worker::end_all_mutations() {
  while (!ongoing_.empty()) end_mutation();
}

void Worker::submit() {
  SeenBarrier seen;
  seen.kind = any(2) == 0 ? SyncKind::data : SyncKind::full;
  seen.acknowledge = any(5) == 0 ? Acknowledge::when_queued : Acknowledge::when_durable;
  const bool may_wait = any(3) == 0;
  if (may_wait) end_all_mutations();
  const Priority priority(static_cast<std::int32_t>(any(5)) - 2);
  auto request = Witness::submit(scene_, any_file(), seen, any(8) == 0,
                                 may_wait ? WhenFull::wait : WhenFull::refuse, priority);
  if (!request) return;
  if (any(4) == 0) return;  // Nobody asks for it any more.
  recent_.push_back(std::move(request));
  if (recent_.size() > kMaxRecent) recent_.pop_front();
}

void Worker::cancel() {
  if (recent_.empty()) return;
  const SyncRequest& request = *recent_[any(recent_.size())];
  const CancelOutcome outcome = scene_.engine->cancel(request);
  if (outcome != CancelOutcome::cancelled) return;
  ++scene_.cancelled;
  SLUICE_CHECK(error_of(request.result()) == ECANCELED);
}

void Worker::wait() {
  if (recent_.empty()) return;
  end_all_mutations();
  static_cast<void>(recent_.back()->wait());
  recent_.pop_back();
}

void Worker::storm() {
  end_all_mutations();
  for (std::size_t file = 0; file < plan_.files; ++file) {
    begin_mutation(file);
    end_all_mutations();
  }
  // Others write too, so that some of these are dirty again.
  for (std::size_t file = 0; file < plan_.files; ++file) sync_and_wait(file);
}

void Worker::sync_and_wait(std::size_t file) {
  SeenBarrier seen;
  seen.kind = any(4) == 0 ? SyncKind::data : SyncKind::full;
  const auto request = Witness::submit(scene_, file, seen, false, WhenFull::wait, Priority());
  if (request) static_cast<void>(request->wait());
}

void Worker::drain() {
  end_all_mutations();
  static_cast<void>(scene_.engine->drain());
}

void Worker::fail_write_out() {
  const std::size_t file = any_file();
  SeenSync seen;
  seen.kind = SyncKind::data;
  seen.write_out = true;
  seen.error = EDQUOT;
  seen.begun = seen.chosen = seen.ended = scene_.clock.now();
  scene_.engine->writeback_failed(scene_.files.key(file), Errno(seen.error));
  seen.known = scene_.clock.now();
  scene_.history(file).add(seen);
}

void Worker::touch_stranger() {
  const FileKey stranger{.device = 0, .inode = any(1000)};
  const OngoingMutation mutation = scene_.engine->begin(Mutation(stranger, MutationClass::metadata));
}

void Worker::replace() {
  const FileKey file = scene_.files.key(any_file());
  scene_.engine->removed(file);
  scene_.engine->created(file);
}

}  // namespace sluice::testing
