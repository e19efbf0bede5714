#include "write_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "log_fixture.h"

namespace sluice::testing {
namespace {

class WriteLogTest : public LogTest {
 protected:
  void overwrite(std::uint64_t offset, char byte) {
    std::fstream(path(), std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(offset))
        .put(byte);
  }
};

TEST_F(WriteLogTest, EntriesAreReadAsTheyWereWritten) {
  write(8, filled(1, 2));
  flush();
  discard(16, 4);
  ASSERT_TRUE(writer_->append_mark("here"));
  write(0, filled(2));
  const Result<WriteLog> log = WriteLog::open(path());
  ASSERT_TRUE(log);
  const std::vector<LogEntry>& entries = log->entries();
  ASSERT_EQ(entries.size(), 5U);
  EXPECT_EQ(entries[0].offset_bytes, 8 * kSector);
  EXPECT_TRUE(std::ranges::equal(entries[0].data, filled(1, 2)));
  EXPECT_TRUE(entries[1].flush);
  EXPECT_TRUE(entries[2].discard);
  EXPECT_EQ(entries[2].offset_bytes, 16 * kSector);
  EXPECT_EQ(entries[2].length_bytes, 4 * kSector);
  EXPECT_TRUE(entries[2].data.empty());
  EXPECT_TRUE(entries[3].mark);
  EXPECT_EQ(entries[3].text, "here");
  EXPECT_TRUE(std::ranges::equal(entries[4].data, filled(2)));
}

TEST_F(WriteLogTest, AFlushIsNoWriteAndAWriteNoFlush) {
  write(0, filled(1));
  flush();
  const Result<WriteLog> log = WriteLog::open(path());
  ASSERT_TRUE(log);
  EXPECT_FALSE(log->entries()[0].flush);
  EXPECT_TRUE(log->entries()[1].data.empty());
}

TEST_F(WriteLogTest, FlagsOfTheKernelsFormatAreKnown) {
  write(0, filled(1));
  constexpr std::uint64_t kFlagsAt = kSector + offsetof(log_format::Entry, flags);
  overwrite(kFlagsAt, static_cast<char>(log_format::kFlush | log_format::kFua));
  const Result<WriteLog> log = WriteLog::open(path());
  ASSERT_TRUE(log);
  EXPECT_TRUE(log->entries()[0].flush);
  EXPECT_TRUE(log->entries()[0].fua);
  EXPECT_EQ(log->entries()[0].data.size(), kSector);
}

TEST_F(WriteLogTest, ALogThatIsCutOffIsRefused) {
  write(0, filled(1, 8));
  ASSERT_TRUE(WriteLog::open(path()));
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) - 1);
  const Result<WriteLog> log = WriteLog::open(path());
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error(), Errno(EBADMSG));
}

TEST_F(WriteLogTest, AnotherFileIsRefused) {
  write(0, filled(1));
  overwrite(0, 'x');
  const Result<WriteLog> log = WriteLog::open(path());
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error(), Errno(EBADMSG));
}

TEST_F(WriteLogTest, AnotherVersionIsRefused) {
  write(0, filled(1));
  overwrite(offsetof(log_format::Header, version), 2);
  const Result<WriteLog> log = WriteLog::open(path());
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error(), Errno(ENOTSUP));
}

}  // namespace
}  // namespace sluice::testing
