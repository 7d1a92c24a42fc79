# SPDX-License-Identifier: MIT
sw_test(test_generator_golden golden spillway_nexmark PkgConfig::JANSSON PkgConfig::CRYPTO)
target_compile_definitions(test_generator_golden PRIVATE SW_TEST_GOLDEN="${PROJECT_SOURCE_DIR}/tests/golden")
