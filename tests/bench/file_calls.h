#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "sluice/unique_fd.h"

/// System calls of the workloads. Each throws std::system_error: a benchmark of calls that fail is none.
namespace sluice::bench {

[[noreturn]] void throw_errno(const std::string& what);

[[nodiscard]] UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0644);
/// All of it in one write(2), or an error.
void write_at(const UniqueFd& file, std::span<const std::byte> data, std::uint64_t offset_bytes);
void append(const UniqueFd& file, std::span<const std::byte> data);
/// What was read; less than `data` takes only at the end of the file.
std::size_t read_at(const UniqueFd& file, std::span<std::byte> data, std::uint64_t offset_bytes);
void sync_file(const UniqueFd& file);
void sync_data(const UniqueFd& file);
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
void unlink_file(const std::filesystem::path& path);
/// The file system that `path` is on.
[[nodiscard]] dev_t device_of(const std::filesystem::path& path);
/// Of the file system that `directory` is on. Through FUSE this reaches nobody.
void sync_file_system(const std::filesystem::path& directory);

}  // namespace sluice::bench
