#include "syscall_filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstdint>
#include <thread>

namespace sluice::testing {

bool forbid_syscalls(const std::vector<long>& numbers, int error) {
  std::vector<sock_filter> program;
  const auto add = [&](int code, std::size_t value, std::size_t if_true = 0, std::size_t if_false = 0) {
    program.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                       static_cast<std::uint8_t>(if_false), static_cast<std::uint32_t>(value)});
  };
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::size_t>(numbers[i]), numbers.size() - i);
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (static_cast<unsigned>(error) & SECCOMP_RET_DATA));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool run_without_syscalls(const std::vector<long>& numbers, int error, const std::function<void()>& body) {
  bool forbidden = false;
  std::thread([&] {
    forbidden = forbid_syscalls(numbers, error);
    if (forbidden) body();
  }).join();
  return forbidden;
}

}  // namespace sluice::testing
