#pragma once

#include <cstdint>
#include <string_view>

namespace sluicefs {

/// How the data of files travels (-o data=); choose_io_mode() says what each comes to for an inode.
enum class DataMode : std::uint8_t { tracked, passthrough, automatic };

/// As the option has it.
constexpr std::string_view name_of(DataMode mode) {
  switch (mode) {
    case DataMode::passthrough:
      return "passthrough";
    case DataMode::automatic:
      return "auto";
    case DataMode::tracked:
      break;
  }
  return "tracked";
}

}  // namespace sluicefs
