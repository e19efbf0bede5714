#pragma once

#include "sluice/io_backend.h"

namespace sluice {

/// What is interrupted every time fails in the end: a caller waits for the answer, and stop() for both.
inline constexpr unsigned kMaxAttempts = 100;

/// How a call has ended for whoever makes it again when it never ran. `never_ran` counts the times in a row,
/// from 0.
inline IoOutcome settled(IoOutcome outcome, unsigned& never_ran) {
  if (outcome == IoOutcome::never_ran && ++never_ran < kMaxAttempts) return IoOutcome::never_ran;
  never_ran = 0;
  return outcome == IoOutcome::succeeded ? IoOutcome::succeeded : IoOutcome::failed;
}

}  // namespace sluice
