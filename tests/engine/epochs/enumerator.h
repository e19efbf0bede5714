#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "lockstep.h"

namespace sluice::testing {

/// Goes through every order of events of a given length, from an inode of which nothing is known.
///
/// Orders that lead to the same state are followed only once from there. That is sound: what happens next
/// depends on nothing but the state of the machine and of the oracle, and both are compared as a whole, not
/// by a digest. The orders themselves are counted, along the edges between the states.
class Enumerator {
 public:
  struct Counts {
    std::size_t depth = 0;        ///< Events in each order.
    std::uint64_t orders = 0;     ///< Shorter orders are beginnings of these and not counted.
    std::size_t transitions = 0;  ///< Events applied and checked.
    std::size_t states = 0;       ///< Distinct states from which something was applied.
  };

  explicit Enumerator(const Bounds& bounds);
  ~Enumerator();
  Enumerator(const Enumerator&) = delete;
  Enumerator& operator=(const Enumerator&) = delete;

  /// Returns false when the two disagree somewhere; violation() says where.
  [[nodiscard]] bool run(std::size_t depth);

  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// The shortest order with a disagreement, and the disagreement.
  [[nodiscard]] const std::string& violation() const { return violation_; }
  /// The order that is being applied; for whoever meets a failed check of the machine itself.
  [[nodiscard]] std::vector<Event> current_order() const;

 private:
  static constexpr std::uint32_t kNoParent = UINT32_MAX;

  struct Node {
    Lockstep state;
    std::uint64_t hash = 0;
    std::uint32_t parent = kNoParent;
    Event event;  ///< From the parent.
    std::uint32_t first_edge = 0;
    std::uint32_t edges = 0;
  };
  struct NodeHash {
    const std::deque<Node>* nodes;
    std::size_t operator()(std::uint32_t index) const { return (*nodes)[index].hash; }
  };
  struct NodeEqual {
    const std::deque<Node>* nodes;
    bool operator()(std::uint32_t a, std::uint32_t b) const {
      return (*nodes)[a].hash == (*nodes)[b].hash && (*nodes)[a].state == (*nodes)[b].state;
    }
  };

  /// Applies every possible event to a node. `last`: the states reached are not followed any further.
  bool expand(std::uint32_t index, bool last);
  std::uint32_t intern(Lockstep&& state, std::uint32_t parent, const Event& event);
  [[nodiscard]] std::uint64_t count_orders(std::size_t depth) const;

  Bounds bounds_;
  std::deque<Node> nodes_;
  std::unordered_set<std::uint32_t, NodeHash, NodeEqual> known_;
  std::vector<std::uint32_t> edges_;
  Counts counts_;
  std::string violation_;
  std::uint32_t current_node_ = 0;
  Event current_event_;
};

}  // namespace sluice::testing
