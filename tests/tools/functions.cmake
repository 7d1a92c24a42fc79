# SPDX-License-Identifier: MIT
set(function_tests functions runtime_clients)
if(NOT SW_SANITIZE)
	# A package is of a program as it is shipped.
	list(APPEND function_tests deploy)
endif()
foreach(name ${function_tests})
	add_test(NAME test_${name}
		COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.py
			--bin ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
	set_tests_properties(test_${name} PROPERTIES LABELS e2e TIMEOUT 600
		ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endforeach()
set_tests_properties(test_functions PROPERTIES COST 50)
if(SW_SANITIZE)
	set_tests_properties(test_functions PROPERTIES
		ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;SPILLWAY_TEST_LANGUAGES=c")
endif()
