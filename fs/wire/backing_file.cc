#include "wire/backing_file.h"

#include <sys/ioctl.h>

#include "wire/passthrough_abi.h"
#include "wire/wire.h"

namespace sluicefs {

using sluice::Result;

Result<std::shared_ptr<const BackingFile>> BackingFile::make(const Session& session, int fd) {
  abi::BackingMap map{};
  map.fd = fd;
  const int id = ::ioctl(session.device(), abi::kBackingOpen, &map);
  if (id < 0) return sluice::fail_last();
  return std::shared_ptr<const BackingFile>(new BackingFile(session, id));
}

BackingFile::~BackingFile() {
  const auto id = static_cast<std::uint32_t>(id_);
  ::ioctl(session_.device(), abi::kBackingClose,
          &id);  // Fails when the connection has ended, and then rightly.
}

}  // namespace sluicefs
