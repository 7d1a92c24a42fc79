/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"

#define FLUSH_NS       50000000u
#define LINE_BYTES_MAX 512

static const char *const outcomes[] = { "ok", "error", "timeout", "killed", "reset", "corrupt" };

static void flush(struct ll_ledger *ledger)
{
	uint32_t written = 0;

	while (written < ledger->used && !ledger->failed) {
		ssize_t n = write(ledger->fd, ledger->lines + written, ledger->used - written);

		if (n >= 0)
			written += (uint32_t)n;
		else if (errno != EINTR)
			ledger->failed = -errno;
	}
	ledger->used = 0;
}

static void flush_due(struct ll_timer *timer)
{
	flush(LL_CONTAINER(timer, struct ll_ledger, timer));
}

int ll_ledger_open(
	struct ll_ledger *ledger, struct ll_loop *loop, const char *path, struct sw_error *error)
{
	ledger->loop = loop;
	ledger->timer = (struct ll_timer){ .due = flush_due };
	ledger->path = path;
	ledger->failed = 0;
	ledger->used = 0;
	ledger->fd = -1;
	if (!path)
		return 0;
	ledger->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (ledger->fd < 0)
		return sw_error_set(error, -errno, "--ledger: %s: %s", path, strerror(errno));
	return 0;
}

void ll_ledger_add(struct ll_ledger *ledger, const struct ll_execution *execution)
{
	const struct ll_work *work = &execution->work;
	char *line;
	int size = 0;

	if (ledger->fd < 0)
		return;
	if (ledger->used + LINE_BYTES_MAX > sizeof(ledger->lines))
		flush(ledger);
	line = ledger->lines + ledger->used;
	if (work->known)
		size = snprintf(line, LINE_BYTES_MAX,
			"{\"key\": \"%" PRIu64 "/%" PRIu32 "/%" PRIu64 "\", \"attempt\": %" PRIu32,
			work->job, work->edge, work->seq, work->attempt);
	else
		size = snprintf(line, LINE_BYTES_MAX, "{\"key\": null, \"attempt\": null");
	size += snprintf(line + size, LINE_BYTES_MAX - (size_t)size,
		", \"function\": \"%s\", \"environment\": %" PRIu32 ", \"start_us\": %" PRIu64
		", \"end_us\": %" PRIu64 ", \"cold\": %s, ",
		execution->function, execution->environment, execution->start_us, execution->end_us,
		execution->cold ? "true" : "false");
	if (work->known)
		size += snprintf(line + size, LINE_BYTES_MAX - (size_t)size,
			"\"rows\": %" PRIu32 ", ", work->rows);
	else
		size += snprintf(line + size, LINE_BYTES_MAX - (size_t)size, "\"rows\": null, ");
	size += snprintf(line + size, LINE_BYTES_MAX - (size_t)size, "\"outcome\": \"%s\"}\n",
		outcomes[execution->outcome]);
	ledger->used += (uint32_t)size;
	if (ledger->timer.place == 0)
		ll_timer_set(ledger->loop, &ledger->timer, sw_now_ns() + FLUSH_NS);
}

int ll_ledger_close(struct ll_ledger *ledger, struct sw_error *error)
{
	int ret = 0;

	if (ledger->fd < 0)
		return 0;
	flush(ledger);
	ll_timer_clear(ledger->loop, &ledger->timer);
	if (close(ledger->fd) < 0 && !ledger->failed)
		ledger->failed = -errno;
	if (ledger->failed)
		ret = sw_error_set(error, ledger->failed, "--ledger: %s: %s", ledger->path,
			strerror(-ledger->failed));
	ledger->fd = -1;
	return ret;
}
