#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "mount/options.h"
#include "process/exit_code.h"
#include "sluice/result.h"
#include "sluice/sync_engine.h"
#include "sluice/unique_fd.h"
#include "wire/init_facts.h"

namespace sluicefs {

/// What could not be made durable when a mount ended.
struct StopReport {
  std::size_t lost = 0;
  /// The first error, when something was lost.
  std::optional<sluice::Errno> error;
};

/// What the kernel knows at a moment: inodes, the root included, and open files and directories.
struct TableSizes {
  std::size_t nodes;
  std::size_t files;
  std::size_t directories;

  friend bool operator==(const TableSizes&, const TableSizes&) = default;
};

/// One mounted sluicefs: the FUSE session, its reader threads, the tables and the engine. Several may live in
/// one process. Every member may be called by any thread that serves no requests.
class Mount {
 public:
  /// Mounts the tree under `source` on options.mountpoint and returns when the kernel has answered INIT, so
  /// that the mount can be used. `source` was opened before, which is what makes mounting over the source
  /// itself work.
  static tl::expected<std::unique_ptr<Mount>, MountError> start(const Options& options,
                                                                sluice::UniqueFd source);
  /// The same on a backend of the caller's, without what `ignored_offers` says (SessionOptions).
  static tl::expected<std::unique_ptr<Mount>, MountError> start(const Options& options,
                                                                sluice::UniqueFd source,
                                                                std::unique_ptr<sluice::IoBackend> backend,
                                                                std::uint64_t ignored_offers = 0);
  /// REQUIRES: finish() was called.
  ~Mount();

  /// Becomes readable (poll(2)) when the kernel has ended the connection: the last user of an unmounted file
  /// system has gone, or somebody aborted it.
  [[nodiscard]] int ended_fd() const;

  /// Makes the kernel hand over the dirty pages of every shared mapping, and waits for the writes.
  void pull();

  /// Ends the session (an unmount that is still pending finds it gone), waits for the readers, and makes
  /// everything that was accepted durable. Call it once, after the unmount.
  StopReport finish();

  [[nodiscard]] sluice::CountersSnapshot counters() const;
  [[nodiscard]] TableSizes table_sizes() const;
  [[nodiscard]] InitFacts init_facts() const;
  /// As it came to be: tracked where data=auto finds no passthrough.
  [[nodiscard]] DataMode data_mode() const;
  /// Why there is none though it was asked for, in a line for the user.
  [[nodiscard]] std::optional<std::string> why_tracked() const;
  /// "io_uring" or "threads".
  [[nodiscard]] std::string backend_name() const;

 private:
  class Parts;
  explicit Mount(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluicefs
