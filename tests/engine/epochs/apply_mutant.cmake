# cmake -DSOURCE=… -DFROM=… -DTO=… -DOUTPUT=… -P apply_mutant.cmake
# Writes SOURCE to OUTPUT with the text in the file FROM replaced by that in TO. Fails unless FROM is there once.
file(READ "${SOURCE}" text)
file(READ "${FROM}" from)
file(READ "${TO}" to)
string(FIND "${text}" "${from}" first)
string(FIND "${text}" "${from}" last REVERSE)
if(first EQUAL -1)
  message(FATAL_ERROR "${OUTPUT}: the text to replace is not in ${SOURCE}:\n${from}")
elseif(NOT first EQUAL last)
  message(FATAL_ERROR "${OUTPUT}: the text to replace is in ${SOURCE} more than once:\n${from}")
endif()
string(REPLACE "${from}" "${to}" text "${text}")
file(WRITE "${OUTPUT}" "${text}")
