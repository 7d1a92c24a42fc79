/* SPDX-License-Identifier: MIT */

/* Each kernel on random batches, against the plain sentence it stands for. */

#include "nexmark/kernels.h"
#include "nexmark/queries_private.h"
#include "tests/nexmark/kernel_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <string.h>

static uint64_t seed;

/* ---- q0, q1, q2 ---- */

static void check_rows_equal(const struct sw_batch *a, uint32_t i, const struct sw_batch *b,
	uint32_t j, int64_t price_factor)
{
	for (uint32_t column = 0; column < a->schema->columns; column++) {
		if (a->columns[column].type == SW_TEXT) {
			struct sw_text x = sw_column_text(&a->columns[column], sw_batch_row(a, i));
			struct sw_text y = sw_column_text(&b->columns[column], sw_batch_row(b, j));

			assert_int_equal(x.size, y.size);
			assert_memory_equal(x.bytes, y.bytes, x.size);
		} else {
			int64_t factor = column == 2 ? price_factor : 1;

			assert_int_equal(number(a, column, i) * factor, number(b, column, j));
		}
	}
}

static void check_q0(const struct sw_batch *in, const struct sw_batch *out)
{
	assert_int_equal(sw_batch_count(out), in->rows);
	for (uint32_t i = 0; i < in->rows; i++)
		check_rows_equal(in, i, out, i, 1);
}

static void check_q1(const struct sw_batch *in, const struct sw_batch *out)
{
	assert_int_equal(sw_batch_count(out), in->rows);
	assert_int_equal(out->columns[2].type, SW_DECIMAL3);
	assert_int_equal(out->schema->fields[2].type, SW_DECIMAL3);
	for (uint32_t i = 0; i < in->rows; i++)
		check_rows_equal(in, i, out, i, 908);
}

static void check_q2(const struct sw_batch *in, const struct sw_batch *out)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < in->rows; i++) {
		if (number(in, 0, i) % 123)
			continue;
		assert_true(found < sw_batch_count(out));
		check_rows_equal(in, i, out, found++, 1);
	}
	assert_int_equal(found, sw_batch_count(out));
}

static void rows_pass(void **unused)
{
	(void)unused;
	for_many("q0", seed, 5000, 20, check_q0);
	for_many("q1", seed, 5000, 20, check_q1);
	for_many("q2", seed, 5000, 20, check_q2);
}

static void q1_refuses_what_does_not_fit(void **unused)
{
	struct bench bench;
	struct sw_batch *batch;
	char why[200] = "";

	(void)unused;
	bench_open(&bench, "q1");
	batch = sw_batch_create(bench.kernel->in, 1, 16);
	assert_non_null(batch);
	memset(batch->columns[0].data, 0, 8);
	((int64_t *)batch->columns[2].data)[0] = ((int64_t)1 << 53) - 1;
	batch->rows = 1;
	assert_int_equal(bench.kernel->run(NULL, bench.scratch, batch, batch), 0);
	assert_int_equal(((int64_t *)batch->columns[2].data)[0], (((int64_t)1 << 53) - 1) * 908);
	((int64_t *)batch->columns[2].data)[0] = (int64_t)1 << 53;
	assert_int_equal(bench.kernel->run(NULL, bench.scratch, batch, batch), -EOVERFLOW);
	bench.kernel->explain(NULL, batch, -EOVERFLOW, why, sizeof(why));
	assert_string_equal(why, "price 9007199254740992: its thousandths are over 64 bits "
				 "(-9007199254740992 to 9007199254740991)");
	sw_batch_destroy(batch);
	bench_close(&bench);
}

/* ---- q7 ---- */

static int64_t highest_of(const struct sw_batch *in, int64_t window)
{
	int64_t highest = INT64_MIN;

	for (uint32_t i = 0; i < in->rows; i++)
		if (number(in, 3, i) >= window && number(in, 3, i) < window + WINDOW_MS &&
			number(in, 2, i) > highest)
			highest = number(in, 2, i);
	return highest;
}

/* How often the candidate (window, this row) is in the partial. */
static uint32_t times_given(
	const struct sw_batch *out, const struct sw_batch *in, uint32_t row, int64_t window)
{
	static const uint8_t from[] = { 1, 3, 2, 4 }; /* auction, bidder, price, dateTime */
	struct sw_text extra = sw_column_text(&in->columns[4], row);
	uint32_t times = 0;

	for (uint32_t i = 0; i < out->rows; i++) {
		struct sw_text of_out = sw_column_text(&out->columns[5], i);
		bool same = number(out, 0, i) == window && of_out.size == extra.size &&
			    !memcmp(of_out.bytes, extra.bytes, extra.size);

		for (unsigned c = 0; c < 4; c++)
			same &= number(out, from[c], i) == number(in, c, row);
		times += same;
	}
	return times;
}

static uint32_t times_there(const struct sw_batch *in, uint32_t row)
{
	uint32_t times = 0;

	for (uint32_t i = 0; i < in->rows; i++) {
		struct sw_text a = sw_column_text(&in->columns[4], i);
		struct sw_text b = sw_column_text(&in->columns[4], row);
		bool same = a.size == b.size && !memcmp(a.bytes, b.bytes, a.size);

		for (unsigned c = 0; c < 4; c++)
			same &= number(in, c, i) == number(in, c, row);
		times += same;
	}
	return times;
}

static void check_q7(const struct sw_batch *in, const struct sw_batch *out)
{
	uint32_t expected = 0;

	for (uint32_t i = 0; i < in->rows; i++) {
		int64_t time_ms = number(in, 3, i), price = number(in, 2, i);
		int64_t window = window_start(time_ms, WINDOW_MS);

		if (price == highest_of(in, window)) {
			expected++;
			assert_int_equal(times_given(out, in, i, window), times_there(in, i));
		}
		if (time_ms == window && price >= highest_of(in, window - WINDOW_MS)) {
			expected++;
			assert_int_equal(
				times_given(out, in, i, window - WINDOW_MS), times_there(in, i));
		}
	}
	assert_int_equal(out->rows, expected);
}

static void q7_keeps_the_candidates(void **unused)
{
	(void)unused;
	for_many("q7.partial", seed, 120, 3, check_q7);
}

/* ---- q12 ---- */

static void check_counts(const struct sw_batch *in, const struct sw_batch *out, bool by_event)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < out->rows; i++) {
		int64_t count = 0;

		for (uint32_t j = 0; j < in->rows; j++) {
			int64_t time_ms = by_event ? number(in, 1, j) : in->arrival_ms;

			count += number(in, 0, j) == number(out, 0, i) &&
				 window_start(time_ms, WINDOW_MS) == number(out, 1, i);
		}
		assert_int_equal(number(out, 2, i), count);
		assert_true(count > 0);
		sum += count;
	}
	/* With each count right, a key that comes twice would make the sum too large. */
	assert_int_equal(sum, in->rows);
}

static void check_q12_arrival(const struct sw_batch *in, const struct sw_batch *out)
{
	check_counts(in, out, false);
}

static void check_q12_event(const struct sw_batch *in, const struct sw_batch *out)
{
	check_counts(in, out, true);
}

static void q12_counts(void **unused)
{
	(void)unused;
	for_many("q12.arrival", seed, 2000, 0, check_q12_arrival);
	for_many("q12.event", seed, 2000, 0, check_q12_event);
}

/* ---- The registry ---- */

static void registry(void **unused)
{
	(void)unused;
	assert_true(sw_nexmark_kernel_count() >= 8);
	assert_null(sw_nexmark_kernel_at(sw_nexmark_kernel_count()));
	assert_null(sw_nexmark_kernel("q99"));
	for (unsigned i = 0; i < sw_nexmark_kernel_count(); i++) {
		const struct sw_kernel *kernel = sw_nexmark_kernel_at(i);

		assert_ptr_equal(sw_nexmark_kernel(kernel->name), kernel);
		assert_true(strlen(kernel->name) <= SW_KERNEL_NAME_MAX);
		assert_true(kernel->version > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_pass),
		cmocka_unit_test(q1_refuses_what_does_not_fit),
		cmocka_unit_test(q7_keeps_the_candidates),
		cmocka_unit_test(q12_counts),
		cmocka_unit_test(registry),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
