#include "mount/mount_flags.h"

#include <sys/statvfs.h>

namespace sluicefs {

namespace {

void apply(const std::string& word, MountFlags& flags) {
  if (word == "suid" || word == "nosuid") flags.suid = word == "suid";
  if (word == "dev" || word == "nodev") flags.dev = word == "dev";
  if (word == "exec" || word == "noexec") flags.exec = word == "exec";
}

}  // namespace

MountFlags flags_of_mount(const Options& options, unsigned long below, bool by_root) {
  MountFlags flags;
  flags.suid = by_root && (below & ST_NOSUID) == 0;
  flags.dev = by_root && (below & ST_NODEV) == 0;
  flags.exec = (below & ST_NOEXEC) == 0;
  for (const std::string& word : options.mount_flags) apply(word, flags);
  return flags;
}

std::vector<std::string> words_of(const MountFlags& flags) {
  std::vector<std::string> words;
  if (flags.suid) words.emplace_back("suid");
  if (flags.dev) words.emplace_back("dev");
  if (!flags.exec) words.emplace_back("noexec");
  return words;
}

}  // namespace sluicefs
