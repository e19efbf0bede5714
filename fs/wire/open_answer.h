#pragma once

#include <cstdint>

#include "wire/fuse_api.h"

namespace sluicefs {

/// Answers OPEN or CREATE so that the data is passed through to the file that the kernel knows by
/// `backing_id`. libfuse can say that from 3.17 on; before, the answer is written as the kernel reads it.
/// Both return as fuse_reply_open() does.
int answer_passthrough_open(fuse_req_t request, const fuse_file_info& file, std::int32_t backing_id);
int answer_passthrough_create(fuse_req_t request, const fuse_entry_param& entry, const fuse_file_info& file,
                              std::int32_t backing_id);

}  // namespace sluicefs
