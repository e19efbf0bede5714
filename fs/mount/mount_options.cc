#include "mount/mount_options.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mount/parse_value.h"

namespace sluicefs {

namespace {

using std::chrono::duration;

constexpr unsigned kMaxMaxSyncs = 1024;
constexpr duration<double> kMaxTimeout = std::chrono::hours(24 * 365);
constexpr duration<double> kMaxStopTimeout = std::chrono::hours(24);

/// One option of our own. `apply` says whether it liked the value; `wanted` is what it would have liked.
struct OwnOption {
  std::string_view name;
  std::string_view value;  ///< Its placeholder in --help; empty: the option takes none.
  std::string_view wanted;
  std::string_view help;
  bool (*apply)(std::string_view value, Options& options);
};

bool apply_timeout(std::string_view value, std::optional<duration<double>>& to) {
  const auto parsed = parse_duration(value);
  if (!parsed || *parsed > kMaxTimeout) return false;
  to = *parsed;
  return true;
}

bool apply_max_syncs(std::string_view value, Options& options) {
  const std::optional<unsigned> number = parse_number(value);
  if (!number || *number < 1 || *number > kMaxMaxSyncs) return false;
  options.max_syncs = *number;
  return true;
}

template <typename Choice, std::size_t kCount>
bool apply_choice(std::string_view value, const std::array<std::pair<std::string_view, Choice>, kCount>& all,
                  Choice& to) {
  const auto* const found =
      std::find_if(all.begin(), all.end(), [&](const auto& choice) { return choice.first == value; });
  if (found == all.end()) return false;
  to = found->second;
  return true;
}

bool apply_engine(std::string_view value, Options& options) {
  constexpr std::array<std::pair<std::string_view, sluice::BackendChoice>, 3> kEngines = {
      {{"auto", sluice::BackendChoice::automatic},
       {"io_uring", sluice::BackendChoice::io_uring},
       {"threads", sluice::BackendChoice::threads}}};
  return apply_choice(value, kEngines, options.backend);
}

bool apply_data(std::string_view value, Options& options) {
  constexpr std::array<std::pair<std::string_view, DataMode>, 3> kModes = {
      {{"tracked", DataMode::tracked},
       {"passthrough", DataMode::passthrough},
       {"auto", DataMode::automatic}}};
  return apply_choice(value, kModes, options.data);
}

bool apply_sync_ahead(std::string_view value, Options& options) {
  if (value != "auto" && value != "off") return false;
  options.sync_ahead = value == "auto";
  return true;
}

bool apply_stop_timeout(std::string_view value, Options& options) {
  const auto parsed = parse_duration(value);
  if (!parsed || *parsed > kMaxStopTimeout) return false;
  options.stop_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(*parsed);
  return true;
}

constexpr std::string_view kTimeWanted = "a time from 0 to a year, as in 1.5, 200ms or 1h";

constexpr std::array kOwnOptions = {
    OwnOption{"data", "WHICH", "tracked, passthrough or auto", "tracked, passthrough or auto (default auto)",
              apply_data},
    OwnOption{"durability", "strict", "durability=strict", "an acknowledged fsync is durable",
              [](std::string_view value, Options&) { return value == "strict"; }},
    OwnOption{"errors", "sticky", "errors=sticky", "a failed sync fails the later ones too",
              [](std::string_view value, Options&) { return value == "sticky"; }},
    OwnOption{"max-syncs", "N", "a number from 1 to 1024", "syncs that run at once (default 64)",
              apply_max_syncs},
    OwnOption{"engine", "WHICH", "auto, io_uring or threads", "auto, io_uring or threads (default auto)",
              apply_engine},
    OwnOption{"sync-ahead", "WHEN", "auto or off", "sync before being asked: auto or off (default auto)",
              apply_sync_ahead},
    OwnOption{
        "entry-timeout", "TIME", kTimeWanted, "how long the kernel keeps names (default 1s; 24h on SOURCE)",
        [](std::string_view value, Options& options) { return apply_timeout(value, options.entry_timeout); }},
    OwnOption{
        "attr-timeout", "TIME", kTimeWanted, "how long it keeps attributes (the same)",
        [](std::string_view value, Options& options) { return apply_timeout(value, options.attr_timeout); }},
    OwnOption{"stop-timeout", "TIME", "a time from 0 to 24h, as in 30 or 500ms",
              "how long a stop waits for programs there (default 30s)", apply_stop_timeout},
    OwnOption{"allow-other", "", "", "other users may use the mount (default for root)",
              [](std::string_view, Options& options) {
                options.allow_other = true;
                return true;
              }},
    OwnOption{"no-allow-other", "", "", "they may not (default for users)",
              [](std::string_view, Options& options) {
                options.allow_other = false;
                return true;
              }},
    OwnOption{"ro", "", "", "mount read-only",
              [](std::string_view, Options& options) {
                options.read_only = true;
                return true;
              }},
    OwnOption{"rw", "", "", "mount for reading and writing (default)",
              [](std::string_view, Options& options) {
                options.read_only = false;
                return true;
              }},
    OwnOption{"debug", "", "", "log what happens in detail, as -d does",
              [](std::string_view, Options& options) {
                options.debug = true;
                return true;
              }},
};

/// Modes that are planned, so that whoever has read of them is not told that they are unknown.
constexpr std::array<std::string_view, 4> kNotYet = {"durability=window", "durability=manual", "errors=once",
                                                     "remount"};

/// What libfuse 3.14 and fusermount3 know, for them and the kernel to act on.
constexpr std::array<std::string_view, 10> kHandedOn = {"dev",    "nodev", "suid",  "nosuid",  "exec",
                                                        "noexec", "sync",  "async", "dirsync", "noatime"};

/// What mount(8) and fstab(5) use themselves, and flags that change nothing on FUSE: the kernel keeps no
/// access times for it (S_NOATIME), and default_permissions is always on.
constexpr std::array<std::string_view, 23> kIgnored = {"defaults",
                                                       "auto",
                                                       "noauto",
                                                       "user",
                                                       "nouser",
                                                       "users",
                                                       "owner",
                                                       "group",
                                                       "_netdev",
                                                       "nofail",
                                                       "comment",
                                                       "atime",
                                                       "diratime",
                                                       "nodiratime",
                                                       "relatime",
                                                       "norelatime",
                                                       "lazytime",
                                                       "nolazytime",
                                                       "strictatime",
                                                       "nostrictatime",
                                                       "silent",
                                                       "loud",
                                                       "default_permissions"};

std::string normal(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

template <typename Names>
bool contains(const Names& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return normal(known) == name; });
}

tl::unexpected<MountError> wrong(std::string message) {
  return tl::unexpected<MountError>(MountError{ExitCode::usage, std::move(message)});
}

tl::unexpected<MountError> unknown(const std::string& name) {
  std::vector<std::string_view> names;
  for (const OwnOption& own : kOwnOptions) names.push_back(own.name);
  names.insert(names.end(), kHandedOn.begin(), kHandedOn.end());
  const auto nearest = nearest_name(normal(name), names);
  return wrong(nearest ? fmt::format("unknown option '-o {}'; did you mean '-o {}'?", name, *nearest)
                       : fmt::format("unknown option '-o {}'; see sluicefs --help", name));
}

tl::expected<void, MountError> apply_own(const OwnOption& own, const std::string& item,
                                         const std::optional<std::string>& value, Options& options) {
  if (own.value.empty()) {
    if (value) return wrong(fmt::format("'-o {}' takes no value; write '-o {}'", item, own.name));
    own.apply({}, options);
    return {};
  }
  if (!value || value->empty()) {
    return wrong(fmt::format("'-o {}' needs a value; give {}", own.name, own.wanted));
  }
  if (!own.apply(*value, options)) return wrong(fmt::format("'-o {}' is wrong; give {}", item, own.wanted));
  return {};
}

tl::expected<void, MountError> apply_one(const std::string& item, Options& options) {
  if (item.starts_with("x-") || item.starts_with("X-")) return {};
  const std::size_t equals = item.find('=');
  const std::string name = normal(item.substr(0, equals));
  std::optional<std::string> value;
  if (equals != std::string::npos) value = item.substr(equals + 1);
  if (contains(kIgnored, name)) return {};

  const auto* const own = std::find_if(kOwnOptions.begin(), kOwnOptions.end(),
                                       [&](const OwnOption& option) { return option.name == name; });
  if (contains(kNotYet, normal(item))) {
    return wrong(own == kOwnOptions.end()
                     ? fmt::format("'-o {}' is not there yet; unmount and mount again", item)
                     : fmt::format("'-o {}' is not there yet; use {}", item, own->wanted));
  }
  if (own != kOwnOptions.end()) return apply_own(*own, item, value, options);
  if (!contains(kHandedOn, name)) return unknown(item.substr(0, equals));
  if (value) return wrong(fmt::format("'-o {}' takes no value; write '-o {}'", item, name));
  options.mount_flags.push_back(name);
  return {};
}

}  // namespace

tl::expected<void, MountError> apply_mount_options(std::string_view list, Options& options) {
  for (const std::string& item : split_option_list(list)) {
    if (auto applied = apply_one(item, options); !applied) return applied;
  }
  return {};
}

std::string mount_options_help() {
  std::string help;
  for (const OwnOption& own : kOwnOptions) {
    const std::string left =
        own.value.empty() ? std::string(own.name) : fmt::format("{}={}", own.name, own.value);
    help += fmt::format("  {:<22} {}\n", left, own.help);
  }
  help += "  suid dev exec, nosuid nodev noexec\n";
  help += "                         as mount(8) has them (default: as the mount of SOURCE;\n";
  help += "                         for users nosuid, nodev)\n";
  help += "  sync async dirsync noatime\n";
  help += "                         as mount(8) has them\n";
  return help;
}

}  // namespace sluicefs
