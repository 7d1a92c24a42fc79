/* SPDX-License-Identifier: MIT */
#include "tools/functions/c/dialback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "burst/wire.h"
#include "runtime/clock.h"
#include "tools/functions/c/dialback_link.h"

#define MS_NS 1000000ull

enum {
	CONNECT_MS = 5000, /* also of what was begun to be read or written */
	MARGIN_MS = 500,   /* before the end, beside what the longest frame took, three times */
	HEAD_BYTES = 12,   /* magic, what it is, bytes in all: of messages and of frames */
	KEY_AT = 12,
	KEY_BYTES = 24,
	TOKEN_BYTES = 32,
	MESSAGE_MAX = 640,
	HELLO = 1,
	WELCOME = 2,
	FAILED = 3,
	GOODBYE = 4,
};

struct invitation {
	char host[256], port[6];
	uint8_t print[DIALBACK_PRINT_BYTES], token[TOKEN_BYTES];
	uint64_t for_ms, silence_ms;
};

struct visit {
	struct handler *handler;
	struct dialback_link *link;
	uint64_t end_ns, longest_ns;
	uint64_t silence_ms;
	uint64_t frames, failures;
	bool welcome, leaving;
	char *frame;
	size_t capacity;
};

/* ---- The invitation: an object in an object, as the runtime writes it ---- */

/* What stands behind "name": up to the next comma or brace, without quotes; null: nothing. */
static const char *find(const char *json, size_t bytes, const char *name, size_t *size)
{
	char key[32];
	const char *at, *end = json + bytes;
	const int length = snprintf(key, sizeof(key), "\"%s\":", name);

	at = memmem(json, bytes, key, (size_t)length);
	if (!at)
		return NULL;
	at += length;
	*size = 0;
	if (at < end && *at == '"') {
		const char *quote;

		at++;
		quote = memchr(at, '"', (size_t)(end - at));
		*size = quote ? (size_t)(quote - at) : 0;
		return quote ? at : NULL;
	}
	while (at + *size < end && at[*size] >= '0' && at[*size] <= '9')
		++*size;
	return at;
}

bool dialback_invited(const char *json, size_t bytes)
{
	static const char head[] = "{\"dialBack\":{";

	return bytes >= sizeof(head) - 1 && memcmp(json, head, sizeof(head) - 1) == 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_hex(const char *json, size_t bytes, const char *name, uint8_t *to, size_t wanted)
{
	size_t size = 0;
	const char *text = find(json, bytes, name, &size);

	if (!text || size != 2 * wanted)
		return false;
	for (size_t i = 0; i < wanted; i++) {
		const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool get_number(const char *json, size_t bytes, const char *name, uint64_t *number)
{
	size_t size = 0;
	const char *text = find(json, bytes, name, &size);

	*number = 0;
	if (!text || size == 0 || size > 9)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*number = *number * 10 + (uint64_t)(text[i] - '0');
	}
	return true;
}

/* HOST:PORT, [HOST]:PORT */
static bool get_address(const char *json, size_t bytes, struct invitation *invitation)
{
	size_t size = 0, host_size, port_size;
	const char *text = find(json, bytes, "address", &size);
	const char *colon = text ? memrchr(text, ':', size) : NULL;

	if (!colon)
		return false;
	host_size = (size_t)(colon - text);
	port_size = size - host_size - 1;
	if (host_size > 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		host_size -= 2;
	}
	if (host_size == 0 || host_size >= sizeof(invitation->host) || port_size == 0 ||
		port_size >= sizeof(invitation->port))
		return false;
	memcpy(invitation->host, text, host_size);
	invitation->host[host_size] = '\0';
	memcpy(invitation->port, colon + 1, port_size);
	invitation->port[port_size] = '\0';
	return true;
}

static int read_invitation(
	const char *json, size_t bytes, struct invitation *invitation, struct sw_error *error)
{
	uint64_t version = 0;

	if (!get_number(json, bytes, "version", &version) || version != 1)
		return sw_error_set(error, -EPROTO, "dial-back: version: only 1 is understood");
	if (!get_address(json, bytes, invitation))
		return sw_error_set(error, -EINVAL, "dial-back: address: not HOST:PORT");
	if (!get_hex(json, bytes, "certificate", invitation->print, DIALBACK_PRINT_BYTES))
		return sw_error_set(error, -EINVAL, "dial-back: certificate: not a SHA-256 in hex");
	if (!get_hex(json, bytes, "token", invitation->token, TOKEN_BYTES))
		return sw_error_set(error, -EINVAL, "dial-back: token: not 32 bytes in hex");
	if (!get_number(json, bytes, "forMs", &invitation->for_ms) ||
		!get_number(json, bytes, "silenceMs", &invitation->silence_ms))
		return sw_error_set(error, -EINVAL, "dial-back: forMs, silenceMs: not numbers");
	return 0;
}

/* ---- Messages ---- */

static void put_u32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* more: what comes behind the head. */
static int say(struct visit *visit, uint32_t what, const void *more, size_t bytes)
{
	uint8_t message[MESSAGE_MAX] = { 'S', 'P', 'L', 'D' };
	int rc;

	put_u32(message + 4, what);
	put_u32(message + 8, (uint32_t)(HEAD_BYTES + bytes));
	if (bytes > 0)
		memcpy(message + HEAD_BYTES, more, bytes);
	rc = dialback_link_write(visit->link, message, HEAD_BYTES + bytes);
	OPENSSL_cleanse(message, sizeof(message));
	return rc;
}

static int say_failed(struct visit *visit, const char *text, size_t bytes)
{
	char more[MESSAGE_MAX - HEAD_BYTES];

	if (bytes > sizeof(more) - KEY_BYTES)
		bytes = sizeof(more) - KEY_BYTES;
	memcpy(more, visit->frame + KEY_AT, KEY_BYTES);
	memcpy(more + KEY_BYTES, text, bytes);
	visit->failures++;
	return say(visit, FAILED, more, KEY_BYTES + bytes);
}

/* ---- The work ---- */

static int read_frame(struct visit *visit, const uint8_t *head, size_t bytes)
{
	if (bytes < KEY_AT + KEY_BYTES || bytes > SW_FRAME_BYTES_MAX)
		return -EPROTO;
	if (bytes > visit->capacity) {
		free(visit->frame);
		visit->capacity = bytes + bytes / 4;
		visit->frame = malloc(visit->capacity);
		if (!visit->frame) {
			visit->capacity = 0;
			return -ENOMEM;
		}
	}
	memcpy(visit->frame, head, HEAD_BYTES);
	return dialback_link_read(visit->link, visit->frame + HEAD_BYTES, bytes - HEAD_BYTES);
}

static int work(struct visit *visit, const uint8_t *head, size_t bytes)
{
	const uint64_t begin_ns = sw_now_ns();
	const char *answer;
	size_t answer_bytes;
	int rc = read_frame(visit, head, bytes);

	if (rc)
		return rc;
	if (handler_run_frame(visit->handler, visit->frame, bytes, &answer, &answer_bytes) != 0) {
		rc = say_failed(visit, answer, answer_bytes);
	} else {
		visit->frames++;
		rc = dialback_link_write(visit->link, answer, answer_bytes);
	}
	if (sw_now_ns() - begin_ns > visit->longest_ns)
		visit->longest_ns = sw_now_ns() - begin_ns;
	return rc;
}

/* One more thing that the runtime has sent; *over: it was the last. */
static int take(struct visit *visit, bool *over)
{
	uint8_t head[HEAD_BYTES];
	int rc = dialback_link_read(visit->link, head, sizeof(head));
	size_t bytes;

	if (rc)
		return rc;
	bytes = get_u32(head + 8);
	if (memcmp(head, "SPLW", 4) == 0 && visit->welcome)
		return work(visit, head, bytes);
	if (memcmp(head, "SPLD", 4) != 0 || bytes != HEAD_BYTES)
		return -EPROTO;
	if (get_u32(head + 4) == WELCOME && !visit->welcome) {
		visit->welcome = true;
		return 0;
	}
	if (get_u32(head + 4) != GOODBYE || !visit->welcome)
		return -EPROTO;
	*over = true;
	return visit->leaving ? 0 : say(visit, GOODBYE, NULL, 0);
}

/* When to say good-bye: what is taken must be finished. At most half of the time is kept back. */
static uint64_t leave_ns(const struct visit *visit, uint64_t begin_ns)
{
	uint64_t margin_ns = MARGIN_MS * MS_NS + 3 * visit->longest_ns;

	if (margin_ns > (visit->end_ns - begin_ns) / 2)
		margin_ns = (visit->end_ns - begin_ns) / 2;
	return visit->end_ns - margin_ns;
}

static int work_until_the_end(struct visit *visit)
{
	const uint64_t begin_ns = sw_now_ns();
	uint64_t heard_ns = begin_ns;
	bool over = false;
	int rc = 0;

	while (!over && !rc) {
		const uint64_t now_ns = sw_now_ns();
		uint64_t until_ns = heard_ns + visit->silence_ms * MS_NS;

		if (now_ns >= until_ns)
			return -ETIMEDOUT;
		if (!visit->leaving && visit->welcome && now_ns >= leave_ns(visit, begin_ns)) {
			visit->leaving = true;
			rc = say(visit, GOODBYE, NULL, 0);
			continue;
		}
		if (!visit->leaving && leave_ns(visit, begin_ns) < until_ns &&
			leave_ns(visit, begin_ns) > now_ns)
			until_ns = leave_ns(visit, begin_ns);
		rc = dialback_link_wait(visit->link, (int)((until_ns - now_ns) / MS_NS) + 1);
		if (rc > 0) {
			rc = take(visit, &over);
			heard_ns = sw_now_ns();
		}
	}
	return rc;
}

/* ---- From invitation to summary ---- */

static uint64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t time_left_ms(const struct invitation *invitation, uint64_t deadline_ms)
{
	const uint64_t now_ms = wall_ms();
	uint64_t left_ms = invitation->for_ms;

	if (deadline_ms && deadline_ms < now_ms + left_ms)
		left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
	return left_ms;
}

static int visit_runtime(struct visit *visit, const char *json, size_t bytes, uint64_t deadline_ms,
	struct sw_error *error)
{
	struct invitation invitation;
	int rc = read_invitation(json, bytes, &invitation, error);

	if (!rc) {
		visit->end_ns = sw_now_ns() + time_left_ms(&invitation, deadline_ms) * MS_NS;
		visit->silence_ms = invitation.silence_ms;
		rc = dialback_link_open(invitation.host, invitation.port, invitation.print,
			CONNECT_MS, &visit->link, error);
	}
	if (!rc) {
		rc = say(visit, HELLO, invitation.token, TOKEN_BYTES);
		if (!rc)
			rc = work_until_the_end(visit);
		/* Once welcome, however it ends is an end: what was under way is tried again. */
		if (rc && visit->welcome)
			rc = 0;
		if (rc)
			sw_error_set(error, rc, "dial-back: not let in: %s", strerror(-rc));
	}
	OPENSSL_cleanse(&invitation, sizeof(invitation));
	return rc;
}

int dialback_serve(struct handler *handler, const char *json, size_t bytes, uint64_t deadline_ms,
	char answer[DIALBACK_ANSWER_BYTES], size_t *answer_bytes)
{
	struct visit visit = { .handler = handler };
	struct sw_error error = { .text = "" };
	int rc = visit_runtime(&visit, json, bytes, deadline_ms, &error);

	dialback_link_close(visit.link);
	free(visit.frame);
	for (char *at = error.text; *at; at++) {
		if (*at == '"' || *at == '\\' || (unsigned char)*at < 0x20 ||
			(unsigned char)*at > 0x7e)
			*at = '\'';
	}
	if (rc)
		*answer_bytes = (size_t)snprintf(answer, DIALBACK_ANSWER_BYTES,
			"{\"errorMessage\":\"%s\",\"errorType\":\"Spillway.DialBackFailed\"}",
			error.text);
	else
		*answer_bytes = (size_t)snprintf(answer, DIALBACK_ANSWER_BYTES,
			"{\"dialBack\":{\"frames\":%llu,\"failures\":%llu}}",
			(unsigned long long)visit.frames, (unsigned long long)visit.failures);
	return rc;
}
