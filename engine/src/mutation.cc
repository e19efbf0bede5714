#include "sluice/mutation.h"

#include <algorithm>

#include "sluice/check.h"
#include "sluice/sync_engine.h"

namespace sluice {

Mutation& Mutation::touches(FileKey file, MutationClass mutation_class) {
  const std::span<Touched> known = touched();
  const auto twin =
      std::find_if(known.begin(), known.end(), [&](const Touched& t) { return t.file == file; });
  if (twin != known.end()) {
    twin->mutation_class = std::min(twin->mutation_class, mutation_class);  // Data before metadata.
    return *this;
  }
  SLUICE_CHECK(count_ < kMaxInodes);
  touched_[count_++] = {file, mutation_class, Epoch()};
  return *this;
}

OngoingMutation::OngoingMutation(OngoingMutation&& other) noexcept
    : engine_(std::exchange(other.engine_, nullptr)),
      mutation_(other.mutation_),
      first_since_sync_(other.first_since_sync_),
      effect_(other.effect_) {}

void OngoingMutation::fail(Errno error) {
  engine_->fail_covers(mutation_, error);
}

OngoingMutation::~OngoingMutation() {
  if (engine_ != nullptr) engine_->end(mutation_, effect_);
}

}  // namespace sluice
