#pragma once

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <optional>
#include <vector>

#include "log_writer.h"
#include "write_log.h"
#include "write_log_format.h"

namespace sluice::testing {

inline constexpr std::uint64_t kSector = log_format::kSectorBytes;

/// `sectors` sectors that hold `value` throughout.
inline std::vector<std::byte> filled(int value, std::size_t sectors = 1) {
  return std::vector<std::byte>(sectors * kSector, static_cast<std::byte>(value));
}

/// A test that writes a log and reads it back.
class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "log-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    Result<LogWriter> created = LogWriter::create(path());
    ASSERT_TRUE(created);
    writer_.emplace(std::move(*created));
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::filesystem::path path() const { return directory_ / "log"; }

  void write(std::uint64_t sector, const std::vector<std::byte>& data) {
    ASSERT_TRUE(writer_->append_write(sector * kSector, data));
  }
  void discard(std::uint64_t sector, std::uint64_t sectors) {
    ASSERT_TRUE(writer_->append_discard(sector * kSector, sectors * kSector));
  }
  void flush() { ASSERT_TRUE(writer_->append_flush()); }

  std::optional<LogWriter> writer_;

 private:
  std::filesystem::path directory_;
};

}  // namespace sluice::testing
