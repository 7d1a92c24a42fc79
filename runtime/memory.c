/* SPDX-License-Identifier: MIT */
/*
 * Large blocks from the kernel. A block of 2 MB or more is aligned to 2 MB and advised to take huge
 * pages; its pages are asked for on a node before anything touches them, because the policy decides
 * where a page goes at its first touch. The policy is "preferred", not "bind": a full node then
 * costs speed, not the process.
 */

#include "runtime/memory.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
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
static void *map_aligned(size_t bytes)
{
	size_t room = bytes + HUGE_PAGE_BYTES;
	char *base, *aligned;
	size_t before, after;

	if (room < bytes)
		return MAP_FAILED;
	base = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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

void *sw_memory_map(size_t bytes, int node, enum sw_huge_pages huge_pages)
{
	size_t rounded = page_rounded(bytes);
	bool huge = huge_pages == SW_HUGE_PAGES_AUTO && rounded >= HUGE_PAGE_BYTES;
	void *block;

	if (bytes == 0 || rounded < bytes)
		return NULL;
	if (huge)
		block = map_aligned(rounded);
	else
		block = mmap(
			NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		return NULL;
	if (huge)
		(void)madvise(block, rounded, MADV_HUGEPAGE);
	else if (huge_pages == SW_HUGE_PAGES_OFF)
		(void)madvise(block, rounded, MADV_NOHUGEPAGE);
	prefer_node(block, rounded, node);
	atomic_fetch_add_explicit(&mapped_bytes, rounded, memory_order_relaxed);
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

size_t sw_memory_mapped_bytes(void)
{
	/* Relaxed: a number for reports. */
	return atomic_load_explicit(&mapped_bytes, memory_order_relaxed);
}
