#include "workload.h"

#include <algorithm>
#include <stdexcept>

#include "workload_families.h"

namespace sluice::bench {
namespace {

std::vector<WorkloadKind> put_together() {
  std::vector<WorkloadKind> result;
  for (auto* const family :
       {sync_workloads, delivery_workloads, storm_workloads, varmail_workloads, reader_workloads,
        contrary_workloads, data_workloads, name_workloads, tree_workloads}) {
    std::ranges::move(family(), std::back_inserter(result));
  }
  return result;
}

}  // namespace

Figure rate() {
  return {"rate", "/s", Better::higher, [](const Sample& sample) { return sample.per_second(); }};
}

std::vector<Figure> beside_figures() {
  return {
      {"p50", "us", Better::lower, [](const Sample& sample) { return sample.latency.p50_us; }},
      {"p99", "us", Better::lower, [](const Sample& sample) { return sample.latency.p99_us; }},
      {"quiet p99", "us", Better::lower, [](const Sample& sample) { return sample.quiet.p99_us; }},
      {"p99 / quiet p99", "x", Better::lower,
       [](const Sample& sample) { return sample.latency.p99_us / sample.quiet.p99_us; }},
  };
}

WorkloadKind syncing(std::string name, std::string summary, std::vector<unsigned> callers,
                     std::unique_ptr<Workload> (*make)(const Setting&, Ledger&)) {
  return {.name = std::move(name),
          .summary = std::move(summary),
          .callers = std::move(callers),
          .acknowledges = true,
          .figures = {rate()},
          .make = make};
}

WorkloadKind plain(std::string name, std::string summary, std::vector<unsigned> callers,
                   std::unique_ptr<Workload> (*make)(const Setting&, Ledger&)) {
  WorkloadKind kind = syncing(std::move(name), std::move(summary), std::move(callers), make);
  kind.acknowledges = false;
  return kind;
}

WorkloadKind cold(WorkloadKind kind) {
  kind.cold = true;
  return kind;
}

const std::vector<WorkloadKind>& all_workloads() {
  static const std::vector<WorkloadKind> all = put_together();
  return all;
}

const WorkloadKind& workload_named(const std::string& name) {
  const auto found = std::ranges::find(all_workloads(), name, &WorkloadKind::name);
  if (found == all_workloads().end()) throw std::runtime_error("no workload " + name);
  return *found;
}

}  // namespace sluice::bench
