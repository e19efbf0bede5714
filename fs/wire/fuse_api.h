#pragma once

// The one place that says which libfuse API the daemon is written against.
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
