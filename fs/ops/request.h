#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "ops/core.h"
#include "wire/reply.h"
#include "wire/wire.h"

namespace sluicefs {

// What a request says, and how it is answered. All but answer() need a request that has not been answered:
// libfuse frees it with the answer.

inline Core& core_of(fuse_req_t request) {
  return *static_cast<Core*>(Session::context_of(request));
}

inline Caller caller_of(fuse_req_t request) {
  const fuse_ctx* const context = fuse_req_ctx(request);
  return {context->uid, context->gid, context->umask};
}

inline SetidDuty setid_duty(fuse_req_t request) {
  const fuse_ctx* const context = fuse_req_ctx(request);
  return {Session::raw_request().drop_setid, context->gid, context->pid};
}

inline std::span<const char> bytes_of(const char* data, std::size_t size) {
  return {data, size};
}

/// A buffer for an answer, not initialised.
class Buffer {
 public:
  explicit Buffer(std::size_t size) : data_(std::make_unique_for_overwrite<char[]>(size)), size_(size) {}
  [[nodiscard]] std::span<char> all() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const char> first(std::size_t count) const { return {data_.get(), count}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_;
};

/// Answers with the error, or lets `send` answer, which gets the Reply and the value. REQUIRES: `send` does
/// not use the request.
template <typename Value, typename Send>
void answer(fuse_req_t request, const sluice::Result<Value>& result, Send send) {
  Reply reply(request);
  if (result) {
    send(reply, *result);
  } else {
    reply.error(result.error());
  }
}

inline void answer(fuse_req_t request, const sluice::Result<void>& result) {
  Reply(request).result(result);
}

}  // namespace sluicefs
