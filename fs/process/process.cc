#include "process/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

namespace sluicefs {

using sluice::Errno;
using sluice::UniqueFd;

namespace {

constexpr rlim_t kMaxDescriptors = rlim_t{1}
                                   << 20;  // fs.nr_open allows no more unless somebody has raised it.

void raise_descriptor_limit(Log& log) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  rlimit raised{std::max(limit.rlim_cur, kMaxDescriptors), std::max(limit.rlim_max, kMaxDescriptors)};
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    raised = {limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) raised = limit;
  }
  log.debug("up to {} open descriptors", raised.rlim_cur);
}

/// Of a daemon with a limit, programs without one would be told EFBIG; the kernel heeds each program's own.
void lift_file_size_limit(Log& log) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_FSIZE, &none) == 0) return;
  limit.rlim_cur = limit.rlim_max;  // An ordinary user's may rise no further.
  if (::setrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max == RLIM_INFINITY) return;
  log.warn("files cannot grow beyond {} bytes: the starter of sluicefs has that limit (ulimit -f)",
           limit.rlim_cur);
}

void avoid_oom_killer(Log& log) {
  const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file.valid() || ::write(file.get(), "-1000", 5) != 5) {
    log.debug("oom_score_adj stays as it is: {}", Errno::last().message());
  }
}

}  // namespace

void mend_inheritance() {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &plain, nullptr);
  while (true) {
    UniqueFd fd(::open("/dev/null", O_RDWR));
    if (!fd.valid() || fd.get() > STDERR_FILENO) return;
    static_cast<void>(fd.release());  // Belongs to the process from here on, as the standard streams do.
  }
}

void close_inherited_descriptors() {
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
}

void prepare_process(Log& log) {
  ::umask(0);
  static_cast<void>(::chdir("/") == 0);
  raise_descriptor_limit(log);
  lift_file_size_limit(log);
  avoid_oom_killer(log);
  if (::prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) != 0) {
    log.debug("PR_SET_IO_FLUSHER is not set: {}", Errno::last().message());
  }
}

}  // namespace sluicefs
