# SPDX-License-Identifier: MIT
add_executable(lambda_load
	lambda_load.c
	${PROJECT_SOURCE_DIR}/tools/functions/c/envelope.c
	${PROJECT_SOURCE_DIR}/tools/functions/c/handler.c
)
target_link_libraries(lambda_load PRIVATE spillway_nexmark spillway_burst PkgConfig::CURL)
