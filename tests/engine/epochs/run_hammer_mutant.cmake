# cmake -DPROGRAM=… -P run_hammer_mutant.cmake
# Succeeds when the hammer catches an engine that is built with the mutant: by a lie that it told, or by a check
# of the engine's own. When the threads meet is left to chance, so there are a few runs.
foreach(run RANGE 1 10)
  execute_process(COMMAND "${PROGRAM}" --gtest_filter=EngineHammer.*/fake --gtest_fail_fast --gtest_color=no
                  TIMEOUT 550 RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    break()
  endif()
endforeach()
if(result EQUAL 0)
  message(FATAL_ERROR "the mutant is not caught:\n${output}")
elseif(NOT output MATCHES "(a lie:|broken invariant|two syncs at a time)[^\n]*")
  message(FATAL_ERROR "the mutant ended (${result}) without being caught:\n${output}")
endif()
message(STATUS "caught: ${CMAKE_MATCH_0}")
