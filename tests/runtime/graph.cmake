# SPDX-License-Identifier: MIT
sw_fixture(graph_fixture spillway_runtime)
foreach(test test_graph test_graph_broadcast test_graph_outlet test_graph_ports)
	sw_test(${test} stress graph_fixture spillway_runtime)
endforeach()

# Test programs in which workers are watched.
function(sw_steady name)
	target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/runtime/steady_trap.c)
	target_link_libraries(${name} PRIVATE
		-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free
		-Wl,--wrap=qsort,--wrap=pthread_mutex_lock)
	set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

sw_test(test_graph_dictionaries stress spillway_runtime)

sw_test(test_steady unit graph_fixture spillway_runtime)
sw_steady(test_steady)

# The example is a test: its sums are those of the squares below 100,000 and 200,000.
add_test(NAME example_embed COMMAND embed)
set_tests_properties(example_embed PROPERTIES LABELS "e2e" TIMEOUT 60
	PASS_REGULAR_EXPRESSION "flow 0: 333328333350000\nflow 1: 2666646666700000\n$")
