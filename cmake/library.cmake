# SPDX-License-Identifier: MIT

# libspillway, shared and static, from the modules' objects; and what an installed copy of it needs.

set(spillway_modules runtime operators burst nexmark)
set(spillway_needs HWLOC URCU CK CURL OPENSSL CRYPTO JANSSON DEFLATE XXHASH)
set(spillway_pkgconfig hwloc liburcu-qsbr ck libcurl openssl libcrypto jansson libdeflate libxxhash)

add_library(spillway_shared SHARED)
add_library(spillway_static STATIC)
foreach(library spillway_shared spillway_static)
	foreach(module ${spillway_modules})
		target_sources(${library} PRIVATE $<TARGET_OBJECTS:spillway_${module}>)
	endforeach()
	foreach(need ${spillway_needs})
		target_link_libraries(${library} PRIVATE PkgConfig::${need})
	endforeach()
	target_link_libraries(${library} PRIVATE Threads::Threads m)
	target_include_directories(${library} INTERFACE
		$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/spillway>)
	set_target_properties(${library} PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME spillway)
endforeach()
set_target_properties(spillway_shared PROPERTIES
	VERSION ${PROJECT_VERSION} SOVERSION 0 EXPORT_NAME spillway)
# A sanitizer's run-time library is in the program, not in the shared library.
if(NOT SW_SANITIZE)
	target_link_options(spillway_shared PRIVATE LINKER:--no-undefined)
endif()

install(TARGETS spillway_shared spillway_static EXPORT SpillwayTargets)
# Public headers are those that are fit for C++: they open with SW_BEGIN_DECLS.
foreach(module ${spillway_modules})
	file(GLOB headers ${PROJECT_SOURCE_DIR}/${module}/*.h)
	foreach(header ${headers})
		file(STRINGS ${header} public REGEX "^(SW_BEGIN_DECLS|#define SW_BEGIN_DECLS.*)$" LIMIT_COUNT 1)
		if(public)
			install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/spillway/${module})
		endif()
	endforeach()
endforeach()

include(CMakePackageConfigHelpers)
set(spillway_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Spillway)
configure_package_config_file(cmake/SpillwayConfig.cmake.in
	${PROJECT_BINARY_DIR}/generated/SpillwayConfig.cmake INSTALL_DESTINATION ${spillway_cmake_dir})
write_basic_package_version_file(
	${PROJECT_BINARY_DIR}/generated/SpillwayConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT SpillwayTargets NAMESPACE Spillway:: DESTINATION ${spillway_cmake_dir})
install(FILES
	${PROJECT_BINARY_DIR}/generated/SpillwayConfig.cmake
	${PROJECT_BINARY_DIR}/generated/SpillwayConfigVersion.cmake
	DESTINATION ${spillway_cmake_dir})

string(REPLACE ";" " " spillway_requires "${spillway_pkgconfig}")
# An installed copy may be moved: the prefix is found from where the file is.
file(RELATIVE_PATH spillway_prefix_path
	${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(file spillway spillway-static)
	configure_file(cmake/${file}.pc.in ${PROJECT_BINARY_DIR}/generated/${file}.pc @ONLY)
	install(FILES ${PROJECT_BINARY_DIR}/generated/${file}.pc
		DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
