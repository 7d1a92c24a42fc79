# SPDX-License-Identifier: MIT
# The generator's tests; included by CMakeLists.txt.
sw_test(test_random unit spillway_nexmark)
sw_test(test_stream_time unit spillway_nexmark)
sw_test(test_generator_options unit spillway_nexmark)
sw_fixture(generator_fixture spillway_nexmark)
foreach(subject "" _paths _times)
	sw_test(test_generator${subject} unit generator_fixture spillway_nexmark)
endforeach()
sw_test(test_generator_golden golden spillway_nexmark PkgConfig::JANSSON PkgConfig::CRYPTO)
target_compile_definitions(test_generator_golden PRIVATE SW_TEST_GOLDEN="${PROJECT_SOURCE_DIR}/tests/golden")
