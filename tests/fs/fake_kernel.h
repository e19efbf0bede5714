#pragma once

#include <linux/fuse.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/unique_fd.h"
#include "wire/wire.h"

namespace sluicefs {

/// What the kernel was answered.
struct Answer {
  std::uint64_t unique = 0;
  int error = 0;  ///< As on the wire: 0 or negative.
  std::vector<char> payload;

  /// The payload as one of linux/fuse.h's structs.
  template <typename Out>
  [[nodiscard]] Out as() const {
    Out out{};
    std::memcpy(&out, payload.data(), std::min(sizeof out, payload.size()));
    return out;
  }
};

/// The other end of a Session's connection: says what the kernel says, hears what it would hear. Requests are
/// served on the calling thread, when serve() is called.
class FakeKernel {
 public:
  /// A session that is connected to this kernel and serves `operations`.
  FakeKernel(const fuse_lowlevel_ops& operations, void* context, const SessionOptions& options = {});

  [[nodiscard]] Session& session() { return *session_; }

  /// Sends a request with `argument` behind its header; its number.
  std::uint64_t send(std::uint32_t opcode, std::span<const char> argument = {}) {
    return send_to(FUSE_ROOT_ID, opcode, argument);
  }
  /// The same for another node than the root.
  std::uint64_t send_to(std::uint64_t node, std::uint32_t opcode, std::span<const char> argument);
  template <typename In>
  std::uint64_t send(std::uint32_t opcode, const In& in) {
    return send(opcode, {reinterpret_cast<const char*>(&in), sizeof in});
  }
  /// INIT, offering these flags of both words, served and answered.
  fuse_init_out init(std::uint64_t offered);
  /// Lets the session receive and process one request; false when it says that the connection has ended.
  bool serve();
  /// None when there is none.
  std::optional<Answer> receive();
  /// Ends the connection.
  void hang_up() { end_.reset(); }

 private:
  sluice::UniqueFd end_;
  std::unique_ptr<Session> session_;
  std::uint64_t last_unique_ = 0;
};

}  // namespace sluicefs
