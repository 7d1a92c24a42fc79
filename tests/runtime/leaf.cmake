# SPDX-License-Identifier: MIT
# Tests of the parts that the graph is made of.
sw_test(test_error unit spillway_runtime)
sw_test(test_batch unit spillway_runtime)
sw_test(test_memory unit spillway_runtime)
sw_test(test_heap unit spillway_runtime)
sw_test(test_ring unit spillway_runtime)
sw_test(test_owners unit spillway_runtime)
sw_test(test_pool unit spillway_runtime)
sw_test(test_waiter unit spillway_runtime)
sw_test(test_histogram unit spillway_runtime m)
sw_test(test_topology unit spillway_runtime)
sw_test(test_arrow unit spillway_runtime)

sw_test(test_ring_stress stress spillway_runtime)
sw_test(test_pool_stress stress spillway_runtime)
sw_test(test_waiter_stress stress spillway_runtime)
# Its three threads take turns: with another test on their cores each turn waits for that one's time slice.
set_tests_properties(test_ring_stress PROPERTIES RUN_SERIAL TRUE)

# The model of rings with a sleeping consumer, and two variants in which a wake-up is lost.
set(run_spin ${PROJECT_SOURCE_DIR}/tests/run_spin.sh)
set(ring_model ${CMAKE_CURRENT_SOURCE_DIR}/ring.pml)
add_test(NAME spin_ring COMMAND ${run_spin} ${ring_model})
add_test(NAME spin_ring_without_fence COMMAND ${run_spin} --expect-error ${ring_model} -DNO_FENCE)
add_test(NAME spin_ring_late_value COMMAND ${run_spin} --expect-error ${ring_model} -DLATE_VALUE)
set_tests_properties(spin_ring spin_ring_without_fence spin_ring_late_value
	PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)

# Against pyarrow, when this machine has it.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
	add_library(arrow_helper MODULE arrow_helper.c)
	target_link_libraries(arrow_helper PRIVATE spillway_runtime)
	add_test(NAME arrow_pyarrow
		COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/arrow_pyarrow.py $<TARGET_FILE:arrow_helper>)
	set_tests_properties(arrow_pyarrow PROPERTIES LABELS unit TIMEOUT 120 SKIP_RETURN_CODE 77)
endif()
