/* SPDX-License-Identifier: MIT */

/* Somebody else's program: one thing from every module of an installed Spillway. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "burst/wire.h"
#include "nexmark/kernels.h"
#include "runtime/api.h"
#include "runtime/batch.h"

static const struct sw_schema schema = {
	.columns = 1,
	.fields = { { .name = "price", .type = SW_INT64 } },
};

int main(void)
{
	struct sw_frame_header header = { .kind = SW_FRAME_REQUEST, .kernel = "none" };
	struct sw_batch *batch = sw_batch_create(&schema, 8, 0);
	unsigned char frame[4096];
	ptrdiff_t bytes;

	if (!batch)
		return 1;
	((int64_t *)batch->columns[0].data)[0] = 42;
	batch->rows = 1;
	bytes = sw_frame_encode(&header, batch, frame, sizeof(frame));
	sw_batch_destroy(batch);
	if (bytes <= 0 || !sw_nexmark_kernel("q12.arrival"))
		return 1;
	printf("spillway %s\n", sw_version());
	return strcmp(sw_version(), "0.1.0") != 0;
}
