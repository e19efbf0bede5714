#include "sluice/result.h"

#include <system_error>

namespace sluice {

std::string Errno::message() const {
  return std::generic_category().message(value_);
}

}  // namespace sluice
