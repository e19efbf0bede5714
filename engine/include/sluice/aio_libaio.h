/* Asynchronous syncs, reads and writes in the shape of libaio; for C and C++.
 *
 * Every error is a negative errno, returned: -EINVAL, not -1 and errno. libaio does the same, whatever its
 * pages say (clause F1). errno itself is left alone.
 *
 * A sync covers what was queued on its file before it was submitted, through any context and by any
 * descriptor, and what the program has written by other means (clauses P2, E1). It is done when all of that
 * has ended and is durable. Later requests neither delay it nor are claimed by it (clauses P6, F3). One that
 * failed fails those of its file that come later (clause E2), until sluice_aio_accept_loss() of
 * sluice/aio_posix.h.
 *
 * All calls are MT-safe (clause S7). None waits for a device but sluice_io_destroy(), sluice_io_getevents()
 * and sluice_io_queue_wait(). A child of fork(2) has no context: its parent's are -EINVAL there, and it makes
 * its own. docs/contract.md has the clauses.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Names a context; 0 (NULL) names none. Never points to anything: a stale one is -EINVAL. */
/* NOLINTNEXTLINE(modernize-use-using): for C too. */
typedef struct sluice_io_context* sluice_io_context_t;

struct sluice_iocb;

/* Is told that the request of `block` has ended: `res` is the bytes read or written, 0 for a sync, or a
 * negative errno; `res2` is 0. Called by sluice_io_queue_run() in its caller's thread. The block is the
 * program's again, and may be submitted or freed. */
/* NOLINTNEXTLINE(modernize-use-using): for C too. */
typedef void (*sluice_io_callback_t)(sluice_io_context_t context, struct sluice_iocb* block, long res,
                                     long res2);

/* From 1, so that a block that was only zeroed is none of them. */
enum sluice_io_opcode {
  SLUICE_IO_PREAD = 1,
  SLUICE_IO_PWRITE = 2,
  SLUICE_IO_FSYNC = 3, /* fsync(2): data and all metadata (clause P4). */
  SLUICE_IO_FDSYNC = 4 /* fdatasync(2). */
};

/* One request. Read when it is submitted and not afterwards. From then until its event is collected its
 * address stands for the request, and to submit it again is -EBUSY and harms nothing (clause P7). Until the
 * request has ended, its buffer belongs to it. The descriptor may be closed once the request is queued. */
struct sluice_iocb {
  void* data; /* Handed back in the event. */
  int opcode;
  int fildes; /* For a sync, open in any way (clause L6); others as pread(2) and pwrite(2) want it. */
  void* buf;
  size_t nbytes;
  int64_t offset; /* Ignored by writes to a descriptor with O_APPEND, which keep their order. */
  int reqprio;    /* 0 to 20: of requests that wait for their turn, those with less are started first. */
  sluice_io_callback_t callback; /* May be null. */
};

struct sluice_io_event {
  void* data;
  struct sluice_iocb* obj;
  signed long res;  /* Bytes; 0 for a sync; or a negative errno. */
  signed long res2; /* 0. */
};

/* ---- Preparing: only fills in the block. Nothing is queued, nothing can fail (clause P1). ---- */

static inline void sluice_io_prep(struct sluice_iocb* block, int opcode, int fd, void* buf, size_t nbytes,
                                  int64_t offset) {
  block->data = NULL;
  block->opcode = opcode;
  block->fildes = fd;
  block->buf = buf;
  block->nbytes = nbytes;
  block->offset = offset;
  block->reqprio = 0;
  block->callback = NULL;
}

static inline void sluice_io_prep_fsync(struct sluice_iocb* block, int fd) {
  sluice_io_prep(block, SLUICE_IO_FSYNC, fd, NULL, 0, 0);
}

static inline void sluice_io_prep_fdsync(struct sluice_iocb* block, int fd) {
  sluice_io_prep(block, SLUICE_IO_FDSYNC, fd, NULL, 0, 0);
}

static inline void sluice_io_prep_pread(struct sluice_iocb* block, int fd, void* buf, size_t nbytes,
                                        int64_t offset) {
  sluice_io_prep(block, SLUICE_IO_PREAD, fd, buf, nbytes, offset);
}

static inline void sluice_io_prep_pwrite(struct sluice_iocb* block, int fd, void* buf, size_t nbytes,
                                         int64_t offset) {
  sluice_io_prep(block, SLUICE_IO_PWRITE, fd, buf, nbytes, offset);
}

static inline void sluice_io_set_callback(struct sluice_iocb* block, sluice_io_callback_t callback) {
  block->callback = callback;
}

/* ---- Contexts ---- */

/* Makes a context for `maxevents` requests that are outstanding or whose events are not collected, and stores
 * its name in `*context`, which must be 0 before. -EFAULT: `context` cannot be read. -EINVAL: maxevents is
 * not positive, `*context` is not 0. -EAGAIN: maxevents is more than the process may have outstanding
 * (sluice_aio_options.max_requests), or there can be no thread. -ENOSYS: io_uring was demanded and is not to
 * be had. Source: io_setup(2). */
int sluice_io_setup(int maxevents, sluice_io_context_t* context);

/* Refuses new requests, wakes who waits for events (-EINVAL), waits until every request has ended, and
 * forgets the events that nobody has collected. -EINVAL: no such context. Source: io_destroy(2). */
int sluice_io_destroy(sluice_io_context_t context);

/* ---- Queueing ---- */

/* Queues the requests of `count` blocks in their sequence, up to the first that is refused. The number that
 * were queued; when the first was refused, why:
 * -EFAULT: the array or a block cannot be read. -EBADF: no such descriptor. -EINVAL: no such context, or it
 * is being destroyed; count is negative; an unknown opcode; a sync with a buffer, a length or an offset; a
 * negative offset; a length above SSIZE_MAX; reqprio out of its range; the file is no regular file, directory
 * or block device. -EBUSY: the block is in use. -EAGAIN: maxevents are outstanding or not collected, or the
 * process has no room (clause E6). -EMFILE: no descriptor to duplicate the block's to. Source:
 * io_submit(2). */
int sluice_io_submit(sluice_io_context_t context, long count, struct sluice_iocb* blocks[]);

/* Prepares `block` as sluice_io_prep_fsync() does, sets the callback, and submits it: 0, or an error of
 * sluice_io_submit(). A block in use is not changed. Source: io_fsync(3). */
int sluice_io_fsync(sluice_io_context_t context, struct sluice_iocb* block, sluice_io_callback_t callback,
                    int fd);

/* Forgets a request that has not been started, and stores its event (res is -ECANCELED) in `*result`; it has
 * no other, and no callback. -EAGAIN: it runs or is done, its event comes as usual. -EINVAL: no such context,
 * or the block is not in use there. -EFAULT: `result` cannot be read. Source: io_cancel(2). */
int sluice_io_cancel(sluice_io_context_t context, struct sluice_iocb* block, struct sluice_io_event* result);

/* ---- Collecting ---- */

/* Collects at most `max` events, and waits until there are `min`. The number collected: fewer than `min`,
 * maybe 0, when `timeout` (null: never) has passed; fewer, but not 0, when a signal handler of this thread
 * has run or the context is destroyed. -EINTR: a handler has run and there is none. -EINVAL: no such context;
 * 0 <= min <= max is not so; a timeout that is none. -EFAULT: `events` or `timeout` cannot be read. Source:
 * io_getevents(2). */
int sluice_io_getevents(sluice_io_context_t context, long min, long max, struct sluice_io_event* events,
                        const struct timespec* timeout);

/* Collects the events of the requests that are done and have a callback, and calls it, one after another,
 * until there are none. A callback may submit, collect, and destroy the context. Events without callback are
 * left to sluice_io_getevents(). 0, or -EINVAL: no such context. */
int sluice_io_queue_run(sluice_io_context_t context);

/* Waits until there is an event to be collected: 0; -ETIMEDOUT when `timeout` (null: never) has passed;
 * -EINTR, -EINVAL and -EFAULT as sluice_io_getevents(). */
int sluice_io_queue_wait(sluice_io_context_t context, const struct timespec* timeout);

#ifdef __cplusplus
}
#endif
