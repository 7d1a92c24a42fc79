/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runtime/clock.h"

#define EVENTS_PER_ROUND 256

static bool before(const struct ll_timer *a, const struct ll_timer *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void put(struct ll_loop *loop, struct ll_timer *timer, uint32_t place)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static void sift_up(struct ll_loop *loop, struct ll_timer *timer, uint32_t place)
{
	while (place > 1 && before(timer, loop->heap[place / 2])) {
		put(loop, loop->heap[place / 2], place);
		place /= 2;
	}
	put(loop, timer, place);
}

static void sift_down(struct ll_loop *loop, struct ll_timer *timer, uint32_t place)
{
	for (;;) {
		uint32_t child = place * 2;

		if (child > loop->timers)
			break;
		if (child < loop->timers && before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!before(loop->heap[child], timer))
			break;
		put(loop, loop->heap[child], place);
		place = child;
	}
	put(loop, timer, place);
}

void ll_timer_clear(struct ll_loop *loop, struct ll_timer *timer)
{
	uint32_t place = timer->place;
	struct ll_timer *last;

	if (place == 0)
		return;
	timer->place = 0;
	last = loop->heap[loop->timers--];
	if (last == timer)
		return;
	if (place > 1 && before(last, loop->heap[place / 2]))
		sift_up(loop, last, place);
	else
		sift_down(loop, last, place);
}

void ll_timer_set(struct ll_loop *loop, struct ll_timer *timer, uint64_t due_ns)
{
	ll_timer_clear(loop, timer);
	assert(loop->timers + 1 < LL_TIMERS_MAX);
	timer->due_ns = due_ns;
	timer->order = loop->order++;
	loop->timers++;
	sift_up(loop, timer, loop->timers);
}

static void run_timers(struct ll_loop *loop)
{
	uint64_t now_ns;

	if (loop->timers == 0)
		return;
	now_ns = sw_now_ns();
	while (loop->timers && loop->heap[1]->due_ns <= now_ns) {
		struct ll_timer *timer = loop->heap[1];

		ll_timer_clear(loop, timer);
		timer->due(timer);
	}
}

int ll_loop_init(struct ll_loop *loop)
{
	*loop = (struct ll_loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	if (loop->epoll_fd < 0)
		return -errno;
	/* Virtual memory only, until so many timers are set. */
	loop->heap = malloc(sizeof(loop->heap[0]) * LL_TIMERS_MAX);
	if (!loop->heap) {
		close(loop->epoll_fd);
		return -ENOMEM;
	}
	return 0;
}

static void release_removed(struct ll_loop *loop)
{
	while (loop->removed) {
		struct ll_source *source = loop->removed;

		loop->removed = source->next_removed;
		if (source->release)
			source->release(source);
	}
}

void ll_loop_fini(struct ll_loop *loop)
{
	release_removed(loop);
	free(loop->heap);
	close(loop->epoll_fd);
}

int ll_loop_add(struct ll_loop *loop, struct ll_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	source->events = events;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

void ll_loop_change(struct ll_loop *loop, struct ll_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->events == events)
		return;
	source->events = events;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void ll_loop_remove(struct ll_loop *loop, struct ll_source *source)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
	source->ready = NULL;
	source->next_removed = loop->removed;
	loop->removed = source;
}

static int wait_events(struct ll_loop *loop, struct epoll_event *events)
{
	uint64_t now_ns, left_ns = 0;
	struct timespec timeout;
	int count;

	if (loop->timers) {
		now_ns = sw_now_ns();
		if (loop->heap[1]->due_ns > now_ns)
			left_ns = loop->heap[1]->due_ns - now_ns;
	}
	timeout.tv_sec = (time_t)(left_ns / 1000000000u);
	timeout.tv_nsec = (long)(left_ns % 1000000000u);
	if (!loop->coarse) {
		count = epoll_pwait2(loop->epoll_fd, events, EVENTS_PER_ROUND,
			loop->timers ? &timeout : NULL, NULL);
		if (count >= 0 || (errno != ENOSYS && errno != EPERM))
			return count;
		loop->coarse = true;
	}
	if (left_ns > 1000000000u)
		left_ns = 1000000000u;
	return epoll_wait(loop->epoll_fd, events, EVENTS_PER_ROUND,
		loop->timers ? (int)((left_ns + 999999) / 1000000) : -1);
}

int ll_loop_run(struct ll_loop *loop)
{
	struct epoll_event events[EVENTS_PER_ROUND];

	while (!loop->stop) {
		int count = wait_events(loop, events);

		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++) {
			struct ll_source *source = events[i].data.ptr;

			if (source->ready)
				source->ready(source, events[i].events);
		}
		run_timers(loop);
		if (loop->round_end)
			loop->round_end(loop->context);
		release_removed(loop);
	}
	return 0;
}
