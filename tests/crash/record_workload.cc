#include "record_workload.h"

#include <algorithm>
#include <exception>
#include <fstream>
#include <istream>
#include <iterator>
#include <map>
#include <optional>
#include <ostream>
#include <thread>

namespace sluice::testing {

namespace {

constexpr std::uint32_t kFilesPerWriter = 100000;

std::optional<std::vector<char>> contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::vector<char>(std::istreambuf_iterator<char>(file), {});
}

/// The file under the first of its names that exists.
std::optional<std::vector<char>> find(const std::filesystem::path& directory, const FilePromise& promise) {
  for (const std::string& name : promise.names) {
    if (auto found = contents(directory / name)) return found;
  }
  return std::nullopt;
}

std::vector<std::string> losses_of(const std::filesystem::path& directory, const FilePromise& promise) {
  const std::string file = "file " + std::to_string(promise.file);
  const std::optional<std::vector<char>> bytes = find(directory, promise);
  if (!bytes)
    return {file + " has none of its names, of which " + promise.names.front() + " was made durable"};
  std::vector<std::string> losses;
  for (std::size_t slot = 0; slot < promise.versions.size(); ++slot) {
    if (promise.versions[slot] == 0) continue;
    const std::string where = file + ", slot " + std::to_string(slot);
    const std::size_t offset = slot * kRecordBytes;
    if (bytes->size() < offset + kRecordBytes) {
      losses.push_back(where + " is behind the end of the file");
      continue;
    }
    const std::optional<Record> record =
        decode(std::as_bytes(std::span(*bytes).subspan(offset, kRecordBytes)));
    if (!record || record->file != promise.file || record->slot != slot) {
      losses.push_back(where + " holds no record of it");
    } else if (record->version < promise.versions[slot]) {
      losses.push_back(where + " has version " + std::to_string(record->version) + ", acknowledged was " +
                       std::to_string(promise.versions[slot]));
    }
  }
  return losses;
}

/// How many there are, then each; none holds a blank.
template <typename T>
void save_list(std::ostream& out, const std::vector<T>& list) {
  out << ' ' << list.size();
  for (const T& each : list) out << ' ' << each;
}

template <typename T>
std::vector<T> load_list(std::istream& in) {
  std::vector<T> list;
  std::size_t count = 0;
  in >> count;
  for (T each{}; list.size() < count && in >> each;) list.push_back(each);
  return list;
}

}  // namespace

void RecordWorkload::run(const std::filesystem::path& directory, const LogPosition& position) {
  std::vector<std::thread> threads;
  std::exception_ptr failure;
  for (unsigned i = 0; i < options_.writers; ++i) {
    threads.emplace_back([&, i] {
      try {
        RecordWriter writer(directory, i * kFilesPerWriter, options_.seed * 1000 + i);
        for (unsigned step = 0; step < options_.steps_per_writer; ++step) {
          writer.step();
          note(position(), writer.promise());
        }
      } catch (...) {
        const MutexLock lock(mutex_);
        failure = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

void RecordWorkload::note(std::uint64_t acknowledged_at, FilePromise promise) {
  const MutexLock lock(mutex_);
  promises_.push_back({acknowledged_at, std::move(promise)});
}

std::vector<std::uint64_t> RecordWorkload::acknowledged_at() const {
  std::vector<std::uint64_t> positions;
  {
    const MutexLock lock(mutex_);
    for (const TimedPromise& each : promises_) positions.push_back(each.position);
  }
  std::ranges::sort(positions);
  return positions;
}

std::vector<FilePromise> RecordWorkload::due(std::uint64_t position) const {
  std::map<std::uint32_t, FilePromise> newest;
  const MutexLock lock(mutex_);
  for (const auto& [acknowledged_at, promise] : promises_) {
    const auto known = newest.find(promise.file);
    if (acknowledged_at <= position) {
      newest[promise.file] = promise;
    } else if (known != newest.end()) {
      // It may have been renamed before the cut, though nobody was told that this is durable.
      known->second.names.insert(known->second.names.end(), promise.names.begin(), promise.names.end());
    }
  }
  std::vector<FilePromise> all;
  for (auto& [file, promise] : newest) all.push_back(std::move(promise));
  return all;
}

std::vector<std::string> RecordWorkload::losses(const std::filesystem::path& directory,
                                                std::uint64_t position) const {
  std::vector<std::string> all;
  for (const FilePromise& promise : due(position)) {
    const std::vector<std::string> of_file = losses_of(directory, promise);
    all.insert(all.end(), of_file.begin(), of_file.end());
  }
  return all;
}

void RecordWorkload::save(std::ostream& out) const {
  const MutexLock lock(mutex_);
  out << promises_.size() << '\n';
  for (const auto& [position, promise] : promises_) {
    out << position << ' ' << promise.file;
    save_list(out, promise.names);
    save_list(out, promise.versions);
    out << '\n';
  }
}

void RecordWorkload::load(std::istream& in) {
  const MutexLock lock(mutex_);
  std::size_t count = 0;
  in >> count;
  promises_.clear();
  for (TimedPromise next{}; promises_.size() < count && in >> next.position >> next.promise.file;) {
    next.promise.names = load_list<std::string>(in);
    next.promise.versions = load_list<std::uint64_t>(in);
    promises_.push_back(next);
  }
}

}  // namespace sluice::testing
