#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

PARITY_TEST(Chmod, EveryKindOfBits) {
  at.make_file("f", "text");
  at.make_directory("d");
  for (const int mode : {0, 0400, 0777, 01777, 02755, 02644, 04755, 04644, 06777, 07777, 010644, 0100644}) {
    for (const char* const name : {"f", "d"}) {
      at.call(fmt::format("chmod {} {:o}", name, mode),
              [&] { return ::chmod(name, static_cast<mode_t>(mode)); });
      at.show(name);
    }
  }
}

PARITY_TEST(Chmod, ChangesNoTimesThatPeopleSee) {
  at.make_file("f");
  at.make_old("f");
  CALL(::chmod("f", 0600));
  at.show("f");
}

PARITY_TEST(Chmod, OfWhatIsSomebodyElses) {
  at.as_root([&] {
    at.make_file("theirs", "", 0666);
    at.make_directory("their directory", 0777);
  });
  CALL(::chmod("theirs", 0777));
  CALL(::chmod("their directory", 0755));
  CALL(::chmod("absent", 0755));
}

PARITY_TEST(Chmod, SetgidNeedsMembershipInTheGroup) {
  for (const gid_t group : {kOwnGroup, kSharedGroup, kForeignGroup}) {
    const std::string name = std::to_string(group);
    at.make_file(name);
    at.give(name, at.caller().uid, group);
    CALL(::chmod(name.c_str(), 02755));
    at.show(name);
    at.make_directory("d" + name);
    at.give("d" + name, at.caller().uid, group);
    CALL(::chmod(("d" + name).c_str(), 02755));
    at.show("d" + name);
  }
}

PARITY_TEST(Chmod, ByDescriptor) {
  at.make_file("f");
  const UniqueFd fd(::open("f", O_RDONLY));
  const UniqueFd path(::open("f", O_PATH));
  CALL(::fchmod(fd.get(), 0640));
  CALL(::fchmod(path.get(), 0600));
  CALL(::chmod(("/proc/self/fd/" + std::to_string(path.get())).c_str(), 0604));
  at.show("f");
}

PARITY_TEST(Chown, ToEveryOwnerAndGroup) {
  constexpr uid_t kSame = static_cast<uid_t>(-1);
  for (const uid_t uid : {kSame, uid_t{0}, kOwner, kStranger, uid_t{4294967294U}}) {
    for (const gid_t gid : {kSame, gid_t{0}, kOwnGroup, kSharedGroup, kForeignGroup, gid_t{4294967294U}}) {
      if (uid == kSame && gid == kSame) continue;  // Below.
      const std::string name = fmt::format("{} {}", uid, gid);
      at.make_file(name, "", 06755);
      at.make_old(name);
      CALL(::chown(name.c_str(), uid, gid));
      at.show(name);
    }
  }
}

PARITY_TEST(Chown, ToNobody) {
  const auto chown_to_nobody = [&](mode_t mode) {
    at.make_file("f", "", mode);
    at.make_old("f");
    CALL(::chown("f", static_cast<uid_t>(-1), static_cast<gid_t>(-1)));
    at.show("f");
    at.require(::unlink("f") == 0, "unlink");
  };
  for (const int mode : {0777, 01777, 04755, 02755, 06755, 02644}) {
    const bool has_bits = (mode & (S_ISUID | S_ISGID)) != 0;
    if (!has_bits || !at.caller().is_root()) chown_to_nobody(static_cast<mode_t>(mode));
  }
  if (at.caller().is_root()) at.exempt(exemptions::kChownToNobody, [&] { chown_to_nobody(06755); });
}

PARITY_TEST(Chown, TakesSetuidAndSetgidAwayAsNatively) {
  for (const int mode : {04755, 02755, 06755, 02644, 06644, 04644, 07777, 01777}) {
    const std::string file = fmt::format("f{:o}", mode);
    const std::string directory = fmt::format("d{:o}", mode);
    at.make_file(file, "", static_cast<mode_t>(mode));
    at.make_directory(directory, static_cast<mode_t>(mode));
    for (const std::string& name : {file, directory}) {
      CALL(::chown(name.c_str(), static_cast<uid_t>(-1), at.caller().gid));
      at.show(name);
    }
  }
}

PARITY_TEST(Chown, OfWhatIsSomebodyElses) {
  at.as_root([&] {
    at.make_file("theirs", "", 0666);
    at.require(::symlink("theirs", "l") == 0, "symlink");
  });
  CALL(::chown("theirs", at.caller().uid, at.caller().gid));
  CALL(::chown("theirs", static_cast<uid_t>(-1), static_cast<gid_t>(-1)));
  CALL(::lchown("l", at.caller().uid, at.caller().gid));
  CALL(::chown("absent", 0, 0));
}

PARITY_TEST(Chown, ByDescriptor) {
  at.make_file("f");
  const UniqueFd fd(::open("f", O_RDONLY));
  const UniqueFd path(::open("f", O_PATH));
  CALL(::fchown(fd.get(), at.caller().uid, at.caller().gid));
  CALL(::fchown(path.get(), at.caller().uid, at.caller().gid));
  CALL(::fchownat(path.get(), "", at.caller().uid, at.caller().gid, AT_EMPTY_PATH));
  at.show("f");
}

PARITY_TEST(Utimens, KeepsNanosecondsAndFarTimes) {
  constexpr long kLast = 999'999'999;
  const timespec times[] = {{0, 0},
                            {1, 1},
                            {-1, kLast},
                            {-2147483648LL, 0},
                            {-2147483649LL, 5},
                            {2147483647LL, kLast},
                            {2147483648LL, 1},
                            {4294967296LL, 123'456'789},
                            {15032385535LL, 7},
                            {15032385536LL, 7},
                            {100'000'000'000LL, 7},
                            {LONG_MAX, 0},
                            {LONG_MIN, 0}};
  for (const timespec& time : times) {
    const std::string name = fmt::format("{}.{}", time.tv_sec, time.tv_nsec);
    at.make_file(name);
    const timespec both[2] = {time, {1'234'567'890, 987'654'321}};
    CALL(::utimensat(AT_FDCWD, name.c_str(), both, 0));
    at.show(name);
    const timespec swapped[2] = {both[1], both[0]};
    CALL(::utimensat(AT_FDCWD, name.c_str(), swapped, 0));
    at.show(name);
  }
}

PARITY_TEST(Utimens, NowAndOmit) {
  const timespec kinds[] = {{0, UTIME_NOW}, {0, UTIME_OMIT}, {5, 6}, {0, 1'000'000'000}, {0, -1}};
  for (const timespec& access : kinds) {
    for (const timespec& modification : kinds) {
      const std::string name = fmt::format("{} {}", access.tv_nsec, modification.tv_nsec);
      at.make_file(name);
      at.make_old(name);
      const timespec both[2] = {access, modification};
      CALL(::utimensat(AT_FDCWD, name.c_str(), both, 0));
      at.show(name);
    }
  }
  at.make_file("null");
  at.make_old("null");
  CALL(::utimensat(AT_FDCWD, "null", nullptr, 0));
  at.show("null");
}

PARITY_TEST(Utimens, OfWhatIsSomebodyElses) {
  at.as_root([&] {
    at.make_file("readable", "", 0644);
    at.make_file("writable", "", 0666);
  });
  const timespec exact[2] = {{1, 2}, {3, 4}};
  const timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  const timespec one_now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  const timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
  for (const char* const name : {"readable", "writable"}) {
    at.make_old(name);
    CALL(::utimensat(AT_FDCWD, name, exact, 0));
    CALL(::utimensat(AT_FDCWD, name, now, 0));
    CALL(::utimensat(AT_FDCWD, name, one_now, 0));
    CALL(::utimensat(AT_FDCWD, name, omit, 0));
    CALL(::utimensat(AT_FDCWD, name, nullptr, 0));
    at.show(name);
  }
}

PARITY_TEST(Utimens, OfDirectoriesSymlinksAndDescriptors) {
  at.make_directory("d");
  at.require(::symlink("d", "l") == 0 && ::mkfifo("p", 0600) == 0, "make");
  const timespec times[2] = {{1, 2}, {3, 4}};
  const timespec others[2] = {{5, 6}, {7, 8}};
  CALL(::utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
  CALL(::utimensat(AT_FDCWD, "l", others, 0));
  CALL(::utimensat(AT_FDCWD, "p", others, 0));
  const UniqueFd fd(::open("d", O_RDONLY));
  const UniqueFd path(::open("d", O_PATH));
  at.show("d");
  at.show("l");
  CALL(::futimens(fd.get(), times));
  CALL(::futimens(path.get(), others));
  CALL(::utimensat(path.get(), "", others, AT_EMPTY_PATH));
  CALL(::utimensat(AT_FDCWD, "absent", others, 0));
  at.show("d");
}

PARITY_TEST(Truncate, ToEverySize) {
  at.make_file("f", std::string(10'000, 'x'));
  for (const off_t size : {off_t{10'000}, off_t{5'000}, off_t{1}, off_t{0}, off_t{0}, off_t{7},
                           off_t{1} << 33, off_t{1} << 62, off_t{-1}}) {
    at.make_old("f");
    CALL(::truncate("f", size));
    at.show("f");
  }
  CALL(::truncate("f", 3));
}

PARITY_TEST(Truncate, OfWhatIsNoFileOrMayNotBeWritten) {
  at.make_directory("d");
  at.require(::mkfifo("p", 0600) == 0, "mkfifo");
  at.make_file("read-only", "text", 0400);
  at.as_root([&] { at.make_file("theirs", "text", 0644); });
  for (const char* const name : {"d", "p", "read-only", "theirs", "absent", "."}) CALL(::truncate(name, 1));
  const UniqueFd reader(::open("theirs", O_RDONLY));
  CALL(::ftruncate(reader.get(), 0));
  const UniqueFd directory(::open("d", O_RDONLY));
  CALL(::ftruncate(directory.get(), 0));
}

}  // namespace
}  // namespace sluice::testing::parity
