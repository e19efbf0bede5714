#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "child_process.h"

namespace sluice::bench {

/// A way for programs to see a directory.
struct Contender {
  std::string name = {};
  /// What mounts it and serves in the foreground; "{source}" and "{mount}" stand for the directories. Empty:
  /// the directory itself.
  std::vector<std::string> mount_command = {};
  /// What programs are run with, before their own words.
  std::vector<std::string> launcher = {};
  /// Says that what it acknowledges is durable; is held to it.
  bool claims_strict = true;
  /// One of the others that are compared with, in place of ours or the directory itself.
  bool is_peer = false;
};

/// A contender in use, for as long as this lives; then unmounted and its process gone, whatever happened.
class MountedContender {
 public:
  /// Makes the directory `source`, and `mount` if it is mounted. Throws std::runtime_error with what the
  /// program said when it does not mount.
  MountedContender(const Contender& contender, std::filesystem::path source, std::filesystem::path mount,
                   const Interrupt& interrupt);
  ~MountedContender();
  MountedContender(const MountedContender&) = delete;
  MountedContender& operator=(const MountedContender&) = delete;

  /// Where programs see it.
  [[nodiscard]] const std::filesystem::path& directory() const { return server_ ? mount_ : source_; }
  /// What serves it; none for the directory itself.
  [[nodiscard]] std::optional<pid_t> server() const;
  /// Unmounts it and waits for the end of its process. Throws std::runtime_error when it stays busy or the
  /// process ends badly.
  void unmount();
  /// The same, then mounts it again: nothing is left in its caches.
  void mount_anew();

 private:
  void mount();

  const Contender contender_;
  const std::filesystem::path source_;
  const std::filesystem::path mount_;
  const Interrupt& interrupt_;
  UniqueFd said_;
  std::optional<ChildProcess> server_;
};

}  // namespace sluice::bench
