#include "libaio_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "fake_backend.h"
#include "sluice/check.h"

namespace sluice::testing {
namespace {

timespec patience() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(FakeBackend::kPatience);
  return {.tv_sec = seconds.count(), .tv_nsec = 0};
}

}  // namespace

bool holds_in_child(const std::function<bool()>& fact) {
  const pid_t child = ::fork();
  SLUICE_CHECK(child >= 0);
  // Without the destructors of what the parent has.
  if (child == 0) ::_exit(fact() ? 0 : 1);
  int status = -1;
  SLUICE_CHECK(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

LibaioFixture::LibaioFixture() {
  SLUICE_CHECK(sluice_io_setup(kMaxEvents, &context_) == 0);
}

LibaioFixture::~LibaioFixture() {
  if (context_ != nullptr) destroy();
}

int LibaioFixture::destroy() {
  const sluice_io_context_t context = context_;
  context_ = nullptr;
  return sluice_io_destroy(context);
}

sluice_iocb LibaioFixture::fsync_of(int fd) {
  sluice_iocb block;
  sluice_io_prep_fsync(&block, fd);
  return block;
}

sluice_iocb LibaioFixture::fdsync_of(int fd) {
  sluice_iocb block;
  sluice_io_prep_fdsync(&block, fd);
  return block;
}

sluice_iocb LibaioFixture::write_of(int fd, std::string_view text, off_t offset) {
  sluice_iocb block;
  sluice_io_prep_pwrite(&block, fd, const_cast<char*>(text.data()), text.size(), offset);
  return block;
}

sluice_iocb LibaioFixture::write_of(int fd, const SlowBuffer& buffer, off_t offset) {
  sluice_iocb block;
  sluice_io_prep_pwrite(&block, fd, const_cast<std::byte*>(buffer.bytes().data()), buffer.bytes().size(),
                        offset);
  return block;
}

int LibaioFixture::submit(sluice_iocb& block, sluice_io_context_t context) {
  sluice_iocb* blocks[] = {&block};
  return sluice_io_submit(context, 1, blocks);
}

std::vector<sluice_io_event> LibaioFixture::collect(std::size_t count, sluice_io_context_t context) {
  std::vector<sluice_io_event> events(count);
  const timespec timeout = patience();
  const auto wanted = static_cast<long>(count);
  const int collected = sluice_io_getevents(context, wanted, wanted, events.data(), &timeout);
  SLUICE_CHECK(collected >= 0);
  events.resize(static_cast<std::size_t>(collected));
  return events;
}

long LibaioFixture::collect_result() const {
  const std::vector<sluice_io_event> events = collect(1);
  SLUICE_CHECK(events.size() == 1);
  return events.front().res;
}

}  // namespace sluice::testing
