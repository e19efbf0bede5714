#pragma once

#include <sys/types.h>

#include <array>
#include <string_view>
#include <vector>

namespace sluice::testing::parity {

// Groups that tests give files to: everybody but root has kOwnGroup, the member alone kSharedGroup as a
// supplementary group, nobody kForeignGroup.
inline constexpr gid_t kOwnGroup = 3100;
inline constexpr gid_t kSharedGroup = 3200;
inline constexpr gid_t kForeignGroup = 3300;
inline constexpr uid_t kOwner = 3001;
/// Nobody's uid but that of files which belong to somebody else.
inline constexpr uid_t kStranger = 3002;

/// By whom a test is run.
struct Caller {
  std::string_view name;
  uid_t uid;
  gid_t gid;
  bool has_shared_group;

  [[nodiscard]] bool is_root() const { return uid == 0; }
  [[nodiscard]] std::vector<gid_t> groups() const {
    return has_shared_group ? std::vector<gid_t>{kSharedGroup} : std::vector<gid_t>{};
  }
};

inline constexpr std::array kCallers = {
    Caller{"root", 0, 0, false},
    Caller{"user", kOwner, kOwnGroup, false},
    Caller{"member", kOwner, kOwnGroup, true},
};

}  // namespace sluice::testing::parity
