# Mutants of epochs.cc: one change each, and the enumeration must catch it. A change whose text is no longer in
# the file, or is there twice, fails the build.

# Each mutant's behaviour is the same in every build, and once is enough.
if(SLUICE_SANITIZE OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  return()
endif()

set(EPOCHS_SOURCE ${CMAKE_SOURCE_DIR}/engine/src/epochs.cc)

# epochs_mutant(NAME FROM TO [HAMMER]): HAMMER: the threads that hammer the engine must catch it as well.
function(epochs_mutant NAME FROM TO)
  set(target epochs_mutant_${NAME})
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/mutants/${NAME})
  file(CONFIGURE OUTPUT ${directory}/from CONTENT "${FROM}" @ONLY)
  file(CONFIGURE OUTPUT ${directory}/to CONTENT "${TO}" @ONLY)
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/apply_mutant.cmake)
  add_custom_command(
    OUTPUT ${directory}/epochs.cc
    COMMAND ${CMAKE_COMMAND} -DSOURCE=${EPOCHS_SOURCE} -DFROM=${directory}/from -DTO=${directory}/to
            -DOUTPUT=${directory}/epochs.cc -P ${script}
    DEPENDS ${EPOCHS_SOURCE} ${directory}/from ${directory}/to ${script}
    VERBATIM)
  add_executable(${target} ${directory}/epochs.cc $<TARGET_OBJECTS:epochs_enumeration>)
  # The mutant's epochs.cc comes before the oracle, which needs it; libsluice is not linked at all.
  target_link_libraries(${target} PRIVATE epochs_oracle GTest::gtest GTest::gtest_main)
  target_compile_options(${target} PRIVATE -w)
  target_link_options(${target} PRIVATE -s)
  set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY "" RUNTIME_OUTPUT_DIRECTORY ${directory})
  add_test(NAME ${target}.IsCaught
           COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${target}> -P ${CMAKE_CURRENT_SOURCE_DIR}/run_mutant.cmake)
  set_tests_properties(${target}.IsCaught PROPERTIES LABELS unit TIMEOUT 600)
  if(ARGN STREQUAL "HAMMER")
    hammer_mutant(${NAME} ${directory})
  endif()
endfunction()

# An engine with the mutant in the place of epochs.cc.
function(hammer_mutant NAME DIRECTORY)
  set(target hammer_mutant_${NAME})
  add_executable(${target} ${DIRECTORY}/epochs.cc $<TARGET_OBJECTS:engine_hammering>)
  target_link_libraries(${target} PRIVATE engine_hammer GTest::gtest GTest::gtest_main)
  target_compile_options(${target} PRIVATE -w)
  target_link_options(${target} PRIVATE -s)
  set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY "" RUNTIME_OUTPUT_DIRECTORY ${DIRECTORY})
  add_test(NAME ${target}.IsCaught
           COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${target}>
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/run_hammer_mutant.cmake)
  set_tests_properties(${target}.IsCaught PROPERTIES LABELS unit TIMEOUT 600)
endfunction()

# ---- Mutations and covers ----

epochs_mutant(completed_is_a_maximum
  [[return in_flight_.empty() ? issued_ : in_flight_.front().previous();]]
  [[Epoch last = issued_;
  for (auto i = in_flight_.rbegin(); i != in_flight_.rend() && *i == last; ++i) last = last.previous();
  return last;]] HAMMER)
epochs_mutant(mutation_that_failed_is_not_counted
  [[in_flight_.erase(found);]]
  [[in_flight_.erase(found);
  if (epoch == issued_) issued_ = last_data_ = epoch.previous();]])
epochs_mutant(mutation_in_flight_is_not_counted
  [[kind == SyncKind::data ? last_data_ : issued_}]]
  [[std::min(completed(), kind == SyncKind::data ? last_data_ : issued_)}]])
epochs_mutant(data_is_taken_for_metadata
  [[if (mutation_class == MutationClass::data) last_data_ = issued_;]] "")
epochs_mutant(metadata_is_taken_for_data
  [[if (mutation_class == MutationClass::data) last_data_]] [[last_data_]])
epochs_mutant(data_cover_ends_at_the_last_mutation
  [[kind == SyncKind::data ? last_data_ : issued_}]] [[issued_}]])
epochs_mutant(full_cover_ends_at_the_last_data_mutation
  [[kind == SyncKind::data ? last_data_ : issued_}]] [[last_data_}]])
epochs_mutant(cover_includes_later_writes
  [[return cover.last <= durable(kind);]] [[return std::max(cover.last, issued_) <= durable(kind);]])
epochs_mutant(assumed_write_is_ignored
  [[void InodeEpochs::assume_written() {]]
  [[void InodeEpochs::assume_written() {
  if (!opaque_) return;]])
epochs_mutant(assumed_write_is_no_data
  [[issued_ = issued_.next();
  last_data_ = issued_;]]
  [[issued_ = issued_.next();]])
epochs_mutant(inode_is_clean_after_it_was_opaque
  [[opaque_ = false;
  assume_written();]]
  [[opaque_ = false;]])

# ---- Barriers ----

epochs_mutant(opaque_inode_is_elided
  [[if (opaque_) assume_written();
  const EpochSpan]]
  [[const EpochSpan]])
epochs_mutant(opaque_inode_claims_to_be_elided [[return !opaque_ && is_durable]] [[return is_durable]])
epochs_mutant(joins_a_sync_that_began_too_early [[running_ && last <= running_->through &&]] [[running_ &&]])
epochs_mutant(full_barrier_joins_a_data_sync
  [[(running_->kind == SyncKind::full || kind == SyncKind::data);]] [[true;]])
epochs_mutant(data_barrier_joins_no_full_sync
  [[(running_->kind == SyncKind::full || kind == SyncKind::data);]] [[running_->kind == kind;]])
epochs_mutant(joined_barrier_is_cancelled
  [[if (running_covers(found->kind, found->cover.last)) return CancelOutcome::not_cancelled;]] "")
epochs_mutant(promise_is_cancelled [[!w.acknowledged && w.id == id]] [[w.id == id]])
# Not for the hammer: the engine waits for what it has promised before it stops, so this one may never end.
epochs_mutant(promise_is_forgotten [[promise(barrier.kind, cover, barrier.priority);]] "")
epochs_mutant(later_promise_puts_off_an_earlier_one
  [[const auto between = [&](Epoch mark) { return earlier <= mark && mark < later; };]]
  [[return true;
  const auto between = [&](Epoch mark) { return earlier <= mark && mark < later; };]])
epochs_mutant(promise_is_joined_with_one_whose_sync_runs
  [[|| (running_ && between(running_->through))]] "")
epochs_mutant(promise_is_joined_with_one_whose_data_is_durable [[between(durable_data_) || ]] "")
epochs_mutant(joined_promise_keeps_its_priority
  [[waiter.priority = std::max(waiter.priority, priority);]] "")
epochs_mutant(cancelled_barrier_is_kept [[waiters_.erase(found);]] "")
epochs_mutant(promise_is_answered_twice [[if (!waiter.acknowledged) answers]] [[answers]])

# ---- Syncs ----

epochs_mutant(two_syncs_at_once [[return !running_ && wanted_kind().has_value();]] [[return wanted_kind().has_value();]])
epochs_mutant(claims_a_later_write
  [[wanted.value_or(SyncKind::full), completed()};]] [[wanted.value_or(SyncKind::full), issued_};]] HAMMER)
epochs_mutant(early_sync_is_of_data [[wanted.value_or(SyncKind::full)]] [[wanted.value_or(SyncKind::data)]])
epochs_mutant(data_sync_makes_full_durable
  [[if (done.kind == SyncKind::full) {]] [[if (done.through > Epoch()) {]] HAMMER)
epochs_mutant(sync_starts_before_the_cover_has_ended [[if (waiter.cover.last > ended) continue;]] "")
epochs_mutant(data_sync_is_made_for_a_full_barrier
  [[if (waiter.kind == SyncKind::full) return SyncKind::full;]] "")
epochs_mutant(priority_of_a_cover_that_has_not_ended_counts
  [[if (waiter.cover.last <= completed() && (!highest ||]] [[if ((!highest ||]])
epochs_mutant(priority_counts_for_nothing
  [[return highest.value_or(Priority());]] [[return Priority();]])
epochs_mutant(sync_that_never_ran_is_taken_for_a_success
  [[void InodeEpochs::sync_never_ran() {
  SLUICE_CHECK(running_.has_value());]]
  [[void InodeEpochs::sync_never_ran() {
  durable_data_ = std::max(durable_data_, running_->through);]])
epochs_mutant(sync_that_never_ran_runs_for_ever
  [[void InodeEpochs::sync_never_ran() {
  SLUICE_CHECK(running_.has_value());
  running_.reset();]]
  [[void InodeEpochs::sync_never_ran() {
  SLUICE_CHECK(running_.has_value());]])
epochs_mutant(lowest_priority_counts [[*highest < waiter.priority]] [[waiter.priority < *highest]])
epochs_mutant(success_of_now_is_claimed
  [[durable_data_ = std::max(durable_data_, done.through);]] [[durable_data_ = completed();]])

# ---- Failures ----

epochs_mutant(failure_of_data_is_forgotten
  [[if (opaque_) assume_written();
  lose(SyncKind::data, error);]]
  [[if (opaque_) assume_written();]] HAMMER)
epochs_mutant(failure_of_a_full_sync_is_forgotten
  [[if (failed.kind == SyncKind::full) lose(SyncKind::full, error);]] "")
epochs_mutant(failure_of_data_loses_metadata
  [[if (failed.kind == SyncKind::full) lose(]] [[lose(]])
epochs_mutant(failed_sync_of_an_opaque_inode_spares_what_was_not_announced
  [[if (opaque_) assume_written();
  lose(]] [[lose(]])
epochs_mutant(failed_write_out_spares_what_was_not_announced
  [[assume_written();
  lose(SyncKind::data, error);
  answer_waiters(answers);]]
  [[lose(SyncKind::data, error);
  answer_waiters(answers);]])
epochs_mutant(span_starts_at_the_mark_of_full [[const Epoch mark = durable(kind);]] [[const Epoch mark = durable_full_;]])
epochs_mutant(span_starts_at_the_mark_itself [[superseded ? mark.next()]] [[superseded ? mark]])
epochs_mutant(span_ends_at_what_has_ended [[failed = {EpochSpan{first, issued_}, error};]]
  [[failed = {EpochSpan{first, completed()}, error};]])
epochs_mutant(later_failure_replaces_an_earlier_one
  [[superseded ? mark.next() : failed.span->first;]] [[mark.next();]])
epochs_mutant(superseded_span_is_joined_with_a_later_one
  [[!failed.span || failed.span->last < emptied_at_;]] [[!failed.span;]])
epochs_mutant(loss_of_data_is_hidden_from_full_barriers
  [[if (failed_data_.span && failed_data_.span->meets(cover))]]
  [[if (kind == SyncKind::data && failed_data_.span && failed_data_.span->meets(cover))]])
epochs_mutant(loss_of_metadata_is_told_to_data_barriers
  [[if (kind == SyncKind::full && failed_full_.span &&]] [[if (failed_full_.span &&]])
epochs_mutant(lost_barrier_gets_success [[answers.push_back({waiter.id, error});]]
  [[answers.push_back({waiter.id, std::nullopt});]] HAMMER)
epochs_mutant(truncation_ends_no_loss [[return {emptied_at_, kind]] [[return {Epoch(), kind]] HAMMER)
epochs_mutant(truncation_heals_before_it_is_durable [[ && emptied_at_ <= durable(kind)) failed]] [[) failed]])
epochs_mutant(truncation_begun_before_the_failure_heals
  [[failed.span->last < emptied_at_ && emptied_at_ <= durable]]
  [[failed.span->first <= emptied_at_ && emptied_at_ <= durable]])
epochs_mutant(every_mutation_heals
  [[if (effect == MutationEffect::emptied) emptied_at_]] [[if (epoch <= last_data_) emptied_at_]])
epochs_mutant(earlier_truncation_hides_a_later_one
  [[emptied_at_ = std::max(emptied_at_, epoch);]] [[emptied_at_ = epoch;]])
epochs_mutant(loss_is_never_erased [[<= durable(kind)) failed = {};]] [[<= durable(kind)) return;]])

# ---- Forgetting ----

epochs_mutant(failed_inode_is_forgotten [[&& !failure_stands();]] [[;]])
epochs_mutant(removed_inode_stays_so_for_the_next_owner [[removed_ = false;]] "")
epochs_mutant(next_owner_of_a_number_is_clean
  [[removed_ = false;
  assume_written();]]
  [[removed_ = false;]])
epochs_mutant(removed_inode_is_remembered [[!failure_stands()]] [[!(failed_data_.span || failed_full_.span)]])
epochs_mutant(opaque_inode_is_forgotten [[at_rest() && !opaque_ &&]] [[at_rest() &&]])
epochs_mutant(inode_with_a_mutation_in_flight_is_forgotten
  [[in_flight_.empty() && waiters_.empty() && !running_]] [[waiters_.empty() && !running_]])
epochs_mutant(inode_with_a_barrier_is_forgotten
  [[in_flight_.empty() && waiters_.empty() && !running_]] [[in_flight_.empty() && !running_]])
epochs_mutant(inode_with_a_running_sync_is_forgotten
  [[in_flight_.empty() && waiters_.empty() && !running_]] [[in_flight_.empty() && waiters_.empty()]])
