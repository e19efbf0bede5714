#include "slow_buffer.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "fake_backend.h"
#include "sluice/check.h"

namespace sluice::testing {
namespace {

std::uint64_t address_of(std::span<const std::byte> page) {
  return reinterpret_cast<std::uintptr_t>(page.data());
}

}  // namespace

Result<std::unique_ptr<SlowBuffer>> SlowBuffer::create() {
  UniqueFd faults(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
  if (!faults.valid()) return fail_last();
  uffdio_api api{.api = UFFD_API, .features = 0, .ioctls = 0};
  if (::ioctl(faults.get(), UFFDIO_API, &api) != 0) return fail_last();
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_last();
  const std::span page(static_cast<std::byte*>(memory), size);
  uffdio_register missing{
      .range = {.start = address_of(page), .len = size}, .mode = UFFDIO_REGISTER_MODE_MISSING, .ioctls = 0};
  if (::ioctl(faults.get(), UFFDIO_REGISTER, &missing) != 0) {
    const Errno error = Errno::last();
    ::munmap(memory, size);
    return fail(error);
  }
  return std::unique_ptr<SlowBuffer>(new SlowBuffer(std::move(faults), page));
}

SlowBuffer::~SlowBuffer() {
  arrive();
  ::munmap(page_.data(), page_.size());
}

bool SlowBuffer::wait_until_wanted() const {
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(FakeBackend::kPatience);
  pollfd event{.fd = faults_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&event, 1, static_cast<int>(patience.count())) == 1;
}

void SlowBuffer::arrive() {
  if (arrived_) return;
  arrived_ = true;
  uffdio_zeropage zeros{.range = {.start = address_of(page_), .len = page_.size()}, .mode = 0, .zeropage = 0};
  SLUICE_CHECK(::ioctl(faults_.get(), UFFDIO_ZEROPAGE, &zeros) == 0);
}

}  // namespace sluice::testing
