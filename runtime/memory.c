/* SPDX-License-Identifier: MIT */
/*
 * Large blocks from the kernel. A block of 2 MB or more is aligned to 2 MB and advised to take huge
 * pages; its pages are asked for on a node before anything touches them, because the policy decides
 * where a page goes at its first touch. The policy is "preferred", not "bind": a full node then
 * costs speed, not the process.
 *
 * Until it has its policy a block cannot be accessed. Else the kernel would make it one area with
 * what other threads have mapped beside it, and a huge page that one of them touches there, on its
 * own node, would reach into the block.
 */

#include "runtime/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES       ((size_t)4096)
#define HUGE_PAGE_BYTES  ((size_t)2 << 20)
#define NODES_MAX        1024
#define BITS_PER_LONG    (sizeof(unsigned long) * CHAR_BIT)
#define POLICY_PREFERRED 1 /* MPOL_PREFERRED of the kernel's interface; libnuma is not needed */

/* The one number that is the process's, because the header promises the process's. Any thread
 * adds; relaxed: it counts and orders nothing. */
static atomic_size_t mapped_bytes;

static size_t page_rounded(size_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

/* Best effort: without the system call, the node or the permission the memory comes from
 * elsewhere. */
static void prefer_node(void *block, size_t bytes, int node)
{
	unsigned long mask[NODES_MAX / BITS_PER_LONG] = { 0 };

	if (node < 0 || node >= NODES_MAX)
		return;
	mask[(size_t)node / BITS_PER_LONG] = 1ul << ((size_t)node % BITS_PER_LONG);
	/* The kernel reads one bit less than it is told. */
	(void)syscall(
		SYS_mbind, block, bytes, POLICY_PREFERRED, mask, (unsigned long)NODES_MAX + 1, 0u);
}

/* Maps `bytes` at a multiple of 2 MB by mapping more and giving the ends back. */
static void *map_aligned(size_t bytes, int protection, int flags)
{
	size_t room = bytes + HUGE_PAGE_BYTES;
	char *base, *aligned;
	size_t before, after;

	if (room < bytes)
		return MAP_FAILED;
	base = mmap(NULL, room, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	if (base == MAP_FAILED)
		return MAP_FAILED;
	before = (HUGE_PAGE_BYTES - (uintptr_t)base % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES;
	aligned = base + before;
	after = room - before - bytes;
	if (before)
		munmap(base, before);
	if (after)
		munmap(aligned + bytes, after);
	return aligned;
}

static void *map(size_t bytes, int node, enum sw_huge_pages huge_pages, int flags)
{
	size_t rounded = page_rounded(bytes);
	bool huge = huge_pages == SW_HUGE_PAGES_AUTO && rounded >= HUGE_PAGE_BYTES;
	int protection = node < 0 ? PROT_READ | PROT_WRITE : PROT_NONE;
	void *block;

	if (bytes == 0 || rounded < bytes)
		return NULL;
	if (huge)
		block = map_aligned(rounded, protection, flags);
	else
		block = mmap(NULL, rounded, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	if (block == MAP_FAILED)
		return NULL;
	if (huge)
		(void)madvise(block, rounded, MADV_HUGEPAGE);
	else if (huge_pages == SW_HUGE_PAGES_OFF)
		(void)madvise(block, rounded, MADV_NOHUGEPAGE);
	if (node < 0)
		return block;
	prefer_node(block, rounded, node);
	if (mprotect(block, rounded, PROT_READ | PROT_WRITE) == 0)
		return block;
	munmap(block, rounded);
	return NULL;
}

void *sw_memory_map(size_t bytes, int node, enum sw_huge_pages huge_pages)
{
	void *block = map(bytes, node, huge_pages, 0);

	if (block)
		atomic_fetch_add_explicit(&mapped_bytes, page_rounded(bytes), memory_order_relaxed);
	return block;
}

void sw_memory_unmap(void *block, size_t bytes)
{
	size_t rounded = page_rounded(bytes);

	if (!block)
		return;
	munmap(block, rounded);
	atomic_fetch_sub_explicit(&mapped_bytes, rounded, memory_order_relaxed);
}

void *sw_memory_reserve(size_t bytes, int node, enum sw_huge_pages huge_pages)
{
	return map(bytes, node, huge_pages, MAP_NORESERVE);
}

void sw_memory_release(void *block, size_t bytes)
{
	if (block)
		munmap(block, page_rounded(bytes));
}

/* The number after `name` in a file of the kernel's; UINT64_MAX: there is none ("max"). */
static uint64_t read_number(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	uint64_t number = UINT64_MAX;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) != 0)
			continue;
		if (sscanf(line + strlen(name), "%" SCNu64, &number) != 1)
			number = UINT64_MAX;
		break;
	}
	if (file)
		fclose(file);
	return number;
}

static uint64_t left_of(uint64_t limit, uint64_t used)
{
	if (limit == UINT64_MAX || used == UINT64_MAX)
		return UINT64_MAX;
	return limit > used ? limit - used : 0;
}

uint64_t sw_memory_available_bytes(void)
{
	uint64_t kib = read_number("/proc/meminfo", "MemAvailable:");
	uint64_t least = kib < UINT64_MAX / 1024 ? kib * 1024 : UINT64_MAX;
	uint64_t groups[] = {
		left_of(read_number("/sys/fs/cgroup/memory.max", ""),
			read_number("/sys/fs/cgroup/memory.current", "")),
		left_of(read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes", ""),
			read_number("/sys/fs/cgroup/memory/memory.usage_in_bytes", "")),
	};

	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		least = groups[i] < least ? groups[i] : least;
	if (least == UINT64_MAX)
		least = (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE_BYTES;
	return least;
}

size_t sw_memory_mapped_bytes(void)
{
	/* Relaxed: a number for reports. */
	return atomic_load_explicit(&mapped_bytes, memory_order_relaxed);
}
