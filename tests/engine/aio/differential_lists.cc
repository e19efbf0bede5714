#include <semaphore.h>

#include <array>

#include "differential_scene.h"

// lio_listio(3).

namespace sluice::testing {
namespace {

/// A write that is good, and another block after it.
struct TwoWrites {
  TwoWrites() {
    for (aiocb& block : blocks) {
      block = block_of(files.fd(), text, 4);
      block.aio_lio_opcode = LIO_WRITE;
    }
  }
  std::string list(int mode, int count = 2) {
    aiocb* const pointers[] = {&blocks[0], &blocks[1]};
    const std::string answer = answer_of(::lio_listio(mode, pointers, count, nullptr));
    return answer + ": " + end_of(blocks[0]) + ", " + end_of(blocks[1]);
  }

  TempFiles files;
  char text[8] = "abcd";
  std::array<aiocb, 2> blocks;
};

std::string with_second(int mode, void (*change)(aiocb&)) {
  TwoWrites writes;
  change(writes.blocks[1]);
  return writes.list(mode);
}

std::string alone(int mode, void (*change)(aiocb&)) {
  TwoWrites writes;
  change(writes.blocks[0]);
  aiocb* const pointers[] = {&writes.blocks[0]};
  const std::string answer = answer_of(::lio_listio(mode, pointers, 1, nullptr));
  return answer + ": " + end_of(writes.blocks[0]);
}

sem_t called;

std::string notified(bool with_work) {
  ::sem_init(&called, 0, 0);
  TwoWrites writes;
  aiocb* const pointers[] = {with_work ? &writes.blocks[0] : nullptr, nullptr};
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = [](sigval) { ::sem_post(&called); };
  const std::string answer = answer_of(::lio_listio(LIO_NOWAIT, pointers, 2, &event));
  ::sem_wait(&called);
  return answer + ", called, " + (with_work ? end_of(writes.blocks[0]) : "");
}

void bad_descriptor(aiocb& block) {
  block.aio_fildes = -1;
}
void bad_priority(aiocb& block) {
  block.aio_reqprio = -1;
}
void bad_operation(aiocb& block) {
  block.aio_lio_opcode = 77;
}
void no_operation(aiocb& block) {
  block.aio_lio_opcode = LIO_NOP;
}

}  // namespace

std::vector<Situation> list_situations() {
  return {
      {"list, waiting", [] { return TwoWrites().list(LIO_WAIT); }},
      {"list, not waiting", [] { return TwoWrites().list(LIO_NOWAIT); }},
      {"list of none, waiting", [] { return TwoWrites().list(LIO_WAIT, 0); }},
      {"list in a bad mode", [] { return TwoWrites().list(77); }},
      {"list with a NOP", [] { return with_second(LIO_WAIT, no_operation); }},
      {"list with a bad descriptor, waiting", [] { return with_second(LIO_WAIT, bad_descriptor); }},
      {"list with a bad descriptor, not waiting", [] { return with_second(LIO_NOWAIT, bad_descriptor); }},
      {"list with a bad operation, waiting", [] { return with_second(LIO_WAIT, bad_operation); }},
      {"list with a bad operation, not waiting", [] { return with_second(LIO_NOWAIT, bad_operation); }},
      {"list with a bad priority, waiting", [] { return with_second(LIO_WAIT, bad_priority); }},
      {"list with a bad priority, not waiting", [] { return with_second(LIO_NOWAIT, bad_priority); }},
      {"list of a bad priority alone, waiting", [] { return alone(LIO_WAIT, bad_priority); }},
      {"list of a bad priority alone, not waiting", [] { return alone(LIO_NOWAIT, bad_priority); }},
      {"list that notifies", [] { return notified(true); }},
      {"list of nothing that notifies", [] { return notified(false); }},
  };
}

}  // namespace sluice::testing
