#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "sluice/mutex.h"
#include "sluice/unique_fd.h"
#include "wire/fuse_api.h"
#include "wire/init_facts.h"
#include "wire/raw_request.h"

namespace sluicefs {

struct SessionOptions {
  /// As libfuse takes them behind -o.
  std::vector<std::string> mount_options;
  /// FUSE_* bits of INIT to treat as if the kernel did not offer them.
  std::uint64_t ignored_offers = 0;
  /// To ask for passthrough, where the kernel offers it.
  bool passthrough = false;
};

/// A FUSE connection: libfuse's session, with the device read and written by us, which is what lets us see
/// and patch what libfuse 3.14 does not know: the INIT flags, and the flags of single requests. One mount.
class Session {
 public:
  /// `operations` and what `context` points to must outlive the session. The error is libfuse's own line.
  static tl::expected<std::unique_ptr<Session>, std::string> create(const SessionOptions& options,
                                                                    const fuse_lowlevel_ops& operations,
                                                                    void* context);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The context of the session that a request came by.
  static void* context_of(fuse_req_t request);

  // One of these, once.
  /// Mounts by mount(2); REQUIRES: may_mount().
  tl::expected<void, std::string> mount(const std::string& mountpoint);
  /// Serves a connection that has been mounted already.
  tl::expected<void, std::string> attach(sluice::UniqueFd device);

  /// Receives one request into `buffer` (kept between calls; see libfuse's fuse_session_receive_buf). False:
  /// the connection has ended or end() was called.
  bool receive(fuse_buf& buffer);
  /// Serves it on the calling thread.
  void process(const fuse_buf& buffer);
  /// What the request that the calling thread received last says besides.
  static const RawRequest& raw_request();

  /// Makes receive() return false; a thread that waits in it must be interrupted by a signal.
  void end();
  [[nodiscard]] bool ended() const;

  /// None when the kernel has not said INIT by `deadline`.
  std::optional<InitFacts> wait_for_init(std::chrono::steady_clock::time_point deadline);

  /// Makes the kernel drop the pages that it has cached of an inode, from `offset` on for `length` bytes, or
  /// all of them when `length` is 0, and its attributes. Dirty pages of mappings come as WRITE requests
  /// first: returns when they have been answered. A thread that serves requests needs a Readers::Wait.
  void invalidate_pages(std::uint64_t node, off_t offset = 0, off_t length = 0);
  /// Makes the kernel ask for the attributes of an inode when it next needs them; its pages stay. Any thread
  /// may call it.
  void invalidate_attributes(std::uint64_t node);

  /// The open /dev/fuse, which the session owns.
  [[nodiscard]] int device() const { return fuse_session_fd(session_.get()); }

 private:
  Session(const SessionOptions& options, void* context)
      : ignored_offers_(options.ignored_offers), wants_passthrough_(options.passthrough), context_(context) {}

  static ssize_t read_device(int fd, void* buffer, size_t size, void* self);
  static ssize_t write_device(int fd, iovec* parts, int count, void* self);
  static void on_init(void* self, fuse_conn_info* connection);
  tl::expected<void, std::string> take_over_device();
  [[nodiscard]] bool kernel_offers(std::uint64_t flag) const SLUICE_EXCLUDES(mutex_);
  void note_init_request(void* request, std::size_t size);
  void patch_init_answer(const iovec* parts, int count);

  struct Destroy {
    void operator()(fuse_session* session) const;
  };

  const std::uint64_t ignored_offers_;
  const bool wants_passthrough_;
  void* const context_;
  std::unique_ptr<fuse_session, Destroy> session_;
  std::atomic<std::uint64_t> init_unique_{0};
  mutable sluice::Mutex mutex_;
  sluice::CondVar init_done_;
  InitFacts facts_ SLUICE_GUARDED_BY(mutex_);
  bool initialised_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluicefs
