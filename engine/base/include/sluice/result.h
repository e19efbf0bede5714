#pragma once

#include <cerrno>
#include <string>
#include <tl/expected.hpp>

namespace sluice {

/// An error number of the kernel: positive, as in errno(3). Capture it at the system call with `last()`
/// and convert the sign, where somebody wants another one, at the edge only.
class Errno {
 public:
  explicit constexpr Errno(int value) : value_(value) {}

  /// The calling thread's errno. Call it right after the system call that failed.
  static Errno last() { return Errno(errno); }

  [[nodiscard]] constexpr int value() const { return value_; }
  /// The text of strerror(3), safe to call from any thread.
  [[nodiscard]] std::string message() const;

  friend constexpr bool operator==(Errno, Errno) = default;

 private:
  int value_;
};

template <typename T>
using Result = tl::expected<T, Errno>;

using Failure = tl::unexpected<Errno>;

/// `return fail(EINVAL);` from a function that returns a Result.
constexpr Failure fail(int value) {
  return Failure(Errno(value));
}
constexpr Failure fail(Errno error) {
  return Failure(error);
}
/// The failure of the system call that the calling thread made last.
inline Failure fail_last() {
  return Failure(Errno::last());
}

}  // namespace sluice
