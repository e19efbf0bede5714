#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mount/mount.h"
#include "sluice/io_backend.h"

namespace sluice::testing {

struct MountSetup {
  /// Where the source and the mount point are made; on another file system, that one is tested.
  std::string parent = "/tmp";
  /// Mounts on the source itself.
  bool over_source = false;
  bool read_only = false;
  /// Makes what the engine syncs by, in the place of what the machine offers.
  std::function<std::unique_ptr<IoBackend>()> make_backend = nullptr;
  /// Run first by the thread that starts the mount; the threads of the mount inherit what it does to its own.
  std::function<void()> prepare_thread = nullptr;
  /// As Options::mount_flags.
  std::vector<std::string> mount_flags = {};
  /// Unset: as $SLUICE_TEST_DATA says, tracked without. A test that is about one mode names it.
  std::optional<sluicefs::DataMode> data = std::nullopt;
  /// FUSE_* bits of INIT that the mount is to do without.
  std::uint64_t ignored_offers = 0;
};

/// By its name as an option; throws std::runtime_error for another word.
sluicefs::DataMode data_mode_from(std::string_view name);
/// What $SLUICE_TEST_DATA says.
sluicefs::DataMode data_mode_of_environment();

/// What the engine was asked for and did, both kinds of sync together.
struct SyncCounts {
  std::uint64_t barriers = 0;
  std::uint64_t elided = 0;
  std::uint64_t syncs = 0;

  friend bool operator==(const SyncCounts&, const SyncCounts&) = default;
};
std::ostream& operator<<(std::ostream& out, const SyncCounts& counts);

/// A barrier that asked the device, and one that did not.
inline constexpr SyncCounts kOneSync{1, 0, 1};
inline constexpr SyncCounts kElided{1, 1, 0};

/// A mount of its own in this process, on a new source directory. Gone with everything it left, whatever the
/// test did: unmounted lazily when programs still keep it busy.
class MountFixture {
 public:
  /// Throws std::runtime_error when there is no mount to be had.
  explicit MountFixture(MountSetup setup = {});
  ~MountFixture();
  MountFixture(const MountFixture&) = delete;
  MountFixture& operator=(const MountFixture&) = delete;

  /// The path of a name, through the mount and behind it.
  [[nodiscard]] std::string at(std::string_view name) const;
  [[nodiscard]] std::string source(std::string_view name) const;
  [[nodiscard]] std::string mountpoint() const { return mountpoint_; }
  /// Where the source was before the mount, which may hide it.
  [[nodiscard]] std::string source_directory() const { return source_; }

  [[nodiscard]] sluicefs::Mount& mount() const { return *mount_; }
  [[nodiscard]] SyncCounts counts() const;
  /// What the engine did while `use` ran.
  template <typename Use>
  SyncCounts counts_of(Use use) const {
    const SyncCounts before = counts();
    use();
    const SyncCounts after = counts();
    return {after.barriers - before.barriers, after.elided - before.elided, after.syncs - before.syncs};
  }

  /// As umount(8), with `flags` of umount2(2); 0 or the error number.
  [[nodiscard]] int unmount(int flags = 0) const;
  /// Waits until the kernel has ended the connection, and finishes the mount.
  sluicefs::StopReport finish();
  /// Both.
  sluicefs::StopReport stop();

 private:
  void make_directories(const MountSetup& setup);
  void remove_directories();

  std::string base_;
  std::string source_;
  std::string mountpoint_;
  /// Opened before the mount, which may hide the source.
  UniqueFd source_fd_;
  std::unique_ptr<sluicefs::Mount> mount_;
};

/// A test on one mount. Needs root, and /dev/fuse.
class MountTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override { fixture_.reset(); }
  [[nodiscard]] virtual MountSetup setup() const { return {}; }

  [[nodiscard]] MountFixture& fixture() { return *fixture_; }
  [[nodiscard]] std::string at(std::string_view name) const { return fixture_->at(name); }
  [[nodiscard]] std::string source(std::string_view name) const { return fixture_->source(name); }
  template <typename Use>
  SyncCounts counts_of(Use use) const {
    return fixture_->counts_of(use);
  }
  /// Each write passes the daemon, whoever makes it.
  [[nodiscard]] bool is_tracked() const {
    return fixture_->mount().data_mode() == sluicefs::DataMode::tracked;
  }

 private:
  std::unique_ptr<MountFixture> fixture_;
};

inline constexpr const char* kOnlyTracked = "holds only where each write passes the daemon";

/// The same for what holds of tracked data alone: each write is seen, and none by others.
class TrackedMountTest : public MountTest {
 protected:
  [[nodiscard]] MountSetup setup() const override {
    MountSetup tracked;
    tracked.data = sluicefs::DataMode::tracked;
    return tracked;
  }
};

}  // namespace sluice::testing
