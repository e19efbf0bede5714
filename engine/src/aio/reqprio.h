#pragma once

namespace sluice {

/// Whether a block may have this aio_reqprio: 0 to AIO_PRIO_DELTA_MAX.
inline bool is_valid_reqprio(int reqprio) {
  constexpr int kMax = 20;
  return reqprio >= 0 && reqprio <= kMax;
}

}  // namespace sluice
