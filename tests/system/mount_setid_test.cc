#include <fcntl.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"

// Who may not keep setuid and setgid bits and file capabilities loses them by changing a file, as on the
// source: each step is done to a file of the mount and to a file beside it, and the two are compared. With
// HANDLE_KILLPRIV_V2 that is the daemon's duty, without it the kernel's.

namespace sluice::testing {
namespace {

constexpr uid_t kOwner = 4001;
constexpr gid_t kGroup = 4002;
constexpr gid_t kOtherGroup = 4003;
constexpr uid_t kSameOwner = static_cast<uid_t>(-1);
constexpr gid_t kSameGroup = static_cast<gid_t>(-1);
constexpr std::size_t kBlock = 4096;
constexpr std::size_t kSize = 3 * kBlock;

/// Something that changes a file; system calls only, since it runs in a child. 0 or the error number.
struct Step {
  std::string_view name;
  int (*run)(const char* path);
};

template <typename Change>
int with_open(const char* path, int flags, Change change) {
  const int fd = ::open(path, flags | O_CLOEXEC, 0666);
  if (fd < 0) return errno;
  const int error = error_of(change(fd));
  ::close(fd);
  return error;
}

int write_direct(int fd) {
  alignas(kBlock) static std::array<char, kBlock> block{};
  return ::pwrite(fd, block.data(), block.size(), 0) < 0 ? -1 : 0;
}

int write_mapped(int fd) {
  void* const address = ::mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return -1;
  static_cast<char*>(address)[0] = 'm';
  const int synced = ::msync(address, kBlock, MS_SYNC);
  ::munmap(address, kBlock);
  return synced;
}

int copy_within(int fd) {
  off_t from = kBlock;
  off_t to = 0;
  return ::copy_file_range(fd, &from, fd, &to, kBlock, 0) < 0 ? -1 : 0;
}

constexpr std::string_view kMappedWrite = "MappedWrite";
constexpr std::string_view kChownToNobody = "ChownToNobody";

/// Says by an ACL what the mode says.
int set_acl(const char* path) {
  struct {
    posix_acl_xattr_header header{POSIX_ACL_XATTR_VERSION};
    std::array<posix_acl_xattr_entry, 3> entries{{{ACL_USER_OBJ, 7, static_cast<__le32>(ACL_UNDEFINED_ID)},
                                                  {ACL_GROUP_OBJ, 6, static_cast<__le32>(ACL_UNDEFINED_ID)},
                                                  {ACL_OTHER, 7, static_cast<__le32>(ACL_UNDEFINED_ID)}}};
  } acl;
  return error_of(::setxattr(path, "system.posix_acl_access", &acl, sizeof acl, 0));
}

constexpr std::array kSteps = {
    Step{"Write",
         [](const char* path) {
           return with_open(path, O_WRONLY, [](int fd) { return ::write(fd, "x", 1); });
         }},
    Step{"EmptyWrite",
         [](const char* path) {
           return with_open(path, O_WRONLY, [](int fd) { return ::write(fd, "x", 0); });
         }},
    Step{"Append",
         [](const char* path) {
           return with_open(path, O_WRONLY | O_APPEND, [](int fd) { return ::write(fd, "x", 1); });
         }},
    Step{"DirectWrite", [](const char* path) { return with_open(path, O_WRONLY | O_DIRECT, write_direct); }},
    Step{kMappedWrite, [](const char* path) { return with_open(path, O_RDWR, write_mapped); }},
    Step{"Truncate", [](const char* path) { return error_of(::truncate(path, 10)); }},
    Step{"Ftruncate",
         [](const char* path) {
           return with_open(path, O_WRONLY, [](int fd) { return ::ftruncate(fd, 10); });
         }},
    Step{"OpenTruncating",
         [](const char* path) { return with_open(path, O_WRONLY | O_TRUNC, [](int) { return 0; }); }},
    Step{"OpenTruncatingForReading",
         [](const char* path) { return with_open(path, O_RDONLY | O_TRUNC, [](int) { return 0; }); }},
    Step{"CreateTruncating",
         [](const char* path) {
           return with_open(path, O_WRONLY | O_CREAT | O_TRUNC, [](int) { return 0; });
         }},
    Step{"Allocate",
         [](const char* path) {
           return with_open(path, O_WRONLY, [](int fd) { return ::fallocate(fd, 0, 0, 2 * kSize); });
         }},
    Step{"PunchHole",
         [](const char* path) {
           return with_open(path, O_WRONLY, [](int fd) {
             return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kBlock);
           });
         }},
    Step{"ZeroRange",
         [](const char* path) {
           return with_open(path, O_WRONLY,
                            [](int fd) { return ::fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, kBlock); });
         }},
    Step{"CopyFileRange", [](const char* path) { return with_open(path, O_RDWR, copy_within); }},
    Step{kChownToNobody, [](const char* path) { return error_of(::chown(path, kSameOwner, kSameGroup)); }},
    Step{"ChangeGroup", [](const char* path) { return error_of(::chown(path, kSameOwner, kOtherGroup)); }},
    Step{"Chmod", [](const char* path) { return error_of(::chmod(path, 06777)); }},
    Step{"SetAcl", set_acl},
    Step{"Read",
         [](const char* path) {
           char byte = 0;
           return with_open(path, O_RDONLY, [&](int fd) { return ::read(fd, &byte, 1); });
         }},
};

struct Writer {
  const char* name;
  User user;
};
const std::array kWriters = {
    Writer{"root", {0, 0, {}}},
    Writer{"owner", {kOwner, kOwner, {kOtherGroup}}},
    Writer{"owner in the group", {kOwner, kGroup, {kOtherGroup}}},
    Writer{"member of the group", {4004, kGroup, {}}},
    Writer{"somebody else", {65534, 65534, {}}},
};

struct Setid {
  Step step;
  bool negotiated;
};
std::ostream& operator<<(std::ostream& out, const Setid& setid) {
  return out << setid.step.name;
}

std::vector<Setid> every_step() {
  std::vector<Setid> all;
  for (const bool negotiated : {true, false}) {
    for (const Step& step : kSteps) all.push_back({step, negotiated});
  }
  return all;
}

class MountSetid : public ::testing::TestWithParam<Setid> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    MountSetup setup;
    if (!GetParam().negotiated) setup.ignored_offers = FUSE_HANDLE_KILLPRIV_V2;
    fixture_ = std::make_unique<MountFixture>(setup);
    if (GetParam().negotiated && (fixture_->mount().init_facts().offered & FUSE_HANDLE_KILLPRIV_V2) == 0) {
      GTEST_SKIP() << "this kernel does not offer HANDLE_KILLPRIV_V2";
    }
    ASSERT_EQ(fixture_->mount().init_facts().handle_killpriv_v2, GetParam().negotiated);
    // By its name, since a user may not go through /proc/self/fd after setuid(2).
    beside_ = std::filesystem::canonical(fixture_->source(".")).string() + "/beside";
  }

  [[nodiscard]] sluicefs::Mount& mount() const { return fixture_->mount(); }
  [[nodiscard]] std::string mounted() const { return fixture_->at("mounted"); }
  [[nodiscard]] const std::string& beside() const { return beside_; }

  /// What the step leaves of a new file, as `look` sees it.
  template <typename Look>
  std::string after_step(const std::string& path, const Writer& writer, mode_t mode, Look look) const {
    make_file(path, std::string(kSize, '.'));
    EXPECT_EQ(::chown(path.c_str(), kOwner, kGroup), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    add_capability(path);
    EXPECT_EQ(mode_of(path), mode);
    const int error = run_as(writer.user, [&] { return GetParam().step.run(path.c_str()); });
    std::string seen = std::string(std::strerror(error)) + ", " + look(path);
    EXPECT_EQ(::unlink(path.c_str()), 0);
    return seen;
  }

  static std::string octal_mode(const std::string& path) {
    std::ostringstream octal;
    octal << std::oct << mode_of(path);
    return octal.str();
  }

  static void add_capability(const std::string& path) {
    vfs_cap_data capability{};
    capability.magic_etc = VFS_CAP_REVISION_2;
    capability.data[0].permitted = 1U << CAP_NET_RAW;
    EXPECT_EQ(::setxattr(path.c_str(), "security.capability", &capability, XATTR_CAPS_SZ_2, 0), 0);
  }

 private:
  std::unique_ptr<MountFixture> fixture_;
  std::string beside_;
};

/// Where mount and source differ, and why that is right or not ours to change.
bool differs_from_source(const Setid& setid, const Writer& writer, mode_t mode) {
  // The kernel says the same of a chown(2) that names neither owner nor group as before a write, which others
  // than the owner may make as well, and which leaves the bits when it is root's.
  if (setid.negotiated && setid.step.name == kChownToNobody && writer.user.uid != kOwner) return true;
  // A kernel that drops the bits itself spares setgid where nobody may execute as the group, so that it means
  // nothing; on the source it goes unless the writer is in the group.
  return !setid.negotiated && (mode & (S_ISGID | S_IXGRP)) == S_ISGID;
}

TEST_P(MountSetid, LeavesTheBitsThatItLeavesOnTheSource) {
  for (const Writer& writer : kWriters) {
    for (const mode_t mode : {06777U, 04777U, 02777U, 02767U, 0777U}) {
      if (differs_from_source(GetParam(), writer, mode)) continue;
      SCOPED_TRACE(::testing::Message() << writer.name << ", mode " << std::oct << mode);
      EXPECT_EQ(after_step(mounted(), writer, mode, octal_mode),
                after_step(beside(), writer, mode, octal_mode));
    }
  }
}

TEST_P(MountSetid, LeavesTheCapabilitiesThatItLeavesOnTheSource) {
  const auto capability = [](const std::string& path) {
    return xattr(path, "security.capability") ? "capable" : "not capable";
  };
  for (const Writer& writer : kWriters) {
    SCOPED_TRACE(writer.name);
    // The daemon writes what the source's own kernel would only map, and no write leaves them.
    const bool passes_daemon =
        GetParam().step.name == kMappedWrite && mount().data_mode() == sluicefs::DataMode::tracked;
    const std::string expected =
        passes_daemon ? "Success, not capable" : after_step(beside(), writer, 0777, capability);
    EXPECT_EQ(after_step(mounted(), writer, 0777, capability), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Step, MountSetid, ::testing::ValuesIn(every_step()), [](const auto& parameter) {
  return std::string(parameter.param.step.name).append(parameter.param.negotiated ? "" : "WithoutKillpriv");
});

}  // namespace
}  // namespace sluice::testing
