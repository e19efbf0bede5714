#include "recording.h"

#include <fstream>
#include <stdexcept>

#include "workloads.h"

namespace sluice::testing {
namespace {

std::filesystem::path notes(const std::filesystem::path& directory) {
  return directory / "notes";
}

}  // namespace

void Recording::save() const {
  std::ofstream out(notes(directory));
  out << workload->name() << ' ' << seed << '\n'
      << name_of(file_system) << ' ' << disk_bytes << ' ' << tree.string() << '\n'
      << range.begin << ' ' << range.end << '\n';
  workload->save(out);
  if (!out.flush()) throw std::runtime_error("cannot write " + notes(directory).string());
}

Recording Recording::load(const std::filesystem::path& directory) {
  std::ifstream in(notes(directory));
  Recording recording;
  recording.directory = directory;
  std::string name;
  std::string file_system;
  std::string tree;
  in >> name >> recording.seed >> file_system >> recording.disk_bytes >> tree >> recording.range.begin >>
      recording.range.end;
  recording.tree = tree;
  if (!in) throw std::runtime_error("no recording in " + directory.string());
  recording.file_system = file_system_from(file_system);
  recording.workload = make_workload(name, recording.seed);
  if (recording.workload) recording.workload->load(in);
  if (!in || !recording.workload) throw std::runtime_error("damaged notes in " + directory.string());
  return recording;
}

}  // namespace sluice::testing
