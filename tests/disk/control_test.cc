#include "control.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "bare_disk.h"

namespace sluice::testing {
namespace {

constexpr const char* kDevice = "/dev/loop-of-the-test";

std::string told(BareDisk& disk, std::string_view command) {
  return obey(*disk, kDevice, command);
}

TEST(Control, NamesTheDevice) {
  BareDisk disk;
  EXPECT_EQ(told(disk, "device"), std::string("ok ") + kDevice);
}

TEST(Control, GivesTheCounters) {
  BareDisk disk;
  disk.write(0, 'a');
  disk.flush();
  EXPECT_EQ(told(disk, "counts"),
            "ok reads=0 read_bytes=0 writes=1 write_bytes=512 discards=0 flushes=1 failed_flushes=0 "
            "ignored_flushes=0 held_flushes=0 log_position=2");
}

TEST(Control, SetsTheDelay) {
  BareDisk disk;
  EXPECT_EQ(told(disk, "flush-delay-us 20000"), "ok");
  const auto before = std::chrono::steady_clock::now();
  disk.flush();
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(20));
}

TEST(Control, ShutsAndOpensTheGate) {
  BareDisk disk;
  ASSERT_EQ(told(disk, "hold"), "ok");
  disk->begin_flush();
  std::thread flush([&] { EXPECT_TRUE(disk->finish_flush()); });
  while (disk->counts().held_flushes == 0) std::this_thread::yield();
  EXPECT_EQ(told(disk, "release"), "ok");
  flush.join();
}

TEST(Control, MakesRangesFail) {
  for (const auto& [kind, writes_fail] : {std::pair{"reads", false}, {"writes", true}, {"both", true}}) {
    BareDisk disk;
    EXPECT_EQ(told(disk, std::string("fail-range 512 512 ") + kind), "ok");
    EXPECT_EQ(disk.write(1, 'a'), writes_fail ? EIO : 0);
    EXPECT_EQ(told(disk, "clear-faults"), "ok");
    EXPECT_EQ(disk.write(1, 'a'), 0);
  }
}

TEST(Control, MakesFlushesFail) {
  BareDisk disk;
  EXPECT_EQ(told(disk, "fail-flushes 1 1"), "ok");
  EXPECT_EQ(disk.flush(), 0);
  EXPECT_EQ(disk.flush(), EIO);
  EXPECT_EQ(disk.flush(), 0);
}

TEST(Control, MakesFlushesBeIgnored) {
  BareDisk disk;
  EXPECT_EQ(told(disk, "ignore-flushes on"), "ok");
  disk.flush();
  EXPECT_EQ(told(disk, "ignore-flushes off"), "ok");
  disk.flush();
  EXPECT_EQ(disk->counts().ignored_flushes, 1U);
}

TEST(Control, MarksTheLogWithTheWholeTextAndTellsThePosition) {
  BareDisk disk;
  disk.write(0, 'a');
  EXPECT_EQ(told(disk, "mark row  17 committed"), "ok 2");
  EXPECT_EQ(disk.log().entries.at(1).content, "row  17 committed");
}

TEST(Control, AnswersWhatItDoesNotUnderstandWithEinval) {
  BareDisk disk;
  for (const char* command :
       {"", " ", "unknown", "hold now", "flush-delay-us", "flush-delay-us x", "flush-delay-us -1",
        "flush-delay-us 99999999999", "fail-range 0 512", "fail-range 0 512 all", "fail-range 0 x both",
        "fail-flushes 1", "ignore-flushes", "ignore-flushes maybe", "mark"}) {
    EXPECT_EQ(told(disk, command), "error 22 Invalid argument") << command;
  }
}

/// A disk that obeys over a socket, on a thread of its own.
class ControlSocket : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = disk_.counters().parent_path() / "control";
    Result<ControlServer> server = ControlServer::listen(path_);
    ASSERT_TRUE(server);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    end_.reset(ends[0]);
    end_writer_.reset(ends[1]);
    thread_ = std::thread([this, obeys = std::move(*server)]() mutable {
      for (;;) {
        const Result<bool> ended = obeys.serve_until_readable({end_.get()}, *disk_, kDevice);
        if (!ended || *ended) return;
      }
    });
  }
  void TearDown() override {
    end_writer_.reset();
    if (thread_.joinable()) thread_.join();
  }

  BareDisk disk_;
  std::filesystem::path path_;

 private:
  UniqueFd end_;
  UniqueFd end_writer_;
  std::thread thread_;
};

TEST_F(ControlSocket, GivesValuesAndErrors) {
  Result<ControlClient> client = ControlClient::connect(path_);
  ASSERT_TRUE(client);
  EXPECT_EQ(client->tell("device").value(), kDevice);
  EXPECT_EQ(client->tell("hold").value(), "");
  EXPECT_EQ(client->tell("release").value(), "");
  EXPECT_EQ(client->tell("unknown").error(), Errno(EINVAL));
  EXPECT_EQ(client->tell("mark " + std::string(600, 'm')).error(), Errno(ENAMETOOLONG));
}

TEST_F(ControlSocket, ServesSeveralAndGoesOnWhenOneLeaves) {
  Result<ControlClient> first = ControlClient::connect(path_);
  ASSERT_TRUE(first);
  {
    Result<ControlClient> second = ControlClient::connect(path_);
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->tell("device"));
  }
  EXPECT_TRUE(first->tell("device"));
}

TEST_F(ControlSocket, IsNotToBeHadWhereNobodyListens) {
  EXPECT_EQ(ControlClient::connect(path_.string() + "-other").error(), Errno(ENOENT));
  EXPECT_EQ(ControlClient::connect(std::string(200, 'p')).error(), Errno(ENAMETOOLONG));
}

}  // namespace
}  // namespace sluice::testing
