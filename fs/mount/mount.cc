#include "mount/mount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "mount/fusermount.h"
#include "mount/mount_flags.h"
#include "mount/mount_info.h"
#include "mount/passthrough_check.h"
#include "mount/unmount.h"
#include "ops/core.h"
#include "ops/dispatch.h"
#include "ops/revalidate.h"
#include "process/credentials.h"
#include "wire/readers.h"
#include "wire/wire.h"

namespace sluicefs {

using sluice::Result;
using sluice::SyncEngine;
using sluice::UniqueFd;

namespace {

constexpr std::chrono::seconds kInitDeadline{10};
/// As long as the kernel can be told to believe a name: nobody but us changes the source.
constexpr double kLong = 24.0 * 3600;
constexpr double kShort = 1;

tl::unexpected<MountError> failed(ExitCode code, std::string message) {
  return tl::unexpected<MountError>(MountError{code, std::move(message)});
}

/// A file system that mounts inside the source show once more: what is written to it by one way is a change
/// behind the mount by the other.
bool shows_one_twice(const std::string& source, dev_t device) {
  const sluice::Result<std::vector<MountEntry>> mounts = read_mounts();
  if (!mounts) return true;
  std::set<dev_t> seen{device};
  const std::string inside = source + "/";
  return std::ranges::any_of(*mounts, [&](const MountEntry& entry) {
    return entry.mountpoint.starts_with(inside) && !seen.insert(entry.device).second;
  });
}

/// Nobody can reach the source but through us: we are mounted over it.
bool is_exclusive(const Options& options, int source) {
  struct stat at {};
  struct stat from {};
  return ::stat(options.mountpoint.c_str(), &at) == 0 && ::fstat(source, &from) == 0 &&
         at.st_dev == from.st_dev && at.st_ino == from.st_ino &&
         !shows_one_twice(options.mountpoint, from.st_dev);
}

Timeouts timeouts_of(const Options& options, bool exclusive) {
  const double normal = exclusive ? kLong : kShort;
  Timeouts timeouts;
  timeouts.entry = options.entry_timeout ? options.entry_timeout->count() : normal;
  timeouts.attributes = options.attr_timeout ? options.attr_timeout->count() : normal;
  timeouts.negative = exclusive ? timeouts.entry : 0;
  return timeouts;
}

/// The value of a mount option, in which libfuse takes a comma for the next option.
std::string escaped(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

SessionOptions session_options(const Options& options, const MountFlags& flags) {
  SessionOptions session;
  session.mount_options = {"fsname=" + escaped(options.source), "subtype=sluicefs", "default_permissions"};
  if (options.allow_other.value_or(::geteuid() == 0)) session.mount_options.emplace_back("allow_other");
  if (options.read_only) session.mount_options.emplace_back("ro");
  for (const std::string& flag : options.mount_flags) session.mount_options.push_back(flag);
  for (std::string& word : words_of(flags)) session.mount_options.push_back(std::move(word));
  return session;
}

tl::expected<void, std::string> mount_session(Session& session, const std::string& mountpoint,
                                              const std::vector<std::string>& mount_options) {
  if (may_mount()) return session.mount(mountpoint);
  auto device = fusermount(mountpoint, mount_options);
  if (!device) return tl::unexpected(std::move(device.error()));
  return session.attach(std::move(*device));
}

/// Early syncs that may be outstanding; more gained nothing on any disk that was tried.
constexpr std::size_t kSyncAheadLimit = 64;

sluice::EngineOptions engine_options(const Options& options) {
  sluice::EngineOptions engine;
  if (options.sync_ahead) engine.sync_ahead_limit = kSyncAheadLimit;
  return engine;
}

/// Takes away a mount that came into being and cannot be used after all.
class MountGuard {
 public:
  explicit MountGuard(const std::string& mountpoint) : mountpoint_(mountpoint) {}
  ~MountGuard() {
    if (armed_) static_cast<void>(unmount_path(mountpoint_, UnmountMode::detach));
  }
  MountGuard(const MountGuard&) = delete;
  MountGuard& operator=(const MountGuard&) = delete;
  void disarm() { armed_ = false; }

 private:
  const std::string& mountpoint_;
  bool armed_ = true;
};

}  // namespace

class Mount::Parts {
 public:
  Parts(std::unique_ptr<Tree> tree, std::unique_ptr<sluice::IoBackend> backend,
        const sluice::EngineOptions& engine, Timeouts timeouts)
      : tree_(std::move(tree)),
        engine_(engine, std::move(backend)),
        core_{.tree = *tree_, .engine = engine_, .timeouts = timeouts} {}

  /// What was asked for, or what can be had in its place.
  tl::expected<void, MountError> choose_data_mode(const Options& options) {
    if (options.data == DataMode::tracked) return {};
    why_tracked_ = may_mount() ? why_no_passthrough(options, *session_, init_facts_, tree_->root())
                               : "passthrough is for root only";
    if (!why_tracked_) {
      core_.data = options.data;
    } else if (options.data == DataMode::passthrough) {
      return failed(
          ExitCode::no_passthrough,
          fmt::format("'-o data=passthrough' cannot be had: {}; or use data=tracked", *why_tracked_));
    }
    return {};
  }

  // The engine goes before the session: until then it may answer a barrier.
  std::unique_ptr<Tree> tree_;
  std::unique_ptr<Session> session_;
  SyncEngine engine_;
  Core core_;
  std::unique_ptr<Readers> readers_;
  std::unique_ptr<Revalidator> revalidator_;
  InitFacts init_facts_;
  std::optional<std::string> why_tracked_;
};

Mount::Mount(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Mount::~Mount() = default;

tl::expected<std::unique_ptr<Mount>, MountError> Mount::start(const Options& options, UniqueFd source) {
  auto backend = sluice::make_backend(options.backend, options.max_syncs);
  if (!backend) {
    const bool may_do_without = options.backend == sluice::BackendChoice::io_uring;
    return failed(ExitCode::engine_failed,
                  "cannot start the sync engine: " + backend.error().message() +
                      (may_do_without ? "; -o engine=threads needs no io_uring" : ""));
  }
  return start(options, std::move(source), std::move(*backend));
}

tl::expected<std::unique_ptr<Mount>, MountError> Mount::start(const Options& options, UniqueFd source,
                                                              std::unique_ptr<sluice::IoBackend> backend,
                                                              std::uint64_t ignored_offers) {
  const bool exclusive = is_exclusive(options, source.get());
  const MountFlags flags = flags_of_mount(options, backing::mount_flags(source.get()), may_mount());
  Result<std::unique_ptr<Tree>> tree = Tree::open(std::move(source));
  if (!tree)
    return failed(ExitCode::bad_source, "cannot read " + options.source + ": " + tree.error().message());
  auto parts = std::make_unique<Parts>(std::move(*tree), std::move(backend), engine_options(options),
                                       timeouts_of(options, exclusive));
  const auto is_asked_for = [&](const char* flag) {
    return std::ranges::find(options.mount_flags, flag) != options.mount_flags.end();
  };
  parts->core_.keeps_access_times = is_asked_for("noatime");
  parts->core_.syncs_writes = is_asked_for("sync");

  SessionOptions asked = session_options(options, flags);
  asked.ignored_offers = ignored_offers;
  asked.passthrough = options.data != DataMode::tracked && may_mount();
  auto session = Session::create(asked, operations(), &parts->core_);
  if (!session) return failed(ExitCode::usage, session.error());
  parts->session_ = std::move(*session);
  parts->core_.shared_source = !exclusive;
  parts->core_.session = parts->session_.get();
  const auto mounted = mount_session(*parts->session_, options.mountpoint, asked.mount_options);
  if (!mounted) {
    return failed(ExitCode::no_permission, "cannot mount on " + options.mountpoint + ": " + mounted.error());
  }
  MountGuard guard(options.mountpoint);
  // After mount(2); the threads that serve requests inherit what is left.
  static_cast<void>(keep_needed_capabilities());

  parts->readers_ = std::make_unique<Readers>(*parts->session_);
  parts->core_.readers = parts->readers_.get();
  std::unique_ptr<Mount> mount(new Mount(std::move(parts)));
  if (const Result<void> started = mount->parts_->readers_->start(); !started) {
    return failed(ExitCode::internal, "cannot start a thread: " + started.error().message());
  }
  const auto facts = mount->parts_->session_->wait_for_init(std::chrono::steady_clock::now() + kInitDeadline);
  if (!facts) {
    mount->parts_->readers_->stop();
    return failed(ExitCode::fuse_unavailable,
                  "the kernel did not answer the mount; is its FUSE older than 5.10?");
  }
  mount->parts_->init_facts_ = *facts;
  if (auto chosen = mount->parts_->choose_data_mode(options); !chosen) {
    mount->parts_->readers_->stop();
    return tl::unexpected(std::move(chosen.error()));
  }
  // Its attributes are asked of its own readers, which serve by now.
  struct stat root {};
  if (::stat(options.mountpoint.c_str(), &root) == 0) mount->parts_->tree_->set_own_device(root.st_dev);
  if (!exclusive) mount->parts_->revalidator_ = std::make_unique<Revalidator>(mount->parts_->core_);
  guard.disarm();
  return mount;
}

int Mount::ended_fd() const {
  return parts_->readers_->ended_fd();
}

void Mount::pull() {
  for (const NodeId node : parts_->tree_->nodes().maybe_mapped()) parts_->session_->invalidate_pages(node);
}

StopReport Mount::finish() {
  parts_->revalidator_.reset();
  parts_->readers_->stop();
  StopReport report;
  // First everything at once, which also reaches what no descriptor is open of any more; the inodes one by
  // one afterwards are nearly free, and say which of them failed.
  const FileSystems& all = parts_->tree_->file_systems();
  if (const Result<void> synced = all.sync(); !synced) report = {1, synced.error()};
  const sluice::DrainReport drained = parts_->engine_.drain();
  if (drained.failed > 0) report = {drained.failed, drained.error};
  const bool some_by_their_file_system = drained.unreachable > 0 || parts_->engine_.forgot_dirty_inodes();
  if (report.lost == 0 && some_by_their_file_system && all.not_held()) report = {1, all.not_held()};
  parts_->engine_.stop();
  return report;
}

sluice::CountersSnapshot Mount::counters() const {
  return parts_->engine_.counters();
}
TableSizes Mount::table_sizes() const {
  const Core& core = parts_->core_;
  return {core.tree.nodes().size(), core.files.size(), core.directories.size()};
}
DataMode Mount::data_mode() const {
  return parts_->core_.data;
}
std::optional<std::string> Mount::why_tracked() const {
  return parts_->why_tracked_;
}
InitFacts Mount::init_facts() const {
  return parts_->init_facts_;
}
std::string Mount::backend_name() const {
  return std::string(parts_->engine_.backend().name());
}

}  // namespace sluicefs
