#pragma once

#include <span>

namespace sluicefs {

/// What a request says that libfuse 3.14 does not hand on.
struct RawRequest {
  /// The caller may not keep setuid and setgid bits on the file that it changes. Of FALLOCATE,
  /// COPY_FILE_RANGE, SETXATTR and a change of the owner the kernel does not say; then nobody but root may.
  bool drop_setid = false;
  /// A CREATE that was a TMPFILE.
  bool nameless = false;
};

/// Reads a request as it came from the kernel. A TMPFILE, which libfuse 3.14 would refuse, is turned into the
/// CREATE that it is but for its name: both have one form, also of their answers (fuse_create_open). Later
/// libfuse has an operation for it, which this takes the place of.
RawRequest take_raw_request(std::span<char> request);

}  // namespace sluicefs
