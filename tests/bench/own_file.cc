#include "own_file.h"

#include <array>

#include "file_calls.h"

namespace sluice::bench {

void append_and_sync(Caller& caller, OwnFile& own) {
  std::array<std::byte, 4096> block{};
  const std::uint64_t at = std::uint64_t{own.version} * block.size();
  stamp(block, at, ++own.version);
  append(own.file, block);
  sync_file(own.file);
  caller.acknowledged({own.name, {}, at, block.size(), own.version});
}

}  // namespace sluice::bench
