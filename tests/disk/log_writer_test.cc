#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "bare_disk.h"

namespace sluice::testing {
namespace {

RawLog::Entry mark_entry(const std::string& text) {
  return {.sector = 0, .sectors = 0, .flags = kRawMark, .content = text};
}

TEST(LogWriter, BeginsWithTheHeaderOfDmLogWrites) {
  BareDisk disk;
  const RawLog log = disk.log();
  EXPECT_EQ(log.magic, 0x6a736677736872U);
  EXPECT_EQ(log.version, 1U);
  EXPECT_EQ(log.sector_bytes, 512U);
  EXPECT_TRUE(log.entries.empty());
  EXPECT_EQ(log.bytes_left, 0);
}

TEST(LogWriter, HasWritesDiscardsFlushesAndMarksAsTheyCame) {
  BareDisk disk;
  disk.write(7, 'a');
  disk.flush();
  ASSERT_EQ(disk->mark("between two writes").value(), 3U);
  ASSERT_TRUE(disk->discard({16 * BareDisk::kSector, 8 * BareDisk::kSector}));
  disk.write(9, 'b');
  const RawLog log = disk.log();
  EXPECT_EQ(log.entries,
            (std::vector<RawLog::Entry>{write_entry(7, 'a'),
                                        kFlushEntry,
                                        mark_entry("between two writes"),
                                        {.sector = 16, .sectors = 8, .flags = kRawDiscard, .content = {}},
                                        write_entry(9, 'b')}));
  EXPECT_EQ(log.bytes_left, 0);
}

TEST(LogWriter, HasWhatWasWrittenAndNotWhatIsThereNow) {
  BareDisk disk;
  disk.write(1, 'a');
  disk.write(1, 'b');
  EXPECT_EQ(disk.log().entries, (std::vector{write_entry(1, 'a'), write_entry(1, 'b')}));
}

TEST(LogWriter, HasAWriteThatCameDuringAFlushBehindIt) {
  BareDisk disk;
  disk.write(1, 'a');
  disk->begin_flush();
  disk.write(2, 'b');
  ASSERT_TRUE(disk->discard({0, BareDisk::kSector}));
  EXPECT_EQ(disk->counts().log_position, 1U);
  ASSERT_TRUE(disk->finish_flush());
  const RawLog::Entry discard{.sector = 0, .sectors = 1, .flags = kRawDiscard, .content = {}};
  EXPECT_EQ(disk.log().entries,
            (std::vector{write_entry(1, 'a'), kFlushEntry, write_entry(2, 'b'), discard}));
  EXPECT_EQ(disk->counts().log_position, 4U);
}

TEST(LogWriter, LosesNoWriteThatCameDuringAFlushThatFailedOrWasIgnored) {
  BareDisk disk;
  disk->fail_flushes(0, 1);
  disk->begin_flush();
  disk.write(1, 'a');
  ASSERT_FALSE(disk->finish_flush());
  disk->ignore_flushes(true);
  disk->begin_flush();
  disk.write(2, 'b');
  ASSERT_TRUE(disk->finish_flush());
  EXPECT_EQ(disk.log().entries, (std::vector{write_entry(1, 'a'), write_entry(2, 'b')}));
}

TEST(LogWriter, HasAFlushByTheTimeItIsAnswered) {
  BareDisk disk;
  disk->begin_flush();
  EXPECT_TRUE(disk.log().entries.empty());
  ASSERT_TRUE(disk->finish_flush());
  EXPECT_EQ(disk.log().entries, std::vector{kFlushEntry});
}

TEST(LogWriter, TakesMarksThatFillASectorAndNoLongerOnes) {
  BareDisk disk;
  const std::string longest(512 - 32, 'm');
  EXPECT_TRUE(disk->mark(longest));
  EXPECT_EQ(disk->mark(longest + "m").error(), Errno(ENAMETOOLONG));
  EXPECT_EQ(disk.log().entries, std::vector{mark_entry(longest)});
}

TEST(LogWriter, RefusesPartsOfSectors) {
  Result<LogWriter> log = LogWriter::create("/dev/null");
  ASSERT_TRUE(log);
  const std::array<std::byte, 100> data{};
  EXPECT_EQ(log->append_write(0, data).error(), Errno(EINVAL));
  EXPECT_EQ(log->append_write(100, {}).error(), Errno(EINVAL));
  EXPECT_EQ(log->append_discard(0, 100).error(), Errno(EINVAL));
  EXPECT_EQ(log->position(), 0U);
}

/// No file grows beyond `bytes` while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST(LogWriter, TakesNothingMoreOnceAnEntryCouldNotBeWritten) {
  BareDisk disk;
  {
    const FileSizeLimit room_for_one_flush(1024);
    EXPECT_EQ(disk.flush(), 0);
    EXPECT_EQ(disk.flush(), EFBIG);
  }
  EXPECT_EQ(disk.flush(), EFBIG);
  EXPECT_EQ(disk.log().entries, std::vector{kFlushEntry});
}

TEST(LogWriter, SaysWhyItCannotBeMade) {
  EXPECT_EQ(LogWriter::create("/dev/full").error(), Errno(ENOSPC));
  EXPECT_EQ(LogWriter::create("/no/such/directory/log").error(), Errno(ENOENT));
}

TEST(LogWriter, IsNeededForMarks) {
  Disk disk(UniqueFd(::memfd_create("image", MFD_CLOEXEC)), std::nullopt,
            std::move(*CounterFile::create("")));
  EXPECT_EQ(disk.mark("text").error(), Errno(ENODATA));
}

}  // namespace
}  // namespace sluice::testing
