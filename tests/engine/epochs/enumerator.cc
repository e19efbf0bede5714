#include "enumerator.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

namespace sluice::testing {
namespace {

// For the signal handler, which gets no argument. A failed check of the machine aborts the process; the order
// of events that led there is worth more than the check's own message.
const Enumerator* running_enumerator = nullptr;

void print_order(int /*signal*/) {
  if (running_enumerator == nullptr) return;
  const std::vector<Event> order = running_enumerator->current_order();
  std::fprintf(stderr, "aborted after %zu events: %s\n", order.size(), to_string(order).c_str());
  std::fflush(stderr);
}

}  // namespace

Enumerator::Enumerator(const Bounds& bounds)
    : bounds_(bounds), known_(1024, NodeHash{&nodes_}, NodeEqual{&nodes_}) {
  running_enumerator = this;
  std::signal(SIGABRT, print_order);
}

Enumerator::~Enumerator() {
  std::signal(SIGABRT, SIG_DFL);
  running_enumerator = nullptr;
}

bool Enumerator::run(std::size_t depth) {
  counts_.depth = depth;
  intern(Lockstep(), kNoParent, {});
  violation_ = nodes_.front().state.compare();
  if (!violation_.empty()) return false;
  std::size_t expanded = 0;
  for (std::size_t layer = 1; layer <= depth; ++layer) {
    const std::size_t end = nodes_.size();
    for (; expanded < end; ++expanded) {
      if (!expand(static_cast<std::uint32_t>(expanded), layer == depth)) return false;
    }
  }
  counts_.states = nodes_.size();
  counts_.orders = count_orders(depth);
  return true;
}

bool Enumerator::expand(std::uint32_t index, bool last) {
  const std::vector<Event> events = nodes_[index].state.possible(bounds_);
  nodes_[index].first_edge = static_cast<std::uint32_t>(edges_.size());
  nodes_[index].edges = static_cast<std::uint32_t>(events.size());
  for (const Event& event : events) {
    current_node_ = index;
    current_event_ = event;
    Lockstep next = nodes_[index].state;
    const std::string wrong = next.apply(event);
    ++counts_.transitions;
    if (!wrong.empty()) {
      const std::vector<Event> order = current_order();
      violation_ = wrong + ", after " + std::to_string(order.size()) + " events: " + to_string(order);
      return false;
    }
    if (!last) edges_.push_back(intern(std::move(next), index, event));
  }
  return true;
}

std::uint32_t Enumerator::intern(Lockstep&& state, std::uint32_t parent, const Event& event) {
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  const std::uint64_t hash = state.hash();
  nodes_.push_back({std::move(state), hash, parent, event, 0, 0});
  const auto [known, inserted] = known_.insert(index);
  if (!inserted) nodes_.pop_back();
  return *known;
}

std::vector<Event> Enumerator::current_order() const {
  std::vector<Event> order{current_event_};
  for (std::uint32_t index = current_node_; nodes_[index].parent != kNoParent; index = nodes_[index].parent)
    order.push_back(nodes_[index].event);
  std::reverse(order.begin(), order.end());
  return order;
}

std::uint64_t Enumerator::count_orders(std::size_t depth) const {
  std::vector<std::uint64_t> ways(nodes_.size());
  ways[0] = 1;
  for (std::size_t length = 1; length < depth; ++length) {
    std::vector<std::uint64_t> next(nodes_.size());
    for (std::size_t index = 0; index < nodes_.size(); ++index) {
      if (ways[index] == 0) continue;
      const Node& node = nodes_[index];
      for (std::uint32_t edge = 0; edge < node.edges; ++edge)
        next[edges_[node.first_edge + edge]] += ways[index];
    }
    ways = std::move(next);
  }
  std::uint64_t orders = 0;
  for (std::size_t index = 0; index < nodes_.size(); ++index) orders += ways[index] * nodes_[index].edges;
  return orders;
}

}  // namespace sluice::testing
