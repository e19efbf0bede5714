#include "ops/revalidate.h"

#include <algorithm>
#include <system_error>

#include "source/backing.h"
#include "wire/readers.h"
#include "wire/wire.h"

namespace sluicefs {

using sluice::MutexLock;

namespace {

/// For whom an answer is never too new.
constexpr std::chrono::duration<double> kShortest = std::chrono::milliseconds(100);

}  // namespace

bool cache_is_stale(const Core& core, const Node& node, int fd) {
  if (!core.shared_source) return false;
  CachedData& data = node.cached_data();
  const CachedData::Look look = data.look();
  const sluice::Result<backing::Attributes> attributes = backing::attributes(fd);
  if (attributes) data.found(attributes->stat, look);
  return data.take_stale();
}

void drop_what_is_older(Core& core, const Node& node, const struct stat& attributes,
                        const CachedData::Look& look) {
  CachedData& data = node.cached_data();
  if (!core.shared_source || !S_ISREG(node.type()) || !data.is_open()) return;
  data.found(attributes, look);
  if (!data.take_stale()) return;
  const Readers::KernelWait wait(*core.readers);
  if (wait.allowed()) {
    core.session->invalidate_pages(node.id());
  } else {
    data.put_stale();
  }
}

Revalidator::Revalidator(Core& core) : core_(core) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // Whoever asks for attributes, or opens the file, sees the changes all the same.
  }
}

Revalidator::~Revalidator() {
  {
    const MutexLock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Revalidator::wait(std::chrono::steady_clock::time_point until) {
  const MutexLock lock(mutex_);
  while (!ended_ && changed_.wait_until(mutex_, until)) {
  }
  return !ended_;
}

void Revalidator::run() {
  const auto interval = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::max(kShortest, std::chrono::duration<double>(core_.timeouts.attributes)));
  auto next = std::chrono::steady_clock::now() + interval;
  while (wait(next)) {
    core_.files.for_each([&](const OpenFile& file) {
      if (cache_is_stale(core_, *file.node, file.fd->get())) core_.session->invalidate_pages(file.node->id());
    });
    next = std::chrono::steady_clock::now() + interval;
  }
}

}  // namespace sluicefs
