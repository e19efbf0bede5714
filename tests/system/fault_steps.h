#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fault_operations.h"

/// What the operations are written with.
namespace sluice::testing::faults {

inline constexpr const char* kDigits = "0123456789";

/// The first error of calls that are made one after another; none is made after it.
class Steps {
 public:
  Steps& then(const std::function<long()>& call) {
    if (error_ == 0) error_ = error_of(call());
    return *this;
  }
  /// An answer that succeeded must be this.
  Steps& must(const std::function<bool()>& hold) {
    if (error_ == 0 && !hold()) error_ = kWrongAnswer;
    return *this;
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  int error_ = 0;
};

/// Opens "f", or another, and goes on with it.
int with_file(const Place& place, int flags, const std::function<void(Steps&, int)>& use,
              const char* name = "f");
Steps& write_text(Steps& steps, int fd, std::string_view text);
/// A call that takes the path of one name.
std::function<int(const Place&)> on(const char* name, const std::function<long(const char*)>& call);

// What can be seen to have happened.

bool always(const Place& place);
std::function<bool(const Place&)> holds(std::string text, const char* name = "f");
std::function<bool(const Place&)> is_there(const char* name);
std::function<bool(const Place&)> is_gone(const char* name);
std::function<bool(const Place&)> moved(const char* from, const char* to);

// What there is to try.

void add_names(std::vector<Operation>& all);
void add_renames(std::vector<Operation>& all);
void add_files(std::vector<Operation>& all);
void add_attributes(std::vector<Operation>& all);
void add_directories(std::vector<Operation>& all);

}  // namespace sluice::testing::faults
