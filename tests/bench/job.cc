#include "job.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "child_process.h"
#include "disk_gauge.h"

namespace sluice::bench {
namespace {

using nlohmann::json;

/// More than any run takes beyond its duration.
constexpr std::chrono::minutes kRunPatience{10};

json json_of(const Job& job) {
  return {{"prepare", job.part == Job::Part::prepare},
          {"workload", job.workload},
          {"directory", job.setting.directory.string()},
          {"scratch", job.setting.scratch.string()},
          {"callers", job.setting.callers},
          {"duration_ms", job.setting.duration.count()},
          {"scale", job.setting.scale},
          {"server", job.server},
          {"gauge", job.gauge},
          {"record", job.record}};
}

Job job_from(const json& text) {
  return {.part = text.at("prepare").get<bool>() ? Job::Part::prepare : Job::Part::run,
          .workload = text.at("workload"),
          .setting = {.directory = text.at("directory").get<std::string>(),
                      .scratch = text.at("scratch").get<std::string>(),
                      .callers = text.at("callers"),
                      .duration = std::chrono::milliseconds(text.at("duration_ms").get<int>()),
                      .scale = text.at("scale")},
          .server = text.at("server"),
          .gauge = text.at("gauge"),
          .record = text.at("record")};
}

json json_of(const Sample& sample, const Ledger& ledger) {
  std::ostringstream notes;
  ledger.save(notes);
  return {{"operations", sample.operations},
          {"seconds", sample.seconds},
          {"latency_us", {sample.latency.p50_us, sample.latency.p99_us}},
          {"quiet_us", {sample.quiet.p50_us, sample.quiet.p99_us}},
          {"acknowledged", sample.acknowledged},
          {"flushes", sample.flushes},
          {"written_bytes", sample.written_bytes},
          {"server", {sample.server.memory_bytes, sample.server.descriptors, sample.server.cpu_seconds}},
          {"ledger", notes.str()}};
}

JobResult result_from(const json& text) {
  const auto latencies = [&](const char* name) {
    return Latencies{.p50_us = text.at(name).at(0), .p99_us = text.at(name).at(1)};
  };
  std::istringstream notes(text.at("ledger").get<std::string>());
  return {.sample = {.operations = text.at("operations"),
                     .seconds = text.at("seconds"),
                     .latency = latencies("latency_us"),
                     .quiet = latencies("quiet_us"),
                     .acknowledged = text.at("acknowledged"),
                     .flushes = text.at("flushes"),
                     .written_bytes = text.at("written_bytes"),
                     .server = {.memory_bytes = text.at("server").at(0),
                                .descriptors = text.at("server").at(1),
                                .cpu_seconds = text.at("server").at(2)}},
          .ledger = Ledger::load(notes)};
}

}  // namespace

JobResult run_in_child(const Job& job, const std::vector<std::string>& launcher, const Interrupt& interrupt) {
  std::vector<std::string> command = launcher;
  command.insert(command.end(), {std::filesystem::read_symlink("/proc/self/exe"), kJobWord});
  const UniqueFd told = make_memory_file(json_of(job).dump());
  const UniqueFd answer = make_memory_file();
  const UniqueFd errors = make_memory_file();
  ChildProcess child = ChildProcess::start(command, told, answer, errors);
  const std::optional<int> status = child.wait(kRunPatience + job.setting.duration, &interrupt);
  if (!status) throw std::runtime_error(job.workload + " does not end");
  if (*status != 0) {
    throw std::runtime_error(fmt::format("{} ended with {}: {}", job.workload, *status, content_of(errors)));
  }
  return job.part == Job::Part::run ? result_from(json::parse(content_of(answer))) : JobResult{};
}

int run_job() {
  const Job job = job_from(json::parse(std::cin));
  const DiskGauge gauge(job.gauge);
  Ledger ledger = job.record ? Ledger([&] { return gauge.log_position(); }) : Ledger();
  const auto workload = workload_named(job.workload).make(job.setting, ledger);
  if (job.part == Job::Part::prepare) {
    workload->prepare();
    return 0;
  }
  workload->open();
  const ServerUse before = use_of(job.server);
  const std::uint64_t flushes_before = gauge.flushes();
  const std::uint64_t written_before = gauge.written_bytes();
  Sample sample = workload->run();
  sample.flushes = gauge.flushes() - flushes_before;
  sample.written_bytes = gauge.written_bytes() - written_before;
  const ServerUse after = use_of(job.server);
  sample.server = {.memory_bytes = after.memory_bytes - before.memory_bytes,
                   .descriptors = after.descriptors,
                   .cpu_seconds = after.cpu_seconds - before.cpu_seconds};
  std::cout << json_of(sample, ledger) << std::flush;
  return 0;
}

}  // namespace sluice::bench
