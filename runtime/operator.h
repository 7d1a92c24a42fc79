/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_OPERATOR_H
#define SW_RUNTIME_OPERATOR_H

#include "runtime/batch.h"
#include "runtime/heap.h"

/*
 * What an operator is to the runtime. An instance belongs to one thread, which alone calls these
 * functions; calls of one instance never nest. Functions return 0 or -errno; an error stops the
 * graph with sw_instance_fail()'s text or a generic one.
 */

SW_BEGIN_DECLS

struct sw_instance;

enum sw_poll {
	SW_POLL_MADE, /* something was emitted; call again soon */
	SW_POLL_IDLE, /* nothing due now (see sw_instance_wake_at) */
	SW_POLL_DONE, /* the source has ended; it is not polled again */
	SW_POLL_FAILED,
};

/* How keyed state is laid out; every mode gives the same results. */
enum sw_state_mode {
	SW_STATE_AUTO,  /* as the operator finds best */
	SW_STATE_DENSE, /* arrays indexed by the key wherever one can be */
	SW_STATE_HASH,  /* hash tables only */
};

struct sw_operator {
	const char *name;
	size_t state_bytes; /* zeroed, on the instance's node */
	/* With several instances: batches that one holds back at most before it releases or emits
	 * them. Pools have so many more, or their producers would stand still meanwhile. */
	uint32_t holds_batches;
	/* Before the first batch, on the thread that starts the graph: allocate here. */
	int (*open)(struct sw_instance *self, void *state, struct sw_error *error);
	/* After the last, or after a failed open: free here. */
	void (*close)(struct sw_instance *self, void *state);
	/* Sources: emit at most a few batches, raise the watermark. Must not block unless the stage
	 * is blocking. */
	enum sw_poll (*poll)(struct sw_instance *self, void *state);
	/* Takes the batch: emit it, or release it. */
	int (*process)(
		struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch);
	/* Every input's watermark has reached `watermark` (rising; SW_TIME_END: no more input, give
	 * everything). Emit what closes; the runtime forwards the watermark afterwards. Null: just
	 * forward. */
	int (*advance)(struct sw_instance *self, void *state, int64_t watermark);
	/* Its inputs have nothing to do: flush what was held back for bigger batches. Null:
	 * nothing.
	 */
	int (*idle)(struct sw_instance *self, void *state);
};

/* ---- For operators, on the instance's thread ---- */

SW_API const void *sw_instance_config(const struct sw_instance *self); /* stage options' config */
SW_API unsigned sw_instance_index(const struct sw_instance *self);     /* 0..count - 1 */
SW_API unsigned sw_instance_count(const struct sw_instance *self);
SW_API int sw_instance_node(const struct sw_instance *self);
SW_API uint32_t sw_instance_batch_rows(const struct sw_instance *self); /* graph option */

/*
 * An empty batch of output `output`. May run stages further down while it waits for one to come
 * home. Null only when the graph is being cancelled: return at once then.
 */
SW_API struct sw_batch *sw_batch_new(struct sw_instance *self, unsigned output);
/* Takes the batch; sends it on (an empty one goes home). May run stages further down. */
SW_API void sw_emit(struct sw_instance *self, unsigned output, struct sw_batch *batch);
/* Takes the batch; sends it home. */
SW_API void sw_release(struct sw_instance *self, struct sw_batch *batch);
/* Is there room for a batch on every ring of this output right now? Sources ask before making one.
 */
SW_API bool sw_writable(struct sw_instance *self, unsigned output);

/*
 * So many rows of this output the next stage works off in `ns`, as it did lately; UINT32_MAX where
 * that is not measured (it is where batches may leave by an outlet). A source with a schedule keeps
 * its batches as small: what comes after a batch waits for all of it.
 */
SW_API uint32_t sw_instance_rows_within(
	const struct sw_instance *self, unsigned output, uint64_t ns);

/* Was the graph told to stop? Then SW_TIME_END is not the end of what there would have been. */
SW_API bool sw_instance_stopped(const struct sw_instance *self);

/* Sources: no event earlier than this will come from this instance. SW_POLL_DONE raises it to
 * SW_TIME_END. */
SW_API void sw_instance_watermark(struct sw_instance *self, int64_t watermark);
/* Sources, after SW_POLL_IDLE: nothing is due before this CLOCK_MONOTONIC time. */
SW_API void sw_instance_wake_at(struct sw_instance *self, uint64_t when_ns);
/* Sources that follow a schedule: events that should have been made by now and have not been, and
 * how many batches they are going to be. */
SW_API void sw_instance_backlog(struct sw_instance *self, uint64_t events, uint64_t batches);
/* Sources: counts events made (also those of which no column was). */
SW_API void sw_instance_count_events(struct sw_instance *self, uint64_t events);
/* Rows left out as late. */
SW_API void sw_instance_count_late(struct sw_instance *self, uint64_t rows);
/*
 * The instance's memory for keyed and windowed state. First called in open(), which makes it; null
 * only then, when the address space cannot be had. When an allocation gives null later the graph's
 * limit was passed and the message is set: return -ENOMEM. Freed with the graph.
 */
SW_API struct sw_heap *sw_instance_heap(struct sw_instance *self);
SW_API enum sw_state_mode sw_instance_state_mode(const struct sw_instance *self);
/* Bytes of state held outside the heap (files' sinks), by stages that may block; the graph keeps
 * the maximum over instances summed. -ENOMEM (with the message set) when this would pass the
 * graph's limit: return it. */
SW_API SW_MUST_CHECK int sw_instance_state_bytes(struct sw_instance *self, size_t bytes);
/* Sets the message of a failure and returns code (negative). */
SW_API int sw_instance_fail(struct sw_instance *self, int code, const char *format, ...)
	SW_PRINTF(3, 4);

SW_END_DECLS

#endif
