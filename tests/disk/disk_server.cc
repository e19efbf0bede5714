#include "disk_server.h"

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "detached_mount.h"

namespace sluice::testing {
namespace {

constexpr fuse_ino_t kImageInode = 2;
constexpr double kForever = 1e9;

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};

class FuseDiskServer final : public DiskServer {
 public:
  FuseDiskServer(Disk& disk, std::uint64_t size_bytes)
      : disk_(disk), size_bytes_(size_bytes), image_name_("image-" + std::to_string(::getpid())) {}
  ~FuseDiskServer() override;
  FuseDiskServer(const FuseDiskServer&) = delete;
  FuseDiskServer& operator=(const FuseDiskServer&) = delete;

  Result<void> start();
  Result<UniqueFd> open_image() override;
  [[nodiscard]] const UniqueFd& ended() const override { return ended_; }

 private:
  static FuseDiskServer& self(fuse_req_t request) {
    return *static_cast<FuseDiskServer*>(fuse_req_userdata(request));
  }
  static fuse_lowlevel_ops operations();
  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
  static void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file);
  static void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file);
  static void read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info* file);
  static void write(fuse_req_t request, fuse_ino_t inode, const char* data, size_t size, off_t offset,
                    fuse_file_info* file);
  static void fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
                        fuse_file_info* file);
  static void fsync(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info* file);

  [[nodiscard]] struct stat attributes(fuse_ino_t inode) const;
  void answer_flushes();

  Disk& disk_;
  const std::uint64_t size_bytes_;
  /// Seen in losetup(8). mkfs.btrfs takes loop devices whose files have one name for the same, and refuses to
  /// work when one of them is mounted.
  const std::string image_name_;
  std::unique_ptr<fuse_session, SessionDeleter> session_;
  UniqueFd root_;
  UniqueFd ended_;
  std::vector<char> read_buffer_;  // of the session thread
  std::thread session_thread_;
  std::thread flush_thread_;

  Mutex mutex_;
  CondVar flush_came_;
  std::deque<fuse_req_t> flushes_ SLUICE_GUARDED_BY(mutex_);
  bool no_more_flushes_ SLUICE_GUARDED_BY(mutex_) = false;
};

int positive_errno(const Result<void>& result) {
  return result ? 0 : result.error().value();
}

fuse_lowlevel_ops FuseDiskServer::operations() {
  fuse_lowlevel_ops operations{};
  operations.lookup = lookup;
  operations.getattr = getattr;
  operations.open = open;
  operations.read = read;
  operations.write = write;
  operations.fallocate = fallocate;
  operations.fsync = fsync;
  return operations;
}

Result<void> FuseDiskServer::start() {
  ended_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  if (!ended_.valid()) return fail_last();
  Result<DetachedFuseMount> mount = DetachedFuseMount::make();
  if (!mount) return fail(mount.error());

  std::string program = "sluicefs-testdisk";
  char* arguments[] = {program.data()};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  const fuse_lowlevel_ops operations_of_disk = operations();
  session_.reset(fuse_session_new(&args, &operations_of_disk, sizeof(operations_of_disk), this));
  fuse_opt_free_args(&args);
  if (session_ == nullptr) return fail(EINVAL);
  const std::string device = "/dev/fd/" + std::to_string(mount->device.get());
  if (fuse_session_mount(session_.get(), device.c_str()) != 0) return fail(EINVAL);
  (void)mount->device.release();  // fuse_session_destroy() closes it
  root_ = std::move(mount->root);

  session_thread_ = std::thread([this] {
    (void)fuse_session_loop(session_.get());
    {
      const MutexLock lock(mutex_);
      no_more_flushes_ = true;
      flush_came_.notify_all();
    }
    (void)::eventfd_write(ended_.get(), 1);
  });
  flush_thread_ = std::thread([this] { answer_flushes(); });
  return {};
}

// REQUIRES: the kernel lets go of the mount by itself, that is, ended() is or will be readable.
FuseDiskServer::~FuseDiskServer() {
  root_.reset();
  disk_.stop_waiting();
  if (session_thread_.joinable()) session_thread_.join();
  if (flush_thread_.joinable()) flush_thread_.join();
}

Result<UniqueFd> FuseDiskServer::open_image() {
  UniqueFd image(::openat(root_.get(), image_name_.c_str(), O_RDWR | O_CLOEXEC));
  if (!image.valid()) return fail_last();
  root_.reset();
  return image;
}

struct stat FuseDiskServer::attributes(fuse_ino_t inode) const {
  struct stat result {};
  result.st_ino = inode;
  result.st_nlink = 1;
  result.st_mode = inode == kImageInode ? S_IFREG | 0600 : S_IFDIR | 0700;
  result.st_size = inode == kImageInode ? static_cast<off_t>(size_bytes_) : 0;
  result.st_blksize = 4096;
  return result;
}

void FuseDiskServer::lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  if (parent != FUSE_ROOT_ID || name != self(request).image_name_) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  fuse_entry_param entry{};
  entry.ino = kImageInode;
  entry.attr = self(request).attributes(kImageInode);
  entry.attr_timeout = kForever;
  entry.entry_timeout = kForever;
  fuse_reply_entry(request, &entry);
}

void FuseDiskServer::getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*file*/) {
  const struct stat attributes = self(request).attributes(inode);
  fuse_reply_attr(request, &attributes, kForever);
}

// Direct I/O: no page cache lies between the loop device and us, each of its requests arrives as it is.
void FuseDiskServer::open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  if (inode != kImageInode) {
    fuse_reply_err(request, EISDIR);
    return;
  }
  file->direct_io = 1;
  fuse_reply_open(request, file);
}

void FuseDiskServer::read(fuse_req_t request, fuse_ino_t /*inode*/, size_t size, off_t offset,
                          fuse_file_info* /*file*/) {
  FuseDiskServer& server = self(request);
  server.read_buffer_.resize(std::max(size, server.read_buffer_.size()));
  const std::span data(server.read_buffer_.data(), size);
  const Result<void> done =
      server.disk_.read(static_cast<std::uint64_t>(offset), std::as_writable_bytes(data));
  if (done) {
    fuse_reply_buf(request, data.data(), data.size());
  } else {
    fuse_reply_err(request, done.error().value());
  }
}

void FuseDiskServer::write(fuse_req_t request, fuse_ino_t /*inode*/, const char* data, size_t size,
                           off_t offset, fuse_file_info* /*file*/) {
  const Result<void> done =
      self(request).disk_.write(static_cast<std::uint64_t>(offset), std::as_bytes(std::span(data, size)));
  if (done) {
    fuse_reply_write(request, size);
  } else {
    fuse_reply_err(request, done.error().value());
  }
}

// The loop driver discards and writes zeros with this; both leave zeros.
void FuseDiskServer::fallocate(fuse_req_t request, fuse_ino_t /*inode*/, int mode, off_t offset, off_t length,
                               fuse_file_info* /*file*/) {
  constexpr int kZeroing = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
  if ((mode & kZeroing) == 0) {
    fuse_reply_err(request, EOPNOTSUPP);
    return;
  }
  const ByteRange range{static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)};
  fuse_reply_err(request, positive_errno(self(request).disk_.discard(range)));
}

void FuseDiskServer::fsync(fuse_req_t request, fuse_ino_t /*inode*/, int /*data_only*/,
                           fuse_file_info* /*file*/) {
  FuseDiskServer& server = self(request);
  server.disk_.begin_flush();
  const MutexLock lock(server.mutex_);
  server.flushes_.push_back(request);
  server.flush_came_.notify_all();
}

void FuseDiskServer::answer_flushes() {
  for (;;) {
    fuse_req_t request = nullptr;
    {
      const MutexLock lock(mutex_);
      while (flushes_.empty() && !no_more_flushes_) flush_came_.wait(mutex_);
      if (flushes_.empty()) return;
      request = flushes_.front();
      flushes_.pop_front();
    }
    fuse_reply_err(request, positive_errno(disk_.finish_flush()));
  }
}

}  // namespace

Result<std::unique_ptr<DiskServer>> DiskServer::start(Disk& disk, std::uint64_t size_bytes) {
  auto server = std::make_unique<FuseDiskServer>(disk, size_bytes);
  return server->start().map([&]() -> std::unique_ptr<DiskServer> { return std::move(server); });
}

}  // namespace sluice::testing
