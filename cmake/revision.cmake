# SPDX-License-Identifier: MIT

# Linking spillway_revision gives a target "revision.h", which defines SW_REVISION, SW_COMPILER and SW_FLAGS as
# strings. It is looked up at every build, and written only when it has changed.

set(revision_dir ${PROJECT_BINARY_DIR}/generated)
string(TOUPPER "${CMAKE_BUILD_TYPE}" revision_type)
set(revision_flags "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${revision_type}}")
if(SW_SANITIZE)
	string(APPEND revision_flags " -fsanitize=${SW_SANITIZE}")
endif()
string(STRIP "${revision_flags}" revision_flags)

add_custom_target(spillway_revision_header
	COMMAND ${CMAKE_COMMAND}
		-DSOURCE=${PROJECT_SOURCE_DIR}
		-DOUTPUT=${revision_dir}/revision.h
		"-DCOMPILER=${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}"
		"-DFLAGS=${revision_flags}"
		-P ${PROJECT_SOURCE_DIR}/cmake/write_revision.cmake
	BYPRODUCTS ${revision_dir}/revision.h
	COMMENT "Looking up the revision"
	VERBATIM)
add_library(spillway_revision INTERFACE)
target_include_directories(spillway_revision INTERFACE ${revision_dir})
add_dependencies(spillway_revision spillway_revision_header)
