#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "contender.h"

namespace sluice::bench {

/// What the command line says of contenders.
struct ContenderChoices {
  /// The program that is measured.
  std::filesystem::path sluicefs = {};
  /// Another build of it; empty for none.
  std::filesystem::path earlier = {};
  /// NAME=OPTIONS of mount, for each way to mount it; OPTIONS may be empty.
  std::vector<std::string> modes = {};
  /// Programs of others; those that are empty are left out.
  std::filesystem::path bindfs = {};
  std::filesystem::path passthrough_ll = {};
  std::filesystem::path passthrough_hp = {};
  std::filesystem::path eatmydata = {};
  /// NAME=COMMAND of further peers; in COMMAND, {source} and {mount} stand for the directories. It serves in
  /// the foreground; words are separated by single spaces.
  std::vector<std::string> peers = {};
  /// Names; only these take part. Empty: all.
  std::vector<std::string> only = {};
  /// Whom the others are compared with.
  std::string against = "native";
  /// Names of those that are held to be strict although they do not say so themselves.
  std::vector<std::string> claimed_strict = {};
};

/// In the order of the report: `against`, the directory itself, then the others. Throws std::runtime_error
/// for a name that is none.
[[nodiscard]] std::vector<Contender> contenders_of(const ContenderChoices& choices);

/// Where the program is that a shell would find; empty when there is none.
[[nodiscard]] std::filesystem::path find_program(const std::string& name);

}  // namespace sluice::bench
