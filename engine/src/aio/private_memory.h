#pragma once

namespace sluice {

/// Whether `address` is in memory of this process alone (/proc/self/maps): mapped, and not MAP_SHARED, which
/// other processes would see changed. False when that cannot be told. For the child of a fork(2): takes no
/// lock and allocates nothing.
bool is_private_memory(const void* address);

}  // namespace sluice
