#pragma once

#include <cstddef>

namespace sluice {

/// Whether the process may read `bytes` bytes at `address`; the kernel is asked, so that a bad address is an
/// answer and no SIGSEGV. Another thread may change that at any moment: it is for clear errors, not for
/// safety. Async-signal-safe.
bool is_readable(const void* address, std::size_t bytes);

}  // namespace sluice
