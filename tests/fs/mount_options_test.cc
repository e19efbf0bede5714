#include "mount/mount_options.h"

#include <gtest/gtest.h>

#include <array>

namespace sluicefs {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

Options applied(std::string_view list) {
  Options options;
  const auto result = apply_mount_options(list, options);
  EXPECT_TRUE(result) << list << ": " << result.error().message;
  return options;
}

/// The error's line.
std::string refusal(std::string_view list) {
  Options options;
  const auto result = apply_mount_options(list, options);
  if (result) return "(no error)";
  EXPECT_EQ(result.error().code, ExitCode::usage) << list;
  return result.error().message;
}

TEST(MountOptions, OurOwnAreStored) {
  EXPECT_EQ(applied("max-syncs=1").max_syncs, 1U);
  EXPECT_EQ(applied("max-syncs=1024").max_syncs, 1024U);
  EXPECT_FALSE(applied("sync-ahead=off").sync_ahead);
  EXPECT_TRUE(applied("sync-ahead=off,sync-ahead=auto").sync_ahead);
  EXPECT_EQ(applied("engine=auto").backend, sluice::BackendChoice::automatic);
  EXPECT_EQ(applied("engine=io_uring").backend, sluice::BackendChoice::io_uring);
  EXPECT_EQ(applied("engine=threads").backend, sluice::BackendChoice::threads);
  EXPECT_EQ(applied("entry-timeout=1.5").entry_timeout, duration<double>(1.5));
  EXPECT_EQ(applied("attr-timeout=200ms").attr_timeout, duration<double>(0.2));
  EXPECT_EQ(applied("stop-timeout=0").stop_timeout, milliseconds(0));
  EXPECT_EQ(applied("stop-timeout=1m").stop_timeout, milliseconds(60'000));
  EXPECT_EQ(applied("allow-other").allow_other, true);
  EXPECT_EQ(applied("no-allow-other").allow_other, false);
  EXPECT_TRUE(applied("ro").read_only);
  EXPECT_TRUE(applied("debug").debug);
}

TEST(MountOptions, WithoutAnyTheDefaultsHold) {
  const Options options = applied("");
  EXPECT_EQ(options.max_syncs, 64U);
  EXPECT_TRUE(options.sync_ahead);
  EXPECT_EQ(options.backend, sluice::BackendChoice::automatic);
  EXPECT_EQ(options.stop_timeout, milliseconds(30'000));
  EXPECT_FALSE(options.allow_other || options.entry_timeout || options.attr_timeout);
  EXPECT_FALSE(options.read_only || options.debug || options.foreground);
}

TEST(MountOptions, UnderscoreAndHyphenAreTheSameInNames) {
  EXPECT_EQ(applied("max_syncs=7").max_syncs, 7U);
  EXPECT_EQ(applied("allow_other").allow_other, true);
  EXPECT_EQ(applied("no_allow-other").allow_other, false);
  EXPECT_EQ(applied("stop_timeout=1").stop_timeout, milliseconds(1000));
}

TEST(MountOptions, TheLastOfContraryOnesHolds) {
  EXPECT_FALSE(applied("ro,rw").read_only);
  EXPECT_TRUE(applied("rw,ro").read_only);
  EXPECT_EQ(applied("allow-other,no-allow-other").allow_other, false);
  EXPECT_EQ(applied("max-syncs=1,max-syncs=2").max_syncs, 2U);
}

TEST(MountOptions, TheOnlyModesThatThereAreMayBeNamed) {
  applied("durability=strict,errors=sticky");
}

TEST(MountOptions, DataTravelsAsIsSaid) {
  EXPECT_EQ(applied("data=tracked").data, DataMode::tracked);
  EXPECT_EQ(applied("data=passthrough").data, DataMode::passthrough);
  EXPECT_EQ(applied("data=auto").data, DataMode::automatic);
}

TEST(MountOptions, TheKernelsOwnAreHandedOnInOrder) {
  const std::vector<std::string> expected = {"nosuid",  "nodev", "noexec", "sync", "dirsync",
                                             "noatime", "suid",  "dev",    "exec", "async"};
  EXPECT_EQ(applied("nosuid,nodev,noexec,sync,dirsync,noatime,suid,dev,exec,async").mount_flags, expected);
}

TEST(MountOptions, WhatFstabHasForMountItselfChangesNothing) {
  const Options options = applied(
      "defaults,auto,noauto,user,nouser,users,owner,group,_netdev,nofail,comment=hello,"
      "x-systemd.requires=a.service,X-mount.mkdir,atime,diratime,nodiratime,relatime,norelatime,"
      "lazytime,nolazytime,strictatime,nostrictatime,silent,loud,default_permissions");
  EXPECT_TRUE(options.mount_flags.empty());
  EXPECT_FALSE(options.read_only);
}

TEST(MountOptions, AnEscapedCommaBelongsToTheValue) {
  applied(R"(x-note=a\,b,comment=c\,d)");
  EXPECT_EQ(refusal(R"(engine=io\,uring)"), "'-o engine=io,uring' is wrong; give auto, io_uring or threads");
}

TEST(MountOptions, AWrongOneIsNamedAndWhatWouldBeRightIsSaid) {
  struct Case {
    const char* list;
    const char* line;
  };
  constexpr std::array kCases = {
      Case{"frobnicate", "unknown option '-o frobnicate'; see sluicefs --help"},
      Case{"frobnicate=1", "unknown option '-o frobnicate'; see sluicefs --help"},
      Case{"maxsync=1", "unknown option '-o maxsync'; did you mean '-o max-syncs'?"},
      Case{"entry_timout=1", "unknown option '-o entry_timout'; did you mean '-o entry-timeout'?"},
      Case{"nosui", "unknown option '-o nosui'; did you mean '-o nosuid'?"},
      Case{"ro,dta=tracked", "unknown option '-o dta'; did you mean '-o data'?"},
      Case{"max-syncs", "'-o max-syncs' needs a value; give a number from 1 to 1024"},
      Case{"max-syncs=", "'-o max-syncs' needs a value; give a number from 1 to 1024"},
      Case{"max-syncs=0", "'-o max-syncs=0' is wrong; give a number from 1 to 1024"},
      Case{"max-syncs=1025", "'-o max-syncs=1025' is wrong; give a number from 1 to 1024"},
      Case{"sync-ahead=on", "'-o sync-ahead=on' is wrong; give auto or off"},
      Case{"max-syncs=many", "'-o max-syncs=many' is wrong; give a number from 1 to 1024"},
      Case{"engine=uring", "'-o engine=uring' is wrong; give auto, io_uring or threads"},
      Case{"entry-timeout=-1",
           "'-o entry-timeout=-1' is wrong; give a time from 0 to a year, as in 1.5, 200ms or 1h"},
      Case{"attr-timeout=8761h",
           "'-o attr-timeout=8761h' is wrong; give a time from 0 to a year, as in 1.5, 200ms or 1h"},
      Case{"stop-timeout=25h",
           "'-o stop-timeout=25h' is wrong; give a time from 0 to 24h, as in 30 or 500ms"},
      Case{"stop-timeout=soon",
           "'-o stop-timeout=soon' is wrong; give a time from 0 to 24h, as in 30 or 500ms"},
      Case{"ro=1", "'-o ro=1' takes no value; write '-o ro'"},
      Case{"allow_other=yes", "'-o allow_other=yes' takes no value; write '-o allow-other'"},
      Case{"nosuid=1", "'-o nosuid=1' takes no value; write '-o nosuid'"},
      Case{"data=fast", "'-o data=fast' is wrong; give tracked, passthrough or auto"},
      Case{"durability=window", "'-o durability=window' is not there yet; use durability=strict"},
      Case{"durability=manual", "'-o durability=manual' is not there yet; use durability=strict"},
      Case{"errors=once", "'-o errors=once' is not there yet; use errors=sticky"},
      Case{"remount", "'-o remount' is not there yet; unmount and mount again"},
  };
  for (const Case& known : kCases) EXPECT_EQ(refusal(known.list), known.line);
}

TEST(MountOptions, HelpNamesEveryOption) {
  const std::string help = mount_options_help();
  for (const char* const name :
       {"data", "durability", "errors", "max-syncs", "engine", "sync-ahead", "entry-timeout", "attr-timeout",
        "stop-timeout", "allow-other", "no-allow-other", "ro", "rw", "debug", "nosuid"}) {
    EXPECT_NE(help.find(name), std::string::npos) << name;
  }
}

TEST(MountOptions, HelpSaysWhatIsHonouredWithoutOptions) {
  const std::string help = mount_options_help();
  EXPECT_NE(help.find("default: as the mount of SOURCE"), std::string::npos);
  EXPECT_NE(help.find("for users nosuid, nodev"), std::string::npos);
}

}  // namespace
}  // namespace sluicefs
