/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_LOOP_H
#define SW_LAMBDA_LOCAL_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The event loop: epoll for descriptors, a binary heap for timers. One thread; every function here
 * and everything it calls back runs on it.
 */

#define LL_CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* A descriptor that is watched. Embedded in what owns it. */
struct ll_source {
	void (*ready)(struct ll_source *source, uint32_t events);
	/* Frees the owner. Called after the round of events in which the source was removed, so
	 * that an event already fetched for it finds its memory. */
	void (*release)(struct ll_source *source);
	int fd;
	uint32_t events;
	struct ll_source *next_removed;
};

struct ll_timer {
	void (*due)(struct ll_timer *timer);
	uint64_t due_ns; /* CLOCK_MONOTONIC */
	uint64_t order;  /* of two due at once the one set first goes first */
	uint32_t place;  /* in the heap, counted from 1; 0: not set */
};

struct ll_loop {
	int epoll_fd;
	bool stop;   /* set by whoever wants ll_loop_run to return */
	bool coarse; /* the kernel has no epoll_pwait2: timers go off on whole ms */
	struct ll_source *removed;
	struct ll_timer **heap; /* heap[1 .. timers] */
	uint32_t timers;
	uint64_t order;
	void (*round_end)(void *context); /* after each round of events: writes what was gathered */
	void *context;
};

/* Timers that can be set at once; every owner of one is itself bounded well below it. */
#define LL_TIMERS_MAX (1u << 18)

int ll_loop_init(struct ll_loop *loop);
void ll_loop_fini(struct ll_loop *loop);
int ll_loop_run(struct ll_loop *loop);

/* Watches source->fd for `events` (EPOLLIN, EPOLLOUT, level-triggered). */
int ll_loop_add(struct ll_loop *loop, struct ll_source *source, uint32_t events);
void ll_loop_change(struct ll_loop *loop, struct ll_source *source, uint32_t events);
/* Closes source->fd and has source->release called after this round. */
void ll_loop_remove(struct ll_loop *loop, struct ll_source *source);

/* Sets, or moves, a timer. */
void ll_timer_set(struct ll_loop *loop, struct ll_timer *timer, uint64_t due_ns);
void ll_timer_clear(struct ll_loop *loop, struct ll_timer *timer); /* no-op when not set */

#endif
