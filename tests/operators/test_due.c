/* SPDX-License-Identifier: MIT */

/* The queue of what is due against an array that is looked through. */

#include "operators/due.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

static uint64_t seed;

static void queue_gives_what_is_due(void **unused)
{
	struct sw_due_queue queue = { 0 };
	struct sw_due items[200] = { { .link = NULL } };
	int64_t watermark = SW_TIME_MIN;
	uint64_t state = seed;

	(void)unused;
	for (int turn = 0; turn < 2000; turn++) {
		struct sw_due *item = &items[random_below(&state, 200)];
		/* The beginning of time has nothing before it. */
		int64_t about = watermark == SW_TIME_MIN ? SW_TIME_MIN + 50 : watermark;
		bool taken[200] = { false };

		if (item->link && random_below(&state, 2))
			sw_due_remove(item);
		else if (!item->link)
			sw_due_put(&queue, item,
				(turn % 100 ? about : 0) + random_below(&state, 400) - 50);
		if (random_below(&state, 3))
			continue;
		if (watermark == SW_TIME_MIN)
			watermark = -1000;
		else
			watermark += 1 + random_below(&state, 60);
		item = sw_due_take(&queue, watermark);
		for (; item; item = item->next) {
			assert_true(!item->link && item->at < watermark);
			taken[item - items] = true;
		}
		for (int i = 0; i < 200; i++)
			assert_true(taken[i] || !items[i].link || items[i].at >= watermark);
	}
	sw_due_take(&queue, SW_TIME_END);
	for (int i = 0; i < 200; i++)
		assert_null(items[i].link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_gives_what_is_due),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
