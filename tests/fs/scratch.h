#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluicefs {

/// A directory of the test's own; gone with it.
class Scratch {
 public:
  Scratch() {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string at(std::string_view name) const { return path_ + "/" + std::string(name); }
  /// Makes the directory, and those on the way to it.
  std::string directory(std::string_view name) const {
    std::filesystem::create_directories(at(name));
    return at(name);
  }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "sluice-fs-XXXXXX";
};

}  // namespace sluicefs
