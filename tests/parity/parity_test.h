#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "place.h"
#include "scene.h"

/// Tests that a mount does what the file system below does. A test writes its calls once:
///
///   PARITY_TEST(Rename, ReplacesAFile) {
///     at.make_file("old", "1");                              // prepare: fails the test if it cannot
///     at.as_root([&] { at.make_file("theirs"); });           // somebody else's
///     at.make_old("old");                                    // a time that changes is seen then
///     CALL(::rename("old", "theirs"));                       // noted: the value or the error
///     const UniqueFd fd = OPEN(::open("theirs", O_RDONLY));  // noted: success or the error
///     at.show("theirs");                                     // noted: attributes
///     at.note("bytes read", count);                          // noted: whatever you say
///   }
///
/// It is run by root, by a user and by a user with a supplementary group (caller.h), on ext4, XFS and btrfs,
/// each time on the mount and on a bare directory, in a process of its own that stands in a new directory
/// which belongs to the caller; names are relative to it. Do not use the macros of GoogleTest in it. Compared
/// are the notes, in order, and the tree that the test leaves, as seen through the mount and behind it.
///
///   what a call returns, its errno     CALL(expression), OPEN(expression) for descriptors
///   attributes                         at.show(path), at.show(fd)
///   bytes, names, xattrs               at.content(path), at.names(path), at.xattrs(path)
///   anything else                      at.note(label, value)
///   by somebody else                   at.as_root(…), at.as(caller, …)
///   preparation                        at.make_file, make_directory, give, make_old, require
///   a difference that has to be        at.exempt(exemptions::kName, …), listed in exemption.h
///   very many files                    at.spare_tree()
///   a test that takes long             if (!at.is_in_sample()) return;
///   on one file system only            if (at.file_system() != FileSystem::ext4) return;
namespace sluice::testing::parity {

using ParityBody = std::function<void(Place& at)>;

/// What one caller saw on the mount that differs from the bare directory; empty when nothing does.
std::string compare(Scene& scene, const Caller& caller, const ParityBody& body);

/// What one caller sees in a directory that is there.
Outcome observe(FileSystem type, const Caller& caller, const ParityBody& body, const std::string& directory,
                const timespec& start);

/// The scene of this process on that file system; made when it is first asked for.
Scene& scene_on(FileSystem type);

class ParityRegistration {
 public:
  ParityRegistration(const char* suite, const char* name, const char* file, int line, const ParityBody& body);
};

}  // namespace sluice::testing::parity

#define PARITY_TEST(suite, name)                                                          \
  static void suite##name##Parity([[maybe_unused]] ::sluice::testing::parity::Place& at); \
  static const ::sluice::testing::parity::ParityRegistration suite##name##Registration(   \
      #suite, #name, __FILE__, __LINE__, suite##name##Parity);                            \
  static void suite##name##Parity([[maybe_unused]] ::sluice::testing::parity::Place& at)

#define CALL(expression) at.call(#expression, [&] { return expression; })
#define OPEN(expression) at.open(#expression, [&] { return expression; })
