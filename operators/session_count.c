/* SPDX-License-Identifier: MIT */
#include "operators/session_count.h"

#include <errno.h>

#include "operators/due.h"
#include "operators/key_map.h"
#include "operators/row_writer.h"
#include "operators/slab.h"

enum { IN_KEY, IN_FIRST, IN_LAST, IN_COUNT };
enum { OUT_KEY, OUT_COUNT, OUT_START, OUT_END };

/*
 * It waits in the queue for the end that it had when it was put there: that end may have moved on
 * since, so what is taken from the queue early is put back, and only then, once for many rows.
 */
struct session {
	struct sw_due due; /* first: a list of these is a list of sessions */
	int64_t key, first, last;
	int64_t count; /* 0: part of another one, or given; its place in the queue is all it has */
	uint32_t number; /* its own, of the slab */
	uint32_t older;  /* the key's session before it; 0: none */
};

struct session_count {
	int64_t gap_ms;
	struct sw_key_map
		newest; /* of a key, its latest session; they are more than the gap apart */
	struct sw_slab sessions;
	struct sw_due_queue ends;
};

static int session_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	const struct sw_session_count_config *config = sw_instance_config(self);
	struct session_count *state = state_bytes;
	struct sw_heap *heap = sw_instance_heap(self);

	if (!heap)
		return sw_error_set(error, -ENOMEM, "sessions: out of memory");
	state->gap_ms = config->gap_ms;
	sw_key_map_init(&state->newest, heap, sw_instance_state_mode(self));
	sw_slab_init(&state->sessions, heap, sizeof(struct session));
	return 0;
}

static struct session *session_at(const struct session_count *state, uint32_t number)
{
	return sw_slab_at(&state->sessions, number);
}

/* ---- Counting ---- */

/* Rows first..last of a key. */
struct span {
	int64_t key, first, last, count;
};

/* A new session, put where *link points. */
static int open_session(struct session_count *state, const struct span *span, uint32_t *link)
{
	uint32_t number = sw_slab_take(&state->sessions);
	struct session *session;

	if (!number)
		return -ENOMEM;
	session = session_at(state, number);
	session->key = span->key;
	session->first = span->first;
	session->last = span->last;
	session->count = span->count;
	session->number = number;
	session->older = *link;
	*link = number;
	sw_due_put(&state->ends, &session->due, session->last + state->gap_ms);
	return 0;
}

static void extend(struct session *session, const struct span *span)
{
	if (span->first < session->first)
		session->first = span->first;
	if (span->last > session->last)
		session->last = span->last;
	session->count += span->count;
}

/* Takes in all older sessions that the span touches, which are next to each other. */
static void join_older(
	struct session_count *state, struct session *session, const struct span *span)
{
	while (session->older) {
		struct session *older = session_at(state, session->older);

		if (older->last < span->first - state->gap_ms)
			break;
		if (older->first < session->first)
			session->first = older->first;
		session->count += older->count;
		session->older = older->older;
		older->count = 0;
	}
}

static int add(struct session_count *state, const struct span *span)
{
	uint32_t head = sw_key_map_get(&state->newest, span->key), newest = head;
	uint32_t *link = &newest, *place;
	struct session *session = NULL;
	int code;

	for (; *link; link = &session->older) {
		session = session_at(state, *link);
		if (session->first <= span->last + state->gap_ms)
			break;
	}
	if (*link && session->last >= span->first - state->gap_ms) {
		extend(session, span);
		join_older(state, session, span);
		return 0;
	}
	code = open_session(state, span, link);
	if (code || newest == head)
		return code;
	place = sw_key_map_put(&state->newest, span->key);
	if (!place)
		return -ENOMEM;
	*place = newest;
	return 0;
}

static int session_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct session_count *state = state_bytes;
	const int64_t *keys = batch->columns[IN_KEY].data;
	const int64_t *firsts = batch->columns[IN_FIRST].data;
	const int64_t *lasts = batch->columns[IN_LAST].data;
	const int64_t *counts = batch->columns[IN_COUNT].data;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);
		struct span span = { keys[row], firsts[row], lasts[row], counts[row] };

		code = add(state, &span);
	}
	sw_release(self, batch);
	return code;
}

/* ---- Closing ---- */

/* False: cancelled. */
static bool give(struct sw_row_writer *writer, const struct session *session, int64_t gap_ms)
{
	struct sw_batch *batch = sw_row_writer_room(writer);

	if (!batch)
		return false;
	((int64_t *)batch->columns[OUT_KEY].data)[batch->rows] = session->key;
	((int64_t *)batch->columns[OUT_COUNT].data)[batch->rows] = session->count;
	((int64_t *)batch->columns[OUT_START].data)[batch->rows] = session->first;
	((int64_t *)batch->columns[OUT_END].data)[batch->rows] = session->last + gap_ms;
	batch->rows++;
	return true;
}

/*
 * Gives the key's sessions that the watermark has passed: one of them, and so all that are older.
 * They all are in the list that was taken; each is dropped when its turn comes. False: cancelled.
 */
static bool close_sessions(
	struct session_count *state, int64_t key, int64_t watermark, struct sw_row_writer *writer)
{
	uint32_t newest = sw_key_map_get(&state->newest, key), *link = &newest, number;
	struct session *session = NULL;
	bool going = true;

	for (;; link = &session->older) {
		session = session_at(state, *link);
		if (watermark == SW_TIME_END || session->last + state->gap_ms < watermark)
			break;
	}
	number = *link;
	*link = 0;
	if (!newest)
		sw_key_map_remove(&state->newest, key);
	for (; number && going; number = session->older) {
		session = session_at(state, number);
		going = give(writer, session, state->gap_ms);
		session->count = 0;
	}
	return going;
}

static int session_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct session_count *state = state_bytes;
	struct sw_due *due = sw_due_take(&state->ends, watermark);
	struct sw_row_writer writer;
	bool going = true;

	sw_row_writer_begin(&writer, self, 0, SW_TIME_MIN);
	while (due && going) {
		struct session *session = (struct session *)(void *)due;
		int64_t end = session->last + state->gap_ms;

		due = due->next;
		if (session->count && end >= watermark && watermark != SW_TIME_END) {
			sw_due_put(&state->ends, &session->due, end);
			continue;
		}
		if (session->count)
			going = close_sessions(state, session->key, watermark, &writer);
		sw_slab_give(&state->sessions, session->number);
	}
	sw_row_writer_end(&writer);
	return 0;
}

const struct sw_operator sw_session_count = {
	.name = "session count",
	.state_bytes = sizeof(struct session_count),
	.open = session_open,
	.process = session_process,
	.advance = session_advance,
};
