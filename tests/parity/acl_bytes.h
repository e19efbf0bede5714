#pragma once

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>

namespace sluice::testing::parity {

inline constexpr const char* kAccessAcl = "system.posix_acl_access";
inline constexpr const char* kDefaultAcl = "system.posix_acl_default";

struct AclEntry {
  int tag;
  int permissions;
  std::uint32_t id = static_cast<std::uint32_t>(ACL_UNDEFINED_ID);
};

/// A POSIX ACL as the value of its xattr.
inline std::string acl_bytes(std::initializer_list<AclEntry> entries) {
  const posix_acl_xattr_header header{POSIX_ACL_XATTR_VERSION};
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  for (const auto& [tag, permissions, id] : entries) {
    const posix_acl_xattr_entry entry{static_cast<__le16>(tag), static_cast<__le16>(permissions), id};
    bytes.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  }
  return bytes;
}

}  // namespace sluice::testing::parity
