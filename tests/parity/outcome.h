#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing::parity {

/// One thing that a test saw: what it did, and what came of it. Printable.
struct Note {
  std::string label;
  std::string value;
  std::string exemption;  ///< The name of one, or empty.

  friend bool operator==(const Note&, const Note&) = default;
};

/// What a test saw in one place, in order.
struct Outcome {
  std::vector<Note> notes;
  /// Why the test could not do what it meant to; empty when it could.
  std::string failure;
  /// The test asked that the tree which it leaves behind not be looked at.
  bool spares_tree = false;
};

/// One line for each note, without tabs and newlines of its own; parse() is the way back.
std::string serialise(const Outcome& outcome);
Outcome parse(std::string_view text);

/// For people, where the two are not the same; empty when they are. Notes under an exemption may differ, and
/// it is a difference when none of those of an exemption does.
std::string differences(const Outcome& mount, const Outcome& bare);

// How things are written in notes.

/// "ENOENT"; "0" for 0.
std::string error_name(int error);
/// Bytes that do not print as \xNN; what is long is cut, with its length and a digest.
std::string printable(std::string_view bytes);
/// What is compared of an inode. Times that are not before `now` are written as "now".
std::string printable(const struct stat& status, const timespec& now);
std::string printable(const timespec& time, const timespec& now);

}  // namespace sluice::testing::parity
