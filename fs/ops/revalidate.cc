#include "ops/revalidate.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <unordered_set>

#include "source/backing.h"
#include "wire/readers.h"
#include "wire/wire.h"

namespace sluicefs {

using sluice::MutexLock;

namespace {

/// For whom an answer is never too new.
constexpr std::chrono::duration<double> kShortest = std::chrono::milliseconds(100);

/// Asks the source, and notes what it says.
void ask(const Node& node, int fd) {
  const CachedData::Look look = look_at(node);
  const sluice::Result<backing::Attributes> attributes = backing::attributes(fd);
  if (attributes) node.cached_data().found(attributes->stat, look);
}

/// By a thread that serves requests: the kernel may have to write pages back, or to read some, before it
/// drops them, and somebody must serve that.
void drop_by_reader(Core& core, const Node& node) {
  CachedData::Drop drop(node.cached_data());
  if (!drop.due()) return;
  const Readers::Wait wait(*core.readers, Readers::WaitFor::kernel);
  if (!wait.allowed()) return;
  core.session->invalidate_pages(node.id());
  drop.done();
}

}  // namespace

CachedData::Look look_at(const Node& node) {
  return node.cached_data().look(std::time(nullptr));
}

void drop_what_is_older(Core& core, const Node& node, const struct stat& attributes,
                        const std::optional<CachedData::Look>& look) {
  CachedData& data = node.cached_data();
  if (!core.shared_source || !S_ISREG(node.type()) || !data.is_open()) return;
  if (node.io_mode().in_passthrough()) return;  // Nothing of it is cached.
  data.found(attributes, look.value_or(CachedData::Look{}));
  drop_by_reader(core, node);
}

sluice::Result<void> open_cached_data(Core& core, const Node& node, int fd, bool for_writing) {
  if (core.shared_source && !node.io_mode().in_passthrough()) {
    ask(node, fd);
    drop_by_reader(core, node);
  }
  while (!node.cached_data().opened(for_writing)) {
    const Readers::Wait wait(*core.readers, Readers::WaitFor::kernel);
    if (!wait.allowed()) return sluice::fail(EAGAIN);
    node.cached_data().await_drop();
  }
  return {};
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
    std::unordered_set<NodeId> seen;
    core_.files.for_each([&](const OpenFile& file) {
      const Node& node = *file.node;
      if (file.backing) return;
      if (!seen.insert(node.id()).second) return;
      ask(node, file.fd->get());
      CachedData::Drop drop(node.cached_data());
      if (!drop.due()) return;
      core_.session->invalidate_pages(node.id());
      drop.done();
    });
    next = std::chrono::steady_clock::now() + interval;
  }
}

}  // namespace sluicefs
