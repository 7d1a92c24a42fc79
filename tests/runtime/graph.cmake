# SPDX-License-Identifier: MIT
foreach(test test_graph test_graph_outlet test_graph_ports)
	add_executable(${test} ${test}.c graph_fixture.c)
	target_link_libraries(${test} PRIVATE spillway_runtime PkgConfig::CMOCKA)
	add_test(NAME ${test} COMMAND ${test})
	set_tests_properties(${test} PROPERTIES LABELS "stress" TIMEOUT 120)
endforeach()

add_executable(test_steady test_steady.c graph_fixture.c)
target_link_libraries(test_steady PRIVATE spillway_runtime PkgConfig::CMOCKA
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=aligned_alloc,--wrap=free,--wrap=pthread_mutex_lock)
add_test(NAME test_steady COMMAND test_steady)
set_tests_properties(test_steady PROPERTIES LABELS "unit" TIMEOUT 120 SKIP_RETURN_CODE 77)

# The example is a test: its sums are those of the squares below 100,000 and 200,000.
add_test(NAME example_embed COMMAND embed)
set_tests_properties(example_embed PROPERTIES LABELS "e2e" TIMEOUT 60
	PASS_REGULAR_EXPRESSION "flow 0: 333328333350000\nflow 1: 2666646666700000\n$")
