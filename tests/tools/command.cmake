# SPDX-License-Identifier: MIT
set(command_sources ${PROJECT_SOURCE_DIR}/tools/spillway)

sw_test(test_command_options unit)
target_sources(test_command_options PRIVATE
	${command_sources}/options.c ${command_sources}/message.c)
target_link_libraries(test_command_options PRIVATE m)

sw_test(test_command_text unit)
target_sources(test_command_text PRIVATE
	${command_sources}/text.c ${command_sources}/series.c ${command_sources}/message.c)
target_link_libraries(test_command_text PRIVATE m)

add_test(NAME test_command_line
	COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/test_command_line.py $<TARGET_FILE:spillway>)
set_tests_properties(test_command_line PROPERTIES LABELS e2e TIMEOUT 120)

sw_test(test_nexmark_table unit spillway_runtime)
target_sources(test_nexmark_table PRIVATE
	${command_sources}/nexmark_csv.c ${command_sources}/nexmark_table.c ${command_sources}/text.c)
target_link_libraries(test_nexmark_table PRIVATE m)

add_test(NAME test_nexmark_command
	COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/test_nexmark_command.py $<TARGET_FILE:spillway>)
set_tests_properties(test_nexmark_command PROPERTIES LABELS e2e TIMEOUT 120)

sw_test(test_experiment_rows unit spillway_nexmark spillway_burst)
target_sources(test_experiment_rows PRIVATE
	${command_sources}/experiment_rows.c ${command_sources}/experiment_words.c
	${command_sources}/text.c ${command_sources}/message.c)
target_link_libraries(test_experiment_rows PRIVATE m)

if(NOT SW_SANITIZE)
	# Loads are offered at set rates, which a program several times as slow cannot take.
	add_test(NAME test_experiments
		COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/test_experiments.py $<TARGET_FILE:spillway>)
	set_tests_properties(test_experiments PROPERTIES LABELS e2e TIMEOUT 300
		ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endif()
