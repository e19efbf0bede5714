#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mount_files.h"

/// What programs do with files, as calls whose faults are to be tried one by one.
namespace sluice::testing::faults {

/// A directory that one run has to itself, as the mount and as the source have it. In it are, before the run:
/// "f" and "g" of ten digits each, an empty directory "d", "s" that is a symlink to f, and "setid", whose
/// setuid and setgid bits are set.
struct Place {
  std::string mount;
  std::string source;

  [[nodiscard]] std::string at(const std::string& name) const { return mount + "/" + name; }
  [[nodiscard]] std::string behind(const std::string& name) const { return source + "/" + name; }
};
void furnish(const Place& place, const User& owner);

/// What a run says that met an answer which no program may get, such as half of a directory.
inline constexpr int kWrongAnswer = 1000;

struct Operation {
  const char* name;
  /// 0, the error number that a program is told, or kWrongAnswer.
  std::function<int(const Place&)> act;
  /// Looked at behind the mount; must hold when 0 was told.
  std::function<bool(const Place&)> has_happened;
  /// The name that is not there when an error was told; null where half may have happened.
  const char* made = nullptr;
};
std::vector<Operation> fault_operations();

}  // namespace sluice::testing::faults
