#include "wire/wire.h"

#include <linux/fuse.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "wire/passthrough_abi.h"

namespace sluicefs {

using sluice::MutexLock;

namespace {

/// libfuse reports why it failed through its log only.
thread_local std::string last_log_line;
thread_local RawRequest raw_request_of_thread;

void remember_log_line(fuse_log_level, const char* format, va_list arguments) {
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  last_log_line = line.data();
  while (!last_log_line.empty() && last_log_line.back() == '\n') last_log_line.pop_back();
}

tl::unexpected<std::string> libfuse_failure(const char* what) {
  return tl::unexpected<std::string>(last_log_line.empty() ? std::string(what) : last_log_line);
}

/// What we ask libfuse to ask for, where the kernel offers it. Not ASYNC_DIO: the kernel then finishes an
/// application's direct writes before it sends FSYNC. Not POSIX_LOCKS, FLOCK_LOCKS: locks are the kernel's
/// own. Not WRITEBACK_CACHE: it would take sizes and times out of our hands, lose short writes silently, and
/// lose pages with the daemon.
constexpr unsigned kWanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_DONT_MASK |
                             FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_PARALLEL_DIROPS |
                             FUSE_CAP_POSIX_ACL | FUSE_CAP_CACHE_SYMLINKS;

constexpr unsigned kMaxBackground = 64;

}  // namespace

void Session::Destroy::operator()(fuse_session* session) const {
  // libfuse lets go of the mount point's name there alone. While the kernel has not ended the connection it
  // would also unmount what has that name, which may be another mount by now.
  pollfd device{fuse_session_fd(session), 0, 0};
  const bool ended = ::poll(&device, 1, 0) == 1 && (device.revents & POLLERR) != 0;
  if (ended) fuse_session_unmount(session);
  fuse_session_destroy(session);
}

tl::expected<std::unique_ptr<Session>, std::string> Session::create(const SessionOptions& options,
                                                                    const fuse_lowlevel_ops& operations,
                                                                    void* context) {
  fuse_set_log_func(remember_log_line);
  std::unique_ptr<Session> session(new Session(options, context));
  fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  fuse_opt_add_arg(&arguments, "sluicefs");
  for (const std::string& option : options.mount_options) {
    fuse_opt_add_arg(&arguments, "-o");
    fuse_opt_add_arg(&arguments, option.c_str());
  }
  fuse_lowlevel_ops with_init = operations;
  with_init.init = on_init;
  session->session_.reset(fuse_session_new(&arguments, &with_init, sizeof with_init, session.get()));
  fuse_opt_free_args(&arguments);
  if (!session->session_) return libfuse_failure("libfuse refused the mount options");
  return session;
}

Session::~Session() = default;

void* Session::context_of(fuse_req_t request) {
  return static_cast<Session*>(fuse_req_userdata(request))->context_;
}

tl::expected<void, std::string> Session::mount(const std::string& mountpoint) {
  last_log_line.clear();
  if (fuse_session_mount(session_.get(), mountpoint.c_str()) != 0) return libfuse_failure("mount failed");
  return take_over_device();
}

tl::expected<void, std::string> Session::attach(sluice::UniqueFd device) {
  last_log_line.clear();
  // In place of a mount point libfuse takes an open device (fuse_mnt_parse_fuse_fd).
  const std::string name = "/dev/fd/" + std::to_string(device.get());
  if (fuse_session_mount(session_.get(), name.c_str()) != 0) return libfuse_failure("not a descriptor");
  static_cast<void>(device.release());  // The session closes it.
  return take_over_device();
}

tl::expected<void, std::string> Session::take_over_device() {
  fuse_custom_io io{};
  io.read = read_device;
  io.writev = write_device;
  if (fuse_session_custom_io(session_.get(), &io, fuse_session_fd(session_.get())) != 0) {
    return libfuse_failure("libfuse refused our device access");
  }
  return {};
}

bool Session::receive(fuse_buf& buffer) {
  while (fuse_session_exited(session_.get()) == 0) {
    const int received = fuse_session_receive_buf(session_.get(), &buffer);
    if (received > 0) return true;
    if (received == 0) break;  // Unmounted.
    if (received == -EINTR || received == -EAGAIN) continue;
    break;
  }
  end();
  return false;
}

void Session::process(const fuse_buf& buffer) {
  fuse_session_process_buf(session_.get(), &buffer);
}

const RawRequest& Session::raw_request() {
  return raw_request_of_thread;
}

void Session::end() {
  fuse_session_exit(session_.get());
}

bool Session::ended() const {
  return fuse_session_exited(session_.get()) != 0;
}

std::optional<InitFacts> Session::wait_for_init(std::chrono::steady_clock::time_point deadline) {
  const MutexLock lock(mutex_);
  while (!initialised_) {
    if (!init_done_.wait_until(mutex_, deadline)) break;
  }
  if (!initialised_) return std::nullopt;
  return facts_;
}

void Session::invalidate_pages(std::uint64_t node, off_t offset, off_t length) {
  // See fuse_reverse_inval_inode. An inode that has gone is no error.
  fuse_lowlevel_notify_inval_inode(session_.get(), node, offset, length);
}

void Session::invalidate_attributes(std::uint64_t node) {
  // A negative offset spares the pages, and the locks on them.
  fuse_lowlevel_notify_inval_inode(session_.get(), node, -1, 0);
}

ssize_t Session::read_device(int fd, void* buffer, size_t size, void* self) {
  const ssize_t received = ::read(fd, buffer, size);
  if (received < static_cast<ssize_t>(sizeof(fuse_in_header))) return received;
  fuse_in_header header{};
  std::memcpy(&header, buffer, sizeof header);
  raw_request_of_thread = take_raw_request({static_cast<char*>(buffer), static_cast<std::size_t>(received)});
  if (header.opcode == FUSE_INIT) {
    static_cast<Session*>(self)->note_init_request(buffer, static_cast<std::size_t>(received));
  }
  return received;
}

/// Also takes out of the request what we are to ignore, before libfuse sees it.
void Session::note_init_request(void* request, std::size_t size) {
  fuse_in_header header{};
  std::memcpy(&header, request, sizeof header);
  fuse_init_in init{};
  char* const argument = static_cast<char*>(request) + sizeof header;
  const std::size_t argument_size = std::min(sizeof init, size - sizeof header);
  std::memcpy(&init, argument, argument_size);
  init.flags &= ~static_cast<std::uint32_t>(ignored_offers_);
  init.flags2 &= ~static_cast<std::uint32_t>(ignored_offers_ >> 32);
  std::memcpy(argument, &init, argument_size);
  init_unique_.store(header.unique);
  const MutexLock lock(mutex_);
  facts_.protocol_major = init.major;
  facts_.protocol_minor = init.minor;
  facts_.offered = init.flags;
  if ((init.flags & FUSE_INIT_EXT) != 0) facts_.offered |= static_cast<std::uint64_t>(init.flags2) << 32;
}

void Session::on_init(void* self, fuse_conn_info* connection) {
  auto* const session = static_cast<Session*>(self);
  unsigned wanted = kWanted;
  // A kernel that drops setuid bits itself forgets to when an open truncates (fuse_do_setattr, ATTR_OPEN); it
  // is to send a SETATTR then.
  if (!session->kernel_offers(FUSE_HANDLE_KILLPRIV_V2)) wanted &= ~unsigned{FUSE_CAP_ATOMIC_O_TRUNC};
  connection->want = wanted & connection->capable;
  connection->max_background = kMaxBackground;
}

bool Session::kernel_offers(std::uint64_t flag) const {
  const MutexLock lock(mutex_);
  return (facts_.offered & flag) != 0;
}

ssize_t Session::write_device(int fd, iovec* parts, int count, void* self) {
  auto* const session = static_cast<Session*>(self);
  fuse_out_header header{};
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  const bool answers_init = header.unique != 0 && header.unique == session->init_unique_.load();
  if (answers_init && header.error == 0) session->patch_init_answer(parts, count);
  const ssize_t written = ::writev(fd, parts, count);
  if (answers_init && written >= 0) {
    const MutexLock lock(session->mutex_);
    session->initialised_ = header.error == 0;
    session->init_done_.notify_all();
  }
  return written;
}

/// What libfuse 3.14 cannot ask for (passthrough it can from 3.17 on), or forgets to (PARALLEL_DIROPS,
/// without which the kernel sends one LOOKUP or READDIR of a directory at a time); later ones do, and then
/// this changes nothing.
void Session::patch_init_answer(const iovec* parts, int count) {
  if (count < 2 || parts[1].iov_len < sizeof(fuse_init_out)) return;
  auto* const out = static_cast<fuse_init_out*>(parts[1].iov_base);
  const MutexLock lock(mutex_);
  out->flags |= static_cast<std::uint32_t>(facts_.offered & (FUSE_HANDLE_KILLPRIV_V2 | FUSE_PARALLEL_DIROPS));
  if (wants_passthrough_ && (facts_.offered & abi::kPassthrough) != 0) {
    out->flags |= FUSE_INIT_EXT;
    out->flags2 |= static_cast<std::uint32_t>(abi::kPassthrough >> 32);
    abi::set_max_stack_depth(*out);
    facts_.passthrough = true;
  }
  facts_.wanted = out->flags | (static_cast<std::uint64_t>(out->flags2) << 32);
  facts_.handle_killpriv_v2 = (out->flags & FUSE_HANDLE_KILLPRIV_V2) != 0;
}

}  // namespace sluicefs
