// With it, <aio.h> would give the names without 64 to the functions with it; both are defined here.
#undef _FILE_OFFSET_BITS

#include <aio.h>

#include <cstddef>
#include <type_traits>

#include "aio/posix_entry.h"
#include "aio/process_wide.h"

// The C library's asynchronous I/O on the engine, by its own names and with its own control block.

namespace sluice {
namespace {

static_assert(sizeof(off_t) == sizeof(off64_t), "offsets are 64-bit everywhere (clause S6)");
static_assert(sizeof(aiocb) == 168 && sizeof(aiocb64) == 168, "the ABI of glibc on 64-bit machines");
static_assert(offsetof(aiocb, aio_fildes) == 0 && offsetof(aiocb64, aio_fildes) == 0);
static_assert(offsetof(aiocb, aio_buf) == 16 && offsetof(aiocb64, aio_buf) == 16);
static_assert(offsetof(aiocb, aio_sigevent) == 32 && offsetof(aiocb64, aio_sigevent) == 32);
static_assert(offsetof(aiocb, __error_code) == 112 && offsetof(aiocb64, __error_code) == 112);
static_assert(offsetof(aiocb, __return_value) == 120 && offsetof(aiocb64, __return_value) == 120);
static_assert(offsetof(aiocb, aio_offset) == 128 && offsetof(aiocb64, aio_offset) == 128);

}  // namespace

/// struct aiocb and struct aiocb64, which are two types of one layout.
template <typename Block>
requires std::is_same_v<Block, aiocb> || std::is_same_v<Block, aiocb64>
struct PosixLayout<Block> {
  static int* error(Block& block) { return &block.__error_code; }
  static const int* error(const Block& block) { return &block.__error_code; }
  static ssize_t* result(Block& block) { return &block.__return_value; }
};

namespace {

PosixAio& aio() {
  return process_wide<PosixAio, PosixAio::Collect::from_block>();
}

[[gnu::constructor]] void make_aio() {
  aio();
}

/// <aio.h> says that a block is never null, and the compiler believes it. Programs do not keep to it, and
/// EINVAL is an answer.
template <typename Block>
Block* maybe_null(Block* block) {
  asm("" : "+r"(block));
  return block;
}

// aio_error(3) and aio_return(3) are async-signal-safe: they look at the block and at nothing else. As in the
// C library, the result stays there and errno stays as it is.

template <typename Block>
int error_of(const Block* block) {
  return maybe_null(block) == nullptr ? to_errno(Errno(EINVAL)) : status_of(&block->__error_code);
}

template <typename Block>
ssize_t return_of(const Block* block) {
  if (maybe_null(block) == nullptr) return to_errno(Errno(EINVAL));
  // The result is written before the status.
  static_cast<void>(status_of(&block->__error_code));
  return block->__return_value;
}

}  // namespace
}  // namespace sluice

// ---- struct aiocb ----

int aio_fsync(int op, aiocb* block) noexcept {
  return sluice::fsync(sluice::aio(), op, sluice::maybe_null(block));
}

int aio_read(aiocb* block) noexcept {
  return sluice::read(sluice::aio(), sluice::maybe_null(block));
}

int aio_write(aiocb* block) noexcept {
  return sluice::write(sluice::aio(), sluice::maybe_null(block));
}

int aio_error(const aiocb* block) noexcept {
  return sluice::error_of(block);
}

ssize_t aio_return(aiocb* block) noexcept {
  return sluice::return_of(block);
}

int aio_suspend(const aiocb* const blocks[], int count, const timespec* timeout) {
  return sluice::suspend(sluice::aio(), blocks, count, timeout);
}

int aio_cancel(int fd, aiocb* block) noexcept {
  return sluice::cancel(sluice::aio(), fd, block);
}

int lio_listio(int mode, aiocb* const blocks[], int count, sigevent* notification) noexcept {
  return sluice::list(sluice::aio(), mode, blocks, count, notification);
}

/// Tells the C library how many threads and requests to expect; here there is nothing to be told.
void aio_init(const aioinit*) noexcept {}

// ---- struct aiocb64 ----

int aio_fsync64(int op, aiocb64* block) noexcept {
  return sluice::fsync(sluice::aio(), op, sluice::maybe_null(block));
}

int aio_read64(aiocb64* block) noexcept {
  return sluice::read(sluice::aio(), sluice::maybe_null(block));
}

int aio_write64(aiocb64* block) noexcept {
  return sluice::write(sluice::aio(), sluice::maybe_null(block));
}

int aio_error64(const aiocb64* block) noexcept {
  return sluice::error_of(block);
}

ssize_t aio_return64(aiocb64* block) noexcept {
  return sluice::return_of(block);
}

int aio_suspend64(const aiocb64* const blocks[], int count, const timespec* timeout) {
  return sluice::suspend(sluice::aio(), blocks, count, timeout);
}

int aio_cancel64(int fd, aiocb64* block) noexcept {
  return sluice::cancel(sluice::aio(), fd, block);
}

int lio_listio64(int mode, aiocb64* const blocks[], int count, sigevent* notification) noexcept {
  return sluice::list(sluice::aio(), mode, blocks, count, notification);
}
