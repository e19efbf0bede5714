#include <aio.h>
#include <fcntl.h>

#include <cerrno>

#include "contender.h"
#include "sluice/check.h"

namespace sluice::bench {
namespace {

class GlibcContender final : public Contender {
 public:
  explicit GlibcContender(std::size_t slots) : blocks_(slots), outstanding_(slots, nullptr) {}

  void submit(std::size_t slot, int fd) override {
    aiocb& block = blocks_[slot];
    block = {};
    block.aio_fildes = fd;
    block.aio_sigevent.sigev_notify = SIGEV_NONE;
    SLUICE_CHECK(::aio_fsync(O_DSYNC, &block) == 0);
    outstanding_[slot] = &block;
  }

  void wait(std::vector<std::size_t>& slots) override {
    while (::aio_suspend(outstanding_.data(), static_cast<int>(outstanding_.size()), nullptr) != 0)
      SLUICE_CHECK(errno == EINTR);
    for (std::size_t slot = 0; slot < outstanding_.size(); ++slot) {
      if (outstanding_[slot] == nullptr || ::aio_error(outstanding_[slot]) == EINPROGRESS) continue;
      SLUICE_CHECK(::aio_return(&blocks_[slot]) == 0);
      outstanding_[slot] = nullptr;
      slots.push_back(slot);
    }
  }

 private:
  std::vector<aiocb> blocks_;
  std::vector<const aiocb*> outstanding_;
};

}  // namespace

std::unique_ptr<Contender> make_glibc(std::size_t slots) {
  return std::make_unique<GlibcContender>(slots);
}

}  // namespace sluice::bench
