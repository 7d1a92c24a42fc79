# SPDX-License-Identifier: MIT
sw_test(test_lambda_parts unit lambda_local_parts)
sw_test(test_lambda_function unit function_parts)
sw_test(test_runtime_client unit function_parts)

add_executable(lambda_load lambda_load.c)
target_link_libraries(lambda_load PRIVATE function_parts spillway_nexmark PkgConfig::CURL)

foreach(name invoke http limits frames command_line)
	add_test(NAME test_lambda_${name}
		COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/test_lambda_${name}.py
			$<TARGET_FILE:lambda-local> $<TARGET_FILE:bootstrap> $<TARGET_FILE:lambda_load>)
	set_tests_properties(test_lambda_${name} PROPERTIES LABELS e2e TIMEOUT 120
		ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endforeach()

add_test(NAME test_lambda_signature
	COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/test_lambda_signature.py
		$<TARGET_FILE:lambda-local> $<TARGET_FILE:signing_probe>)
set_tests_properties(test_lambda_signature PROPERTIES LABELS e2e TIMEOUT 120
	ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
