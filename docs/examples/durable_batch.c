/* Makes a batch of new files durable with one wait: durable_batch DIRECTORY COUNT
 *
 * Every write and every sync is queued in one call and all of them are waited for in another. How many syncs
 * the file system shares is then its own affair: they are under way at the same time. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <sluice/aio_libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILES = 1000, BYTES = 4096 };

/* What is queued belongs to the engine until its event has come, so none of this may go away before. */
static struct sluice_iocb blocks[2 * MAX_FILES + 1];
static struct sluice_iocb* queue[2 * MAX_FILES + 1];
static struct sluice_io_event events[2 * MAX_FILES + 1];
static char content[MAX_FILES][BYTES];
static int files[MAX_FILES];

static int fail(const char* what, int error) {
  fprintf(stderr, "durable_batch: %s: %s\n", what, strerror(error));
  return EXIT_FAILURE;
}

/* 0, or the error number. */
static int create(int directory, int count) {
  for (int i = 0; i < count; ++i) {
    char name[32];
    snprintf(name, sizeof name, "file-%03d", i);
    files[i] = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (files[i] < 0) return errno;
    memset(content[i], 'a' + i % 26, BYTES);
  }
  return 0;
}

/* For each file its write and, behind it, the sync that covers it; the directory last, for the new names. How
 * many blocks that is. */
static int prepare(int directory, int count) {
  int prepared = 0;
  for (int i = 0; i < count; ++i) {
    sluice_io_prep_pwrite(&blocks[prepared++], files[i], content[i], BYTES, 0);
    sluice_io_prep_fsync(&blocks[prepared++], files[i]);
  }
  sluice_io_prep_fsync(&blocks[prepared++], directory);
  for (int i = 0; i < prepared; ++i) queue[i] = &blocks[i];
  return prepared;
}

/* 0 when all is durable, or the first error number. */
static int first_error(int ended) {
  for (int i = 0; i < ended; ++i) {
    if (events[i].res < 0) return (int)-events[i].res;
    /* A write that was short is no error, but not what was asked for either. A sync moves 0 bytes. */
    if ((size_t)events[i].res != events[i].obj->nbytes) return ENOSPC;
  }
  return 0;
}

/* 0 when all is durable, or an error number. */
static int make_durable(sluice_io_context_t context, int directory, int count) {
  const int prepared = prepare(directory, count);
  const int queued = sluice_io_submit(context, prepared, queue);
  if (queued < 0) return -queued;

  /* The engine has descriptors of its own by now. */
  for (int i = 0; i < count; ++i) close(files[i]);

  int ended = 0;
  do { /* Once, unless a signal handler has run. */
    const int got = sluice_io_getevents(context, queued - ended, queued - ended, events + ended, NULL);
    if (got < 0 && got != -EINTR) return -got;
    if (got > 0) ended += got;
  } while (ended < queued);
  return queued < prepared ? EAGAIN : first_error(ended);
}

int main(int argc, char** argv) {
  const int count = argc == 3 ? atoi(argv[2]) : 0;
  if (count < 1 || count > MAX_FILES) {
    fprintf(stderr, "usage: durable_batch DIRECTORY COUNT, with COUNT from 1 to %d\n", MAX_FILES);
    return 2;
  }
  const int directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return fail(argv[1], errno);
  int error = create(directory, count);
  if (error != 0) return fail("cannot create a file", error);

  sluice_io_context_t context = NULL;
  error = -sluice_io_setup(2 * count + 1, &context);
  if (error != 0) return fail("cannot set up a context", error);
  error = make_durable(context, directory, count);
  sluice_io_destroy(context); /* Waits for whatever is outstanding. */
  close(directory);
  if (error != 0) return fail("not everything is durable", error);
  printf("%d files are durable\n", count);
  return EXIT_SUCCESS;
}
