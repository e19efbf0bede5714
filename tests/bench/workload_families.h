#pragma once

#include <memory>
#include <vector>

#include "workload.h"

/// What all_workloads() is put together from; a file for each function.
namespace sluice::bench {

template <typename Made>
std::unique_ptr<Workload> make(const Setting& setting, Ledger& ledger) {
  return std::make_unique<Made>(setting, ledger);
}

/// Operations in a second.
[[nodiscard]] Figure rate();
/// A kind whose operations are acknowledged as durable, and whose figure is their rate.
[[nodiscard]] WorkloadKind syncing(std::string name, std::string summary, std::vector<unsigned> callers,
                                   std::unique_ptr<Workload> (*make)(const Setting&, Ledger&));
/// Latencies beside others who are busy, and the same without them (Sample::quiet).
[[nodiscard]] std::vector<Figure> beside_figures();
/// A kind that never asks for durability, and whose figure is the rate of its operations.
[[nodiscard]] WorkloadKind plain(std::string name, std::string summary, std::vector<unsigned> callers,
                                 std::unique_ptr<Workload> (*make)(const Setting&, Ledger&));
/// The same, with the mount's caches cold.
[[nodiscard]] WorkloadKind cold(WorkloadKind kind);

/// Everybody has a file and syncs it again and again.
[[nodiscard]] std::vector<WorkloadKind> sync_workloads();
/// New files, synced and renamed.
[[nodiscard]] std::vector<WorkloadKind> delivery_workloads();
/// Many files written, then synced one after another.
[[nodiscard]] std::vector<WorkloadKind> storm_workloads();
/// filebench's mail server.
[[nodiscard]] std::vector<WorkloadKind> varmail_workloads();
/// Reading beside those who sync.
[[nodiscard]] std::vector<WorkloadKind> reader_workloads();
/// Work that does not go as a file system would like to guess.
[[nodiscard]] std::vector<WorkloadKind> contrary_workloads();
/// Large files, in sequence and at random.
[[nodiscard]] std::vector<WorkloadKind> data_workloads();
/// Names and attributes.
[[nodiscard]] std::vector<WorkloadKind> name_workloads();
/// Whole trees.
[[nodiscard]] std::vector<WorkloadKind> tree_workloads();

}  // namespace sluice::bench
