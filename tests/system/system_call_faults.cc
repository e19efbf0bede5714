#include "system_call_faults.h"

#include <linux/filter.h>
#include <linux/fuse.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace sluice::testing::faults {

namespace {

constexpr std::size_t kMaxThreads = 512;

struct State {
  std::atomic<int> calls_to_fault{0};
  std::atomic<int> answers_to_fault{0};
  std::atomic<long> failing{-1};
  std::atomic<int> failing_error{0};
  std::atomic<long> pretended{-1};
  std::atomic<int> calls_to_pretend{0};
  std::atomic<bool> loses_forgets{false};
  std::atomic<bool> met{false};
  std::atomic<long> last_fault{-1};
  std::array<std::atomic<pid_t>, kMaxThreads> serving{};
};
State state;

}  // namespace

#if defined(__x86_64__)

// Makes a system call from an address that the filter lets pass.
extern "C" long sluice_passing_syscall(long number, long a, long b, long c, long d, long e, long f);
extern "C" const char sluice_after_passing_syscall[];
asm(R"(
  .text
  .globl sluice_passing_syscall
  .globl sluice_after_passing_syscall
  .type sluice_passing_syscall, @function
sluice_passing_syscall:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  mov 8(%rsp), %r9
  syscall
sluice_after_passing_syscall:
  ret
  .size sluice_passing_syscall, . - sluice_passing_syscall
)");

namespace {

struct Watched {
  long number;
  const char* name;
};

/// What operations on the source are made of. Not among them: memory, threads, signals and futexes (without
/// memory the daemon ends, see sync_engine.h), the engine's ring and its waking.
constexpr Watched kFailing[] = {
    {SYS_open, "open"},
    {SYS_openat, "openat"},
    {SYS_openat2, "openat2"},
    {SYS_close, "close"},
    {SYS_name_to_handle_at, "name_to_handle_at"},
    {SYS_open_by_handle_at, "open_by_handle_at"},
    {SYS_statx, "statx"},
    {SYS_newfstatat, "newfstatat"},
    {SYS_fstat, "fstat"},
    {SYS_fstatfs, "fstatfs"},
    {SYS_fchmodat, "fchmodat"},
    {SYS_chmod, "chmod"},
    {SYS_fchmod, "fchmod"},
    {SYS_fchownat, "fchownat"},
    {SYS_utimensat, "utimensat"},
    {SYS_ftruncate, "ftruncate"},
    {SYS_setxattr, "setxattr"},
    {SYS_getxattr, "getxattr"},
    {SYS_listxattr, "listxattr"},
    {SYS_removexattr, "removexattr"},
    {SYS_mkdirat, "mkdirat"},
    {SYS_mknodat, "mknodat"},
    {SYS_symlinkat, "symlinkat"},
    {SYS_linkat, "linkat"},
    {SYS_unlinkat, "unlinkat"},
    {SYS_renameat2, "renameat2"},
    {SYS_readlinkat, "readlinkat"},
    {SYS_pread64, "pread64"},
    {SYS_pwrite64, "pwrite64"},
    {SYS_pwritev2, "pwritev2"},
    {SYS_fallocate, "fallocate"},
    {SYS_copy_file_range, "copy_file_range"},
    {SYS_lseek, "lseek"},
    {SYS_getdents64, "getdents64"},
    {SYS_fcntl, "fcntl"},
    {SYS_ioctl, "ioctl"},
};
/// Watched, but failed only when they are named: the FUSE device itself; capset, after which the daemon ends
/// rather than go on with somebody else's rights; and what has no way to fail.
constexpr long kSparing[] = {SYS_read, SYS_writev, SYS_capset, SYS_setfsuid, SYS_setfsgid, SYS_umask};

struct Call {
  long number;
  std::array<long, 6> arguments;

  long perform() const {
    return sluice_passing_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                                  arguments[4], arguments[5]);
  }
};

bool is_failing(long number) {
  return std::any_of(std::begin(kFailing), std::end(kFailing),
                     [&](const Watched& watched) { return watched.number == number; });
}

/// True for the one that was counted down to.
bool is_due(std::atomic<int>& countdown) {
  return countdown.load() > 0 && countdown.fetch_sub(1) == 1;
}

void note_fault(long number) {
  state.last_fault.store(number);
  state.met.store(true);
}

void note_serving() {
  const auto thread = static_cast<pid_t>(sluice_passing_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0));
  for (std::atomic<pid_t>& place : state.serving) {
    pid_t free = 0;
    if (place.load() == thread || place.compare_exchange_strong(free, thread) || free == thread) return;
  }
}

/// Answers the request before its answer comes.
void answer_first(const Call& answer) {
  const auto* const part = reinterpret_cast<const iovec*>(answer.arguments[1]);
  fuse_out_header header = *static_cast<const fuse_out_header*>(part->iov_base);
  if (header.unique == 0 || !is_due(state.answers_to_fault)) return;  // 0: a notification.
  header.len = sizeof header;
  header.error = -EIO;
  const iovec first{&header, sizeof header};
  note_fault(SYS_writev);
  Call{SYS_writev, {answer.arguments[0], reinterpret_cast<long>(&first), 1, 0, 0, 0}}.perform();
}

long receive(const Call& call) {
  note_serving();
  const long got = call.perform();
  if (got < static_cast<long>(sizeof(fuse_in_header)) || !state.loses_forgets.load()) return got;
  const auto opcode = reinterpret_cast<const fuse_in_header*>(call.arguments[1])->opcode;
  return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET ? -EAGAIN : got;
}

long handle(const Call& call) {
  constexpr long kMuch = 65536;  // The engine reads, too, to be woken.
  if (call.number == SYS_read && call.arguments[2] >= kMuch) return receive(call);
  if (call.number == SYS_writev) answer_first(call);
  if (call.number == state.pretended.load() && is_due(state.calls_to_pretend)) {
    note_fault(call.number);
    return 0;
  }
  if (call.number == state.failing.load()) return -state.failing_error.load();
  if (!is_failing(call.number) || !is_due(state.calls_to_fault)) return call.perform();
  note_fault(call.number);
  if (call.number == SYS_close) call.perform();
  return -EIO;
}

void on_system_call(int, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const Call call{info->si_syscall,
                  {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10],
                   registers[REG_R8], registers[REG_R9]}};
  registers[REG_RAX] = handle(call);
}

std::vector<sock_filter> filter_program() {
  std::vector<sock_filter> program;
  const auto add = [&](unsigned code, std::uint64_t value, std::size_t if_true = 0,
                       std::size_t if_false = 0) {
    program.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                       static_cast<std::uint8_t>(if_false), static_cast<std::uint32_t>(value)});
  };
  const auto passing = reinterpret_cast<std::uintptr_t>(&sluice_after_passing_syscall);
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, instruction_pointer));
  add(BPF_JMP | BPF_JEQ | BPF_K, passing & 0xffffffffU, 0, 3);
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, instruction_pointer) + 4);
  add(BPF_JMP | BPF_JEQ | BPF_K, passing >> 32, 0, 1);
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  std::vector<long> numbers(std::begin(kSparing), std::end(kSparing));
  for (const Watched& watched : kFailing) numbers.push_back(watched.number);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint64_t>(numbers[i]), numbers.size() - i);
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  add(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  return program;
}

}  // namespace

bool watch_this_thread() {
  struct sigaction action {};
  action.sa_sigaction = on_system_call;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return false;
  std::vector<sock_filter> program = filter_program();
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

std::string last_fault() {
  const long number = state.last_fault.load();
  if (number == SYS_writev) return "the answer";
  for (const Watched& watched : kFailing) {
    if (watched.number == number) return watched.name;
  }
  return std::to_string(number);
}

#else

bool watch_this_thread() {
  return false;
}
std::string last_fault() {
  return {};
}

#endif

void fail_call(int nth) {
  state.calls_to_fault.store(nth);
}

void refuse_answer(int nth) {
  state.answers_to_fault.store(nth);
}

void always_fail(long number, int error) {
  state.failing_error.store(error);
  state.failing.store(number);
}

void pretend(long number, int nth) {
  state.calls_to_pretend.store(nth);
  state.pretended.store(number);
}

void lose_forgets() {
  state.loses_forgets.store(true);
}

void hear_forgets() {
  state.loses_forgets.store(false);
}

bool stop() {
  state.calls_to_fault.store(0);
  state.answers_to_fault.store(0);
  state.calls_to_pretend.store(0);
  state.pretended.store(-1);
  state.failing.store(-1);
  return state.met.exchange(false);
}

std::vector<pid_t> serving_threads() {
  std::vector<pid_t> threads;
  for (const std::atomic<pid_t>& place : state.serving) {
    if (place.load() != 0) threads.push_back(place.load());
  }
  return threads;
}

}  // namespace sluice::testing::faults
