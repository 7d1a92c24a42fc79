# SPDX-License-Identifier: MIT
# The generator's part of the module; included by CMakeLists.txt.
set(NEXMARK_GENERATOR_SOURCES
	event.c
	generator.c
	generator_avx2.c
	generator_avx512.c
	generator_chunk.c
	generator_dictionary.c
	generator_events.c
	generator_pace.c
	options.c
	stream_time.c
)
# Prices are equal to the bit only if products and sums are rounded one by one.
set_source_files_properties(${NEXMARK_GENERATOR_SOURCES} PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
