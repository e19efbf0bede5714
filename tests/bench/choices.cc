#include "choices.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace sluice::bench {
namespace {

/// Acknowledged means durable, unless the mount is told otherwise.
bool is_strict(const std::string& mount_options) {
  constexpr std::string_view kDurability = "durability=";
  const std::size_t at = mount_options.find(kDurability);
  return at == std::string::npos || mount_options.substr(at + kDurability.size()).starts_with("strict");
}

Contender ours(const std::string& name, const std::filesystem::path& program, const std::string& options) {
  Contender result{.name = name, .mount_command = {program, "-f"}, .launcher = {}};
  if (!options.empty()) result.mount_command.insert(result.mount_command.end(), {"-o", options});
  result.mount_command.insert(result.mount_command.end(), {"{source}", "{mount}"});
  result.claims_strict = is_strict(options);
  return result;
}

Contender peer(const std::string& name, std::vector<std::string> command) {
  return {.name = name, .mount_command = std::move(command), .launcher = {}, .is_peer = true};
}

struct NameAndRest {
  std::string name;
  std::string rest;
};

/// What is before the first '=' and behind it.
NameAndRest split(const std::string& text) {
  const std::size_t at = text.find('=');
  NameAndRest result{.name = text.substr(0, at),
                     .rest = at == std::string::npos ? std::string() : text.substr(at + 1)};
  if (result.name.empty()) throw std::runtime_error("no name in " + text);
  return result;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; std::getline(stream, word, ' ');) words.push_back(word);
  return words;
}

std::vector<Contender> our_modes(const ContenderChoices& choices) {
  std::vector<Contender> result;
  for (const std::string& mode : choices.modes) {
    const auto [name, options] = split(mode);
    result.push_back(ours(name, choices.sluicefs, options));
    if (!choices.earlier.empty()) result.push_back(ours(name + "-earlier", choices.earlier, options));
  }
  return result;
}

std::vector<Contender> others(const ContenderChoices& choices) {
  std::vector<Contender> result;
  if (!choices.passthrough_ll.empty()) {
    result.push_back(
        peer("passthrough_ll", {choices.passthrough_ll, "-f", "-o", "source={source}", "{mount}"}));
  }
  if (!choices.passthrough_hp.empty()) {
    result.push_back(peer("passthrough_hp", {choices.passthrough_hp, "--foreground", "{source}", "{mount}"}));
  }
  if (!choices.bindfs.empty()) {
    result.push_back(peer("bindfs", {choices.bindfs, "-f", "{source}", "{mount}"}));
  }
  for (const std::string& text : choices.peers) {
    const auto [name, command] = split(text);
    result.push_back(peer(name, words_of(command)));
  }
  if (!choices.eatmydata.empty()) {
    // On the directory itself; what it acknowledges is not even asked for.
    result.push_back(
        {.name = "eatmydata", .mount_command = {}, .launcher = {choices.eatmydata}, .claims_strict = false});
  }
  return result;
}

Contender& find(std::vector<Contender>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Contender::name);
  if (found == all.end()) throw std::runtime_error("no contender " + name + ", or its program is not there");
  return *found;
}

}  // namespace

std::vector<Contender> contenders_of(const ContenderChoices& choices) {
  std::vector<Contender> all{{.name = "native", .mount_command = {}, .launcher = {}}};
  std::ranges::move(our_modes(choices), std::back_inserter(all));
  std::ranges::move(others(choices), std::back_inserter(all));
  for (const std::string& name : choices.claimed_strict) find(all, name).claims_strict = true;
  for (const std::string& name : choices.only) (void)find(all, name);
  (void)find(all, choices.against);
  if (!choices.only.empty()) {
    std::erase_if(all, [&](const Contender& contender) {
      return std::ranges::find(choices.only, contender.name) == choices.only.end();
    });
  }
  std::stable_partition(all.begin(), all.end(),
                        [&](const Contender& contender) { return contender.name == choices.against; });
  return all;
}

std::filesystem::path find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::filesystem::path program = std::filesystem::path(directory) / name;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

}  // namespace sluice::bench
