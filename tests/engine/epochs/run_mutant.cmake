# cmake -DPROGRAM=… -P run_mutant.cmake
# Succeeds when the enumeration fails for the mutant: by a disagreement with the oracle or by a check of the
# mutant's own. Any other end, a crash for instance, proves nothing.
# Short orders first: they catch most, and in seconds.
foreach(length SHORT FULL)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env SLUICE_TEST_${length}=1
                          "${PROGRAM}" --gtest_fail_fast --gtest_color=no
                  TIMEOUT 550 RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    break()
  endif()
endforeach()
if(result EQUAL 0)
  message(FATAL_ERROR "the mutant is not caught:\n${output}")
elseif(NOT output MATCHES "after ([0-9]+) events: ([^\n]*)")
  message(FATAL_ERROR "the mutant ended (${result}) without being caught:\n${output}")
endif()
message(STATUS "caught after ${CMAKE_MATCH_1} events: ${CMAKE_MATCH_2}")
