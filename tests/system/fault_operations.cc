#include "fault_operations.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fault_steps.h"

namespace sluice::testing::faults {

int with_file(const Place& place, int flags, const std::function<void(Steps&, int)>& use, const char* name) {
  const UniqueFd fd(::open(place.at(name).c_str(), flags | O_CLOEXEC, 0640));
  if (!fd.valid()) return errno;
  Steps steps;
  use(steps, fd.get());
  return steps.error();
}

Steps& write_text(Steps& steps, int fd, std::string_view text) {
  return steps.then([=] { return ::write(fd, text.data(), text.size()); });
}

std::function<int(const Place&)> on(const char* name, const std::function<long(const char*)>& call) {
  return [=](const Place& place) { return error_of(call(place.at(name).c_str())); };
}
bool always(const Place&) {
  return true;
}
std::function<bool(const Place&)> holds(std::string text, const char* name) {
  return [=](const Place& place) { return content(place.behind(name)) == text; };
}
std::function<bool(const Place&)> is_there(const char* name) {
  return [=](const Place& place) { return exists(place.behind(name)); };
}
std::function<bool(const Place&)> is_gone(const char* name) {
  return [=](const Place& place) { return !exists(place.behind(name)); };
}
std::function<bool(const Place&)> moved(const char* from, const char* to) {
  return [=](const Place& place) { return !exists(place.behind(from)) && exists(place.behind(to)); };
}

void furnish(const Place& place, const User& owner) {
  const auto give = [&](const std::string& path, mode_t mode) {
    EXPECT_EQ(::lchown(path.c_str(), owner.uid, owner.gid), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  };
  EXPECT_EQ(::mkdir(place.source.c_str(), 0700), 0) << place.source;
  give(place.source, 0777);
  for (const char* const name : {"f", "g"}) {
    make_file(place.behind(name), kDigits);
    give(place.behind(name), 0666);
  }
  EXPECT_EQ(::setxattr(place.behind("f").c_str(), "user.a", "1", 1, 0), 0);
  EXPECT_EQ(::mkdir(place.behind("d").c_str(), 0700), 0);
  give(place.behind("d"), 0777);
  EXPECT_EQ(::symlink("f", place.behind("s").c_str()), 0);
  EXPECT_EQ(::lchown(place.behind("s").c_str(), owner.uid, owner.gid), 0);
  make_file(place.behind("setid"), "");
  give(place.behind("setid"), 06777);
}

std::vector<Operation> fault_operations() {
  std::vector<Operation> all;
  add_names(all);
  add_renames(all);
  add_files(all);
  add_attributes(all);
  add_directories(all);
  return all;
}

}  // namespace sluice::testing::faults
