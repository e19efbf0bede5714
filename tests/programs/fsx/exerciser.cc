#include "exerciser.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <system_error>
#include <utility>

#include "file_io.h"

namespace sluice::fsx {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kKeptLog = 60;

}  // namespace

Exerciser::Exerciser(Setup setup)
    : setup_(std::move(setup)),
      lots_(setup_.seed),
      handles_(setup_.limits.handles),
      reader_(open_file(setup_.path, O_RDONLY)),
      direct_reader_(open_file(setup_.path, O_RDONLY | O_DIRECT)),
      source_(open_file(setup_.source, O_RDWR)) {
  model_.resize(size_of(source_.get()));
  for (Handle& handle : handles_) open(handle, Flavour::plain);
  mapping_ = MappedFile(handles_.front().fd.get(), setup_.limits.end, MAP_SHARED);
}

void Exerciser::open(Handle& handle, Flavour flavour) {
  handle.fd = open_file(setup_.path, O_RDWR | open_flags(flavour));
  handle.flavour = flavour;
}

std::string Exerciser::last_operations() const {
  return fmt::format("{}", fmt::join(log_, "\n"));
}

void Exerciser::step() {
  const Operation operation = draw(lots_, setup_.limits, model_.size());
  const std::uint64_t way = lots_.any();
  log_.push_back(fmt::format("{}: size {}, {}", steps_, model_.size(), describe(operation)));
  if (log_.size() > kKeptLog) log_.pop_front();
  try {
    perform(operation);
    if (!dirty_pages_ && !own().empty() && tells_lie(Lie::flip)) flip_a_byte();
    compare(way);
  } catch (const std::system_error& error) {
    throw Difference(error.what());
  }
  ++steps_;
}

std::span<const char> Exerciser::own() const {
  return model_.part(setup_.limits.begin, setup_.limits.end - setup_.limits.begin);
}

void Exerciser::compare(std::uint64_t way) {
  const std::size_t begin = setup_.limits.begin;
  const std::size_t size = own().size();
  compare_size("the mount", reader_.get());
  switch (way % (reads_direct() ? 4 : 3)) {
    case 0: {
      const PageBuffer buffer(size + 1);
      compare_with("read", buffer.bytes().first(read_range(reader_.get(), buffer.bytes(), begin)), begin);
      break;
    }
    case 1:
      compare_with("the mapping", {mapping_.at(begin), size}, begin);
      break;
    case 2: {
      const MappedFile fresh(reader_.get(), setup_.limits.end, MAP_PRIVATE);
      compare_with("a private mapping", {fresh.at(begin), size}, begin);
      break;
    }
    default: {
      const std::size_t from = begin / kPage * kPage;
      const PageBuffer buffer((begin - from + size) / kPage * kPage + kPage);
      const std::size_t got = read_range(direct_reader_.get(), buffer.bytes(), from);
      compare_with("direct read", buffer.bytes().first(got).subspan(std::min(got, begin - from)), begin);
    }
  }
  if (dirty_pages_) return;
  compare_size("the source", source_.get());
  const PageBuffer buffer(size + 1);
  compare_with("the source", buffer.bytes().first(read_range(source_.get(), buffer.bytes(), begin)), begin);
}

/// ext4 by itself may answer a direct read with EIO while neighbours write to the file by other ways (seen on
/// Linux 6.18, which logs "Direct I/O collision with buffered writes").
bool Exerciser::reads_direct() const {
  return setup_.limits.odd_direct || !setup_.limits.fixed_size;
}

void Exerciser::compare_size(const char* way, int fd) const {
  const std::size_t found = size_of(fd);
  if (found == model_.size()) return;
  throw Difference(fmt::format("{}: {} bytes instead of {}", way, found, model_.size()));
}

/// `found` starts at `offset` and may have more than is ours where others have the rest of the file.
void Exerciser::compare_with(const char* way, std::span<const char> found, std::size_t offset) const {
  const std::span<const char> wanted = model_.part(offset, own().size());
  const bool up_to_end = offset + wanted.size() == model_.size();
  if (found.size() < wanted.size() || (up_to_end && found.size() > wanted.size())) {
    throw Difference(
        fmt::format("{}: got {} bytes at {} instead of {}", way, found.size(), offset, wanted.size()));
  }
  const auto [at, other] = std::mismatch(wanted.begin(), wanted.end(), found.begin());
  if (at == wanted.end()) return;
  const auto differing =
      std::inner_product(wanted.begin(), wanted.end(), found.begin(), std::size_t{0}, std::plus<>(),
                         [](char one, char two) { return one == two ? std::size_t{0} : std::size_t{1}; });
  throw Difference(fmt::format("{}: {} bytes differ, the first at {}: {:#04x} instead of {:#04x}", way,
                               differing, offset + static_cast<std::size_t>(at - wanted.begin()),
                               static_cast<unsigned char>(*other), static_cast<unsigned char>(*at)));
}

bool Exerciser::tells_lie(Lie lie) {
  const bool now = setup_.lie == lie && !lied_ && steps_ >= setup_.lie_from;
  lied_ = lied_ || now;
  return now;
}

void Exerciser::flip_a_byte() {
  const auto offset = static_cast<off_t>(setup_.limits.begin + lots_.below(own().size()));
  std::array<char, 1> byte{};
  checked(::pread(source_.get(), byte.data(), 1, offset), "pread");
  byte.front() = static_cast<char>(byte.front() ^ 1);
  checked(::pwrite(source_.get(), byte.data(), 1, offset), "pwrite");
}

}  // namespace sluice::fsx
