/* SPDX-License-Identifier: MIT */
/* bootstrap: the function in C. Asks the Lambda Runtime API for events and runs Spillway's kernels
 * on the batches in them, for as long as it lives. */
#include <stdio.h>
#include <stdlib.h>

#include "nexmark/kernels.h"
#include "tools/functions/c/dialback.h"
#include "tools/functions/c/handler.h"
#include "tools/functions/c/runtime_client.h"

static int serve(struct runtime_client *client, struct handler *handler, struct sw_error *error)
{
	struct runtime_event event;
	char summary[DIALBACK_ANSWER_BYTES];
	const char *answer;
	size_t answer_bytes;

	for (;;) {
		int ret = runtime_client_next(client, &event, error);
		bool failed;

		if (ret)
			return ret;
		handler_limit(handler, event.deadline_ms);
		if (dialback_invited(event.payload, event.payload_bytes)) {
			answer = summary;
			failed = dialback_serve(handler, event.payload, event.payload_bytes,
					 event.deadline_ms, summary, &answer_bytes) != 0;
		} else {
			failed = handler_run(handler, event.payload, event.payload_bytes, &answer,
					 &answer_bytes) != 0;
		}
		ret = runtime_client_answer(client, event.id, failed, answer, answer_bytes, error);
		if (ret)
			return ret;
	}
}

int main(void)
{
	const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
	struct runtime_client client;
	struct handler *handler;
	struct sw_error error;

	if (!api) {
		fputs("bootstrap: AWS_LAMBDA_RUNTIME_API: not set (this is run by the Lambda "
		      "service "
		      "or by lambda-local)\n",
			stderr);
		return 1;
	}
	if (runtime_client_init(&client, api, &error) != 0) {
		fprintf(stderr, "bootstrap: %s\n", error.text);
		return 1;
	}
	handler = handler_create(sw_nexmark_kernel);
	if (!handler) {
		fputs("bootstrap: start: no memory\n", stderr);
		return 1;
	}
	/* Ends only when the runtime API does. */
	serve(&client, handler, &error);
	fprintf(stderr, "bootstrap: %s\n", error.text);
	handler_destroy(handler);
	runtime_client_fini(&client);
	return 1;
}
