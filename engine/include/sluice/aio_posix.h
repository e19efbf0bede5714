/* Asynchronous syncs, reads and writes in the shape of POSIX AIO (aio(7)); for C and C++.
 *
 * Every call returns at once with what is described, or -1 and errno, but for sluice_aio_suspend(),
 * sluice_aio_waitcomplete() and sluice_lio_listio() with LIO_WAIT, which wait. All are MT-safe (clause S7).
 * Requests of one process share one queue, whose threads are made at the first request; a child of fork(2)
 * has none of its parent's requests (their blocks say ECANCELED there, but for those in memory that both
 * share) and starts a queue of its own. docs/contract.md has the clauses.
 */
#pragma once

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifndef SIGEV_NONE
#error "struct sigevent is needed: compile with -D_POSIX_C_SOURCE=200809L, or for a dialect with extensions"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One request. Zero it before the first use. From a successful call until its status is no longer
 * EINPROGRESS it belongs to the queue: it must stay where it is and must not be changed, and to use it for
 * another request is EBUSY and harms nothing (clauses B4, P7). So must the buffer. The descriptor may be
 * closed as soon as the request is queued. */
struct sluice_aiocb {
  int aio_fildes;
  int aio_lio_opcode; /* For sluice_lio_listio(): LIO_READ, LIO_WRITE or LIO_NOP. */
  int aio_reqprio;    /* 0 to 20. Orders requests only when sluice_aio_options.use_priority is set. */
  volatile void* aio_buf;
  size_t aio_nbytes;
  int64_t aio_offset;           /* Ignored by writes to a descriptor with O_APPEND, which keep their order. */
  struct sigevent aio_sigevent; /* SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD or SIGEV_THREAD_ID. */

  /* Of the queue. */
  int sluice_error;
  ssize_t sluice_result;
  void* sluice_reserved[4];
};

enum sluice_aio_backend {
  SLUICE_AIO_AUTO = 0,     /* io_uring, or threads where the kernel forbids it. */
  SLUICE_AIO_IO_URING = 1, /* io_uring or nothing: requests are ENOSYS without it. */
  SLUICE_AIO_THREADS = 2
};

/* Zero means the default, whatever the environment says (docs/examples/README.md). */
struct sluice_aio_options {
  size_t max_requests;    /* Outstanding, or done and not collected. Default 65536. */
  unsigned max_syncs;     /* That run at one time. Default 64, at most 4096. */
  unsigned max_transfers; /* Reads and writes that run at one time. Default 64, at most 4096. */
  enum sluice_aio_backend backend;
  int use_priority; /* Requests that wait are started in the order of -nice - aio_reqprio, highest first
                       (clause B2). */
};

/* Before the first request of the process. EBUSY: later; EINVAL: no options, or a limit or the backend is out
 * of range; EFAULT: options cannot be read. */
int sluice_aio_init(const struct sluice_aio_options* options);

/* Queues a sync of the file: op is O_SYNC (fsync(2)) or O_DSYNC (fdatasync(2)). It covers what was queued on
 * the file before and what was written before, by whatever descriptor. Reads aio_fildes and aio_sigevent
 * only, and with use_priority aio_reqprio. Source: aio_fsync(3), clauses L1 to L8.
 * EINVAL: no block, bad op, bad notification, with use_priority a bad aio_reqprio, or a file that cannot be
 * synced (also later, as its status); EBADF: not open for writing; EAGAIN: the queue is full, or the process
 * has no descriptor or no thread left; EBUSY: the block is in use; EFAULT: it cannot be read; ENOSYS: neither
 * io_uring nor what may take its place is there. */
int sluice_aio_fsync(int op, struct sluice_aiocb* block);

/* Queue pread(2) and pwrite(2) of aio_nbytes at aio_buf and aio_offset. Errors as above; EINVAL also for a
 * bad aio_reqprio. A bad descriptor or offset is the request's own error, later. Source: aio_read(3). */
int sluice_aio_read(struct sluice_aiocb* block);
int sluice_aio_write(struct sluice_aiocb* block);

/* The status: EINPROGRESS, 0, or the error (ECANCELED when cancelled). EINVAL: no block, or one whose result
 * has been taken. Async-signal-safe. Source: aio_error(3), clause S2. */
int sluice_aio_error(const struct sluice_aiocb* block);

/* The result, once: what the operation returned; -1 and errno when it failed (clause B6). EINVAL: in
 * progress, or taken already. Source: aio_return(3). */
ssize_t sluice_aio_return(struct sluice_aiocb* block);

/* Waits until one of `count` blocks is not in progress; null ones are passed over. EINVAL: count is negative,
 * or a timeout that is none; EAGAIN: `timeout` (null: none) has passed; EINTR: a signal handler has run.
 * Source: aio_suspend(3). */
int sluice_aio_suspend(const struct sluice_aiocb* const blocks[], int count, const struct timespec* timeout);

/* Cancels a request, or with a null block all of the descriptor. AIO_CANCELED (0): done; AIO_NOTCANCELED (1):
 * one at least is being carried out; AIO_ALLDONE (2): none was in progress. EBADF: fd is not open; EINVAL:
 * the block is another descriptor's. What is cancelled notifies as usual. Source: aio_cancel(3). */
int sluice_aio_cancel(int fd, struct sluice_aiocb* block);

/* Waits for the next request of the process that is done and not collected, stores its block and returns as
 * sluice_aio_return() of it does. EINVAL: `block` is null, or a timeout that is none; EAGAIN: `timeout`
 * (null: none) has passed; EINTR: a signal handler has run; *block is null then. Source: FreeBSD's
 * aio_waitcomplete(2), clause B8. */
ssize_t sluice_aio_waitcomplete(struct sluice_aiocb** block, const struct timespec* timeout);

/* The program has dealt with what failed syncs of this file have lost: later ones are judged afresh. Until
 * then they fail, for what is lost is not made durable by a sync that succeeds (clause E2). EBADF: fd is not
 * open; EINVAL: its file cannot be synced; EMFILE: no descriptor to duplicate it to; EAGAIN, ENOSYS: as
 * sluice_aio_fsync(). */
int sluice_aio_accept_loss(int fd);

/* Queues the requests of `count` blocks; mode LIO_WAIT waits for all, LIO_NOWAIT notifies by `notification`
 * (may be null) when all are done. EINVAL: bad mode, count or notification; EFAULT: a block cannot be read,
 * none was queued; EAGAIN: the queue had no room for one; EIO: one failed otherwise, its block says why;
 * EINTR: a signal handler has run, all go on. Source: lio_listio(3). */
int sluice_lio_listio(int mode, struct sluice_aiocb* const blocks[], int count,
                      struct sigevent* notification);

#ifdef __cplusplus
}
#endif
