#pragma once

namespace sluice {

/// Ends the process with `what` on stderr.
[[noreturn]] void check_failed(const char* what, const char* file, int line);

}  // namespace sluice

/// An invariant whose breach could make us acknowledge what is not durable. Checked in every build: dying is
/// safe (what is not acknowledged was not promised), going on is not.
#define SLUICE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::sluice::check_failed(#condition, __FILE__, __LINE__))
