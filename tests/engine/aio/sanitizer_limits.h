#pragma once

#include <gtest/gtest.h>

/// At the beginning of a test whose child begins a thread, in a process that has several: ThreadSanitizer
/// ends such a child, and AddressSanitizer's allocator (of g++ 12) keeps its locks as fork(2) found them, so
/// that the child's threads may wait for ever for one that another thread of the parent held.
#if defined(__SANITIZE_THREAD__)
#define SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS() \
  GTEST_SKIP() << "ThreadSanitizer knows no threads in the child of a process with threads"
#elif defined(__SANITIZE_ADDRESS__)
#define SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS()                                                      \
  GTEST_SKIP() << "AddressSanitizer's allocator may be locked for ever in the child of a process with " \
                  "threads"
#else
#define SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS() static_cast<void>(0)
#endif

/// At the beginning of a test that leaves no descriptor free: UndefinedBehaviorSanitizer, which is built with
/// AddressSanitizer here, takes objects for broken when it cannot make a pipe.
#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_SKIP_IF_CHECKS_NEED_DESCRIPTORS() \
  GTEST_SKIP() << "UndefinedBehaviorSanitizer needs descriptors to check objects with"
#else
#define SLUICE_SKIP_IF_CHECKS_NEED_DESCRIPTORS() static_cast<void>(0)
#endif
