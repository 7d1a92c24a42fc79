/* SPDX-License-Identifier: MIT */
/*
 * What the I/O thread makes of an answer's body: adopted once, with the rows that the frame says,
 * or refused with a message; in both cases no batch of the pool is lost.
 */
#include <string.h>

#include "burst/io_private.h"
#include "tests/fuzz/fuzz_frame.h"

enum { BATCHES = 2, GENERATION = 7, LATE = 0x40, NO_ROOM = 0x80 };

/* The outlet and the request of one schema, made once. */
struct bench {
	struct sw_burst burst;
	struct outlet outlet;
	struct ledger_slot slot;
	struct request request;
};

static struct bench *open_bench(unsigned schema)
{
	const struct sw_pool_options options = { .schema = &fuzz_schemas[schema],
		.rows_max = 300,
		.text_bytes = FUZZ_TEXT_BYTES,
		.batches = BATCHES,
		.slots = 1,
		.node = -1,
		.huge_pages = SW_HUGE_PAGES_OFF };
	struct bench *bench = aligned_alloc(SW_CACHE_LINE, sizeof(*bench));

	FUZZ_CHECK(bench);
	memset(bench, 0, sizeof(*bench));
	bench->burst.job = 0x1122334455667788;
	bench->outlet.burst = &bench->burst;
	bench->outlet.site.kernel = &fuzz_kernels[schema];
	bench->outlet.site.edge = 3;
	bench->outlet.answers = sw_pool_create(&options);
	FUZZ_CHECK(bench->outlet.answers);
	bench->request.outlet = &bench->outlet;
	bench->request.slot = &bench->slot;
	bench->request.generation = GENERATION;
	bench->request.seq = 99;
	return bench;
}

/* Makes it an answer to the bench's request. */
static void address(const struct bench *bench, uint8_t *frame, size_t bytes)
{
	const struct sw_kernel *kernel = bench->outlet.site.kernel;

	if (bytes < FRAME_FIXED_BYTES + FRAME_CRC_BYTES)
		return;
	frame[5] = SW_FRAME_ANSWER;
	put_u64(frame + 16, bench->burst.job);
	put_u64(frame + 24, bench->request.seq);
	put_u32(frame + 32, bench->outlet.site.edge);
	put_u32(frame + 36, kernel->version);
	memset(frame + 76, 0, SW_KERNEL_NAME_MAX);
	memcpy(frame + 76, kernel->name, strlen(kernel->name));
	fuzz_seal(frame, bytes);
}

/* With all batches of the pool out. */
static enum answer_state read_without_room(struct bench *bench, struct sw_error *error)
{
	struct sw_batch *held[BATCHES], *batch = NULL;
	enum answer_state state;

	for (unsigned i = 0; i < BATCHES; i++)
		held[i] = sw_pool_get(bench->outlet.answers);
	state = answer_read(&bench->request, &batch, error);
	FUZZ_CHECK(state == ANSWER_NO_ROOM || state == ANSWER_CORRUPT);
	for (unsigned i = 0; i < BATCHES; i++)
		sw_pool_put(held[i], 0);
	if (state == ANSWER_NO_ROOM)
		bench->request.state = REQUEST_NO_ROOM;
	return state;
}

static void check(struct bench *bench, enum answer_state state, bool late, struct sw_batch *batch,
	const struct sw_error *error)
{
	if (state == ANSWER_ADOPTED) {
		FUZZ_CHECK(!late && batch && ledger_state(&bench->slot) == LEDGER_DONE);
		FUZZ_CHECK(batch->rows <= batch->capacity && !batch->selected);
		sw_pool_put(batch, 0);
		return;
	}
	FUZZ_CHECK(!batch);
	if (state == ANSWER_LATE)
		FUZZ_CHECK(late);
	else
		FUZZ_CHECK(error->code < 0 && error->text[0]);
}

void fuzz_answer(uint8_t details, uint8_t *frame, size_t bytes, bool as_it_is)
{
	static struct bench *benches[3];
	struct bench **at = &benches[details % FUZZ_SCHEMAS % 3];
	struct sw_error error = { .text = "" };
	enum answer_state state = ANSWER_NO_ROOM;
	struct sw_batch *batch = NULL;
	struct sw_exchange *exchange;
	struct bench *bench;

	if (!*at)
		*at = open_bench(details % FUZZ_SCHEMAS % 3);
	bench = *at;
	exchange = &bench->request.exchange;
	if (!as_it_is)
		address(bench, frame, bytes);
	exchange->answer =
		fuzz_envelope(frame, bytes, details / FUZZ_SCHEMAS, &exchange->answer_bytes);
	exchange->answer_capacity = exchange->answer_bytes;
	bench->request.state = REQUEST_FLYING;
	/* Relaxed: there is no other thread. */
	atomic_store_explicit(&bench->slot.word,
		(uint64_t)GENERATION << 3 | (details & LATE ? LEDGER_RECLAIMED : LEDGER_PENDING),
		memory_order_relaxed);
	if (details & NO_ROOM)
		state = read_without_room(bench, &error);
	if (state == ANSWER_NO_ROOM)
		state = answer_read(&bench->request, &batch, &error);
	check(bench, state, details & LATE, batch, &error);
	FUZZ_CHECK(sw_pool_home(bench->outlet.answers) == BATCHES);
	free(exchange->answer);
}
