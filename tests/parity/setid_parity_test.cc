#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "parity_test.h"

// What becomes of setuid and setgid bits. Most steps are in tests/system/mount_setid_test.cc; here are those
// that are about groups.

namespace sluice::testing::parity {
namespace {

constexpr mode_t kModes[] = {04755, 02755, 02745, 06777, 06644, 02600};

/// A file of the caller's with those bits, of that group.
std::string make_setid(Place& at, mode_t mode, gid_t group) {
  static int number = 0;
  const std::string name = "file " + std::to_string(++number);
  at.make_file(name, "hello", 0600);
  at.give(name, at.caller().uid, group);
  at.as_root([&] { at.require(::chmod(name.c_str(), mode) == 0, name); });
  return name;
}

constexpr gid_t kGroups[] = {kOwnGroup, kSharedGroup, kForeignGroup};

template <typename Step>
void on_each(Place& at, Step step) {
  for (const mode_t mode : kModes) {
    for (const gid_t group : kGroups) {
      const std::string name = make_setid(at, mode, group);
      step(name);
      at.show(name);
    }
  }
}

PARITY_TEST(Setid, GoesByAWrite) {
  on_each(at, [&](const std::string& name) {
    const UniqueFd fd = OPEN(::open(name.c_str(), O_WRONLY));
    CALL(::write(fd.get(), "x", 1));
  });
}

PARITY_TEST(Setid, GoesByATruncation) {
  on_each(at, [&](const std::string& name) { CALL(::truncate(name.c_str(), 2)); });
}

PARITY_TEST(Setid, GoesByAnAllocation) {
  on_each(at, [&](const std::string& name) {
    const UniqueFd fd = OPEN(::open(name.c_str(), O_WRONLY));
    CALL(::fallocate(fd.get(), 0, 0, 100));
  });
}

PARITY_TEST(Setid, GoesByAChangeOfGroup) {
  for (const gid_t to : kGroups) {
    on_each(at, [&](const std::string& name) { CALL(::chown(name.c_str(), static_cast<uid_t>(-1), to)); });
  }
}

PARITY_TEST(Setid, GoesByAChangeOfOwner) {
  on_each(at, [&](const std::string& name) {
    CALL(::chown(name.c_str(), at.caller().uid, static_cast<gid_t>(-1)));
  });
}

PARITY_TEST(Setid, GoesByAChownThatNamesNobody) {
  const auto chown_to_nobody = [&] {
    on_each(at, [&](const std::string& name) {
      CALL(::chown(name.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(-1)));
    });
  };
  if (!at.caller().is_root()) return chown_to_nobody();
  at.exempt(exemptions::kChownToNobody, chown_to_nobody);
  at.spare_tree();
}

PARITY_TEST(Setid, IsTakenOffByChmodWhereTheFileIsOfAForeignGroup) {
  for (const gid_t group : kGroups) {
    at.make_file("f " + std::to_string(group));
    at.give("f " + std::to_string(group), at.caller().uid, group);
    CALL(::chmod(("f " + std::to_string(group)).c_str(), 06755));
    at.show("f " + std::to_string(group));
  }
}

}  // namespace
}  // namespace sluice::testing::parity
