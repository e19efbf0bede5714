#include "source/node_table.h"

#include <algorithm>

#include "sluice/check.h"

namespace sluicefs {

using sluice::MutexLock;

NodeTable::NodeTable(NodeIdentity root) : last_id_(kRootNode) {
  by_key_.emplace(NodeKey{root.key, root.mount_id}, kRootNode);
  by_id_.emplace(kRootNode, std::make_shared<Node>(kRootNode, std::move(root)));
}

NodePtr NodeTable::remember(NodeIdentity identity, NodeId parent, std::string_view name) {
  const MutexLock lock(mutex_);
  const auto [place, is_new] = by_key_.try_emplace({identity.key, identity.mount_id}, last_id_ + 1);
  NodePtr& node = by_id_[place->second];
  if (is_new) node = std::make_shared<Node>(++last_id_, std::move(identity));
  ++node->lookups_;
  if (node->id_ == kRootNode) return node;
  node->parent_ = parent;
  if (node->name_ != name) node->name_ = name;
  return node;
}

NodePtr NodeTable::find(NodeId id) const {
  const MutexLock lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

NodePtr NodeTable::find(const NodeKey& key) const {
  const MutexLock lock(mutex_);
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : by_id_.at(found->second);
}

NodePtr NodeTable::forget(NodeId id, std::uint64_t lookups) {
  const MutexLock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end() || id == kRootNode) return nullptr;
  Node& node = *found->second;
  node.lookups_ -= std::min(lookups, node.lookups_);
  if (node.lookups_ > 0) return nullptr;
  NodePtr gone = std::move(found->second);
  by_id_.erase(found);
  by_key_.erase({gone->key(), gone->mount_id()});
  return gone;  // To be let go of outside the lock: it may close a descriptor.
}

void NodeTable::renamed(const NodeKey& key, NodeId parent, std::string_view name) {
  const MutexLock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || found->second == kRootNode) return;
  Node& node = *by_id_.at(found->second);
  node.parent_ = parent;
  node.name_ = name;
}

std::string NodeTable::path(NodeId id) const {
  const MutexLock lock(mutex_);
  std::string path;
  while (id != kRootNode) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return "?/" + path;
    const Node& node = *found->second;
    path = path.empty() ? node.name_ : node.name_ + "/" + path;
    id = node.parent_;
    if (path.size() > 1U << 16U) return "?/" + path;  // Names that were moved in a ring behind the mount.
  }
  return path.empty() ? "." : path;
}

std::vector<NodeId> NodeTable::maybe_mapped() const {
  const MutexLock lock(mutex_);
  std::vector<NodeId> ids;
  for (const auto& [id, node] : by_id_) {
    if (node->maybe_mapped()) ids.push_back(id);
  }
  return ids;
}

std::size_t NodeTable::size() const {
  const MutexLock lock(mutex_);
  return by_id_.size();
}

}  // namespace sluicefs
