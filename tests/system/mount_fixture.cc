#include "mount_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "mount_files.h"

namespace sluice::testing {

namespace {

constexpr int kEndDeadlineMs = 20'000;

/// In a thread of its own: the mount gives capabilities up, which the test itself needs.
std::unique_ptr<sluicefs::Mount> start(const sluicefs::Options& options, UniqueFd source,
                                       const MountSetup& setup) {
  auto backend = setup.make_backend ? Result<std::unique_ptr<IoBackend>>(setup.make_backend())
                                    : make_backend(options.backend, options.max_syncs);
  if (!backend) throw std::runtime_error("no backend: " + backend.error().message());
  tl::expected<std::unique_ptr<sluicefs::Mount>, sluicefs::MountError> mount(nullptr);
  std::thread([&] {
    if (setup.prepare_thread) setup.prepare_thread();
    mount = sluicefs::Mount::start(options, std::move(source), std::move(*backend), setup.ignored_offers);
  }).join();
  if (!mount) throw std::runtime_error("no mount: " + mount.error().message);
  return std::move(*mount);
}

}  // namespace

sluicefs::DataMode data_mode_from(std::string_view name) {
  for (const auto mode :
       {sluicefs::DataMode::tracked, sluicefs::DataMode::passthrough, sluicefs::DataMode::automatic}) {
    if (name == name_of(mode)) return mode;
  }
  throw std::runtime_error("not a data mode: " + std::string(name));
}

sluicefs::DataMode data_mode_of_environment() {
  const char* const name = std::getenv("SLUICE_TEST_DATA");
  return data_mode_from(name == nullptr ? "tracked" : name);
}

std::ostream& operator<<(std::ostream& out, const SyncCounts& counts) {
  return out << counts.barriers << " barriers, " << counts.elided << " elided, " << counts.syncs << " syncs";
}

MountFixture::MountFixture(MountSetup setup) {
  make_directories(setup);
  source_fd_.reset(::open(source_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!source_fd_.valid()) throw std::runtime_error("cannot open " + source_);
  sluicefs::Options options;
  options.source = source_;
  options.mountpoint = mountpoint_;
  options.read_only = setup.read_only;
  options.mount_flags = setup.mount_flags;
  options.data = setup.data.value_or(data_mode_of_environment());
  UniqueFd source(::fcntl(source_fd_.get(), F_DUPFD_CLOEXEC, 0));
  try {
    mount_ = start(options, std::move(source), setup);
  } catch (...) {
    remove_directories();
    throw;
  }
}

MountFixture::~MountFixture() {
  if (mount_) {
    static_cast<void>(unmount(MNT_DETACH));
    static_cast<void>(mount_->finish());
  }
  remove_directories();
}

void MountFixture::make_directories(const MountSetup& setup) {
  base_ = setup.parent + "/sluice-mount-XXXXXX";
  if (::mkdtemp(base_.data()) == nullptr) throw std::runtime_error("cannot make " + base_);
  ::chmod(base_.c_str(), 0755);
  source_ = base_ + "/source";
  mountpoint_ = setup.over_source ? source_ : base_ + "/mount";
  for (const std::string& directory : {source_, base_ + "/mount"}) {
    ::mkdir(directory.c_str(), 0755);
    ::chmod(directory.c_str(), 0755);
  }
}

void MountFixture::remove_directories() {
  std::error_code ignored;
  // Never through a mount that could not be taken away.
  if (!is_mount_point(mountpoint_)) std::filesystem::remove_all(base_, ignored);
}

std::string MountFixture::at(std::string_view name) const {
  return mountpoint_ + "/" + std::string(name);
}

std::string MountFixture::source(std::string_view name) const {
  return "/proc/self/fd/" + std::to_string(source_fd_.get()) + "/" + std::string(name);
}

SyncCounts MountFixture::counts() const {
  const CountersSnapshot all = mount_->counters();
  return {all.data.barriers + all.full.barriers, all.data.elided + all.full.elided,
          all.data.syncs + all.full.syncs};
}

int MountFixture::unmount(int flags) const {
  return ::umount2(mountpoint_.c_str(), flags) == 0 ? 0 : errno;
}

sluicefs::StopReport MountFixture::finish() {
  pollfd ended{mount_->ended_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, kEndDeadlineMs), 1) << "the connection has not ended";
  sluicefs::StopReport report = mount_->finish();
  mount_.reset();
  return report;
}

sluicefs::StopReport MountFixture::stop() {
  EXPECT_EQ(unmount(), 0);
  return finish();
}

void MountTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  fixture_ = std::make_unique<MountFixture>(setup());
}

}  // namespace sluice::testing
