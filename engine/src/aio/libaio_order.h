#pragma once

#include <climits>

#include "aio/reqprio.h"
#include "sluice/aio_libaio.h"
#include "sluice/aio_request.h"
#include "sluice/result.h"

namespace sluice {

/// What a block orders; EINVAL when it is badly initialised (clause F4). A sync with a buffer, a length or an
/// offset is, as the kernel has it (aio_fsync() in fs/aio.c).
inline Result<AioOrder> order_of(const sluice_iocb& block) {
  if (!is_valid_reqprio(block.reqprio) || block.nbytes > SSIZE_MAX) return fail(EINVAL);
  const bool has_place = block.buf != nullptr || block.nbytes != 0 || block.offset != 0;
  auto* const bytes = static_cast<std::byte*>(block.buf);
  AioOrder order;
  switch (block.opcode) {
    case SLUICE_IO_PREAD:
      order = AioOrder::read(block.fildes, {bytes, block.nbytes}, block.offset);
      break;
    case SLUICE_IO_PWRITE:
      order = AioOrder::write(block.fildes, {bytes, block.nbytes}, block.offset);
      break;
    case SLUICE_IO_FSYNC:
    case SLUICE_IO_FDSYNC:
      if (has_place) return fail(EINVAL);
      order = AioOrder::sync(block.fildes, block.opcode == SLUICE_IO_FSYNC ? SyncKind::full : SyncKind::data);
      break;
    default:
      return fail(EINVAL);
  }
  order.priority = Priority(-block.reqprio);
  order.tag = block.data;
  return order;
}

}  // namespace sluice
