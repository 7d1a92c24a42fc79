/* SPDX-License-Identifier: MIT */
/*
 * The transport over libcurl's multi interface: HTTP/2 and TLS, a few connections, many streams on
 * each. One thread, but for wakeup. Handles are reused; nothing here retries.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "burst/client_private.h"
#include "runtime/clock.h"

/* ---- What libcurl calls ---- */

size_t client_read(char *to, size_t size, size_t count, void *context)
{
	struct client_easy *easy = context;
	struct sw_exchange *exchange = easy->exchange;
	size_t bytes = exchange->body_bytes - easy->sent_bytes;

	if (easy->rewound)
		return CURL_READFUNC_ABORT;
	if (exchange->sent_ns == 0)
		exchange->sent_ns = sw_now_ns();
	if (bytes > size * count)
		bytes = size * count;
	memcpy(to, exchange->body + easy->sent_bytes, bytes);
	easy->sent_bytes += bytes;
	return bytes;
}

/* libcurl wants to send the body again, on another connection. It must not, for the function may
 * have run; it is let do so as far as the body, and stopped there: refusing here leads libcurl 8.14
 * into memory that it has freed. */
int client_seek(void *context, curl_off_t offset, int origin)
{
	struct client_easy *easy = context;

	(void)offset;
	(void)origin;
	easy->rewound = easy->rewound || easy->sent_bytes > 0;
	return CURL_SEEKFUNC_OK;
}

static bool grow_answer(struct sw_exchange *exchange, size_t wanted)
{
	size_t capacity = exchange->answer_capacity ? exchange->answer_capacity : 4096;
	char *answer;

	while (capacity < wanted)
		capacity *= 2;
	answer = realloc(exchange->answer, capacity);
	if (!answer)
		return false;
	exchange->answer = answer;
	exchange->answer_capacity = capacity;
	return true;
}

/* Of what is no answer only the begin is for people; more of it is not waited for. */
static size_t most_bytes(const struct client_easy *easy)
{
	const size_t most = easy->exchange->answer_max;
	long status = 0;

	curl_easy_getinfo(easy->curl, CURLINFO_RESPONSE_CODE, &status);
	if ((status == 0 || status == 200) && !easy->function_failed)
		return most;
	return most < CLIENT_FAILURE_BYTES ? most : CLIENT_FAILURE_BYTES;
}

size_t client_write(char *from, size_t size, size_t count, void *context)
{
	struct client_easy *easy = context;
	struct sw_exchange *exchange = easy->exchange;
	const size_t bytes = size * count;

	if (exchange->warm_up)
		return bytes;
	if (exchange->answer_bytes + bytes > most_bytes(easy)) {
		exchange->cut = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (exchange->answer_bytes + bytes > exchange->answer_capacity &&
		!grow_answer(exchange, exchange->answer_bytes + bytes))
		return CURL_WRITEFUNC_ERROR;
	memcpy(exchange->answer + exchange->answer_bytes, from, bytes);
	exchange->answer_bytes += bytes;
	return bytes;
}

/* The value of a header line with this name (lower case, with its colon); null: another one. */
static const char *header_value(const char *line, size_t bytes, const char *name)
{
	const size_t length = strlen(name);

	if (bytes < length || strncasecmp(line, name, length) != 0)
		return NULL;
	return line + length;
}

/* A decimal number in a line that has no terminator; 0: none. */
static uint64_t header_number(const char *at, const char *end)
{
	uint64_t number = 0;

	while (at < end && *at == ' ')
		at++;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		if (number > UINT64_MAX / 16)
			return 0;
		number = number * 10 + (uint64_t)(*at - '0');
	}
	return number;
}

/* The service's name for an error, without what may stand behind it (":http://...", blanks). */
static void take_error_type(struct client_easy *easy, const char *at, const char *end)
{
	size_t bytes = 0;

	while (at < end && *at == ' ')
		at++;
	while (at < end && bytes < sizeof(easy->error_type) - 1 &&
		((*at | 0x20) >= 'a' ? (*at | 0x20) <= 'z' : *at >= '0' && *at <= '9'))
		easy->error_type[bytes++] = *at++;
	easy->error_type[bytes] = '\0';
}

size_t client_header(char *line, size_t size, size_t count, void *context)
{
	struct client_easy *easy = context;
	const size_t bytes = size * count;
	const char *value;

	if (bytes < 2 || (line[0] | 0x20) != 'x')
		return bytes;
	if (header_value(line, bytes, "x-amz-function-error:") ||
		header_value(line, bytes, "x-spillway-error:"))
		easy->function_failed = true;
	if (header_value(line, bytes, "x-amzn-requestid:"))
		easy->from_lambda = true;
	value = header_value(line, bytes, "x-amzn-errortype:");
	if (value)
		take_error_type(easy, value, line + bytes);
	value = header_value(line, bytes, "x-spillway-function-us:");
	if (value)
		easy->exchange->function_us = header_number(value, line + bytes);
	value = header_value(line, bytes, "x-spillway-cold:");
	if (value)
		easy->exchange->cold = header_number(value, line + bytes) != 0;
	return bytes;
}

/* ---- Requests ---- */

static struct client_easy *take_easy(struct client *client)
{
	struct client_easy *easy = client->idle;

	if (!easy)
		return NULL;
	if (!easy->curl && client_easy_setup(client, easy) != 0)
		return NULL;
	client->idle = easy->next;
	return easy;
}

static void put_easy(struct client *client, struct client_easy *easy, bool reusable)
{
	curl_multi_remove_handle(client->multi, easy->curl);
	if (!reusable) {
		/* libcurl 8.14 keeps the wish to rewind in a handle that has failed. */
		curl_easy_cleanup(easy->curl);
		easy->curl = NULL;
	}
	client_headers_free(easy->signature);
	easy->signature = NULL;
	easy->exchange = NULL;
	easy->next = client->idle;
	client->idle = easy;
}

/* It ends before it begins: next returns it with what sign has said. */
static void refuse(struct client *client, struct client_easy *easy)
{
	easy->exchange->outcome = SW_OUTCOME_NOT_RUN;
	easy->next = client->refused;
	client->refused = easy;
}

/* False: it must not go as it is. A warm-up is not signed, but of no use where nothing can be. */
static bool sign(struct client *client, struct client_easy *easy)
{
	struct sw_exchange *exchange = easy->exchange;
	enum client_signed state = CLIENT_UNSIGNED;

	if (!client->signer)
		return true;
	if (exchange->warm_up)
		state = client_can_sign(client->signer, exchange);
	else
		state = client_sign(client->signer, exchange, &easy->signature);
	return state != CLIENT_REFUSED && (state != CLIENT_WAITING || exchange->warm_up);
}

static void set_request(struct client *client, struct client_easy *easy)
{
	const struct sw_exchange *exchange = easy->exchange;

	curl_easy_setopt(easy->curl, CURLOPT_TIMEOUT_MS, (long)exchange->deadline_ms);
	/* A probe is of no use on a connection that was there before the trouble. */
	curl_easy_setopt(easy->curl, CURLOPT_FRESH_CONNECT, exchange->warm_up ? 1L : 0L);
	if (exchange->warm_up) {
		curl_easy_setopt(easy->curl, CURLOPT_HTTPGET, 1L);
		curl_easy_setopt(easy->curl, CURLOPT_HTTPHEADER, NULL);
		curl_easy_setopt(easy->curl, CURLOPT_URL, client->warm_url);
		return;
	}
	curl_easy_setopt(easy->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(easy->curl, CURLOPT_HTTPHEADER,
		easy->signature ? easy->signature : client->headers);
	curl_easy_setopt(easy->curl, CURLOPT_URL, client->url);
	curl_easy_setopt(easy->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body_bytes);
}

static int submit(struct sw_transport *transport, struct sw_exchange *exchange)
{
	struct client *client = (struct client *)transport;
	struct client_easy *easy = take_easy(client);

	if (!easy)
		return -ENOMEM;
	exchange->answer_bytes = 0;
	exchange->cut = false;
	exchange->retry_after_ms = 0;
	exchange->sent_ns = 0;
	exchange->function_us = 0;
	exchange->cold = false;
	exchange->detail[0] = '\0';
	exchange->handle = easy;
	easy->exchange = exchange;
	easy->submitted_ns = sw_now_ns();
	easy->sent_bytes = 0;
	easy->function_failed = false;
	easy->from_lambda = false;
	easy->error_type[0] = '\0';
	easy->rewound = false;
	easy->error[0] = '\0';
	if (!sign(client, easy)) {
		refuse(client, easy);
		return 0;
	}
	set_request(client, easy);
	if (curl_multi_add_handle(client->multi, easy->curl) != CURLM_OK) {
		put_easy(client, easy, false);
		return -ENOMEM;
	}
	return 0;
}

static void cancel(struct sw_transport *transport, struct sw_exchange *exchange)
{
	struct client *client = (struct client *)transport;
	struct client_easy *easy = exchange->handle;

	for (struct client_easy **at = &client->refused; *at; at = &(*at)->next) {
		if (*at == easy) {
			*at = easy->next;
			break;
		}
	}
	if (client->parked == easy)
		client->parked = NULL;
	exchange->handle = NULL;
	put_easy(client, easy, false);
}

static struct sw_exchange *hand_back(struct client *client, struct client_easy *easy, bool reusable)
{
	struct sw_exchange *exchange = easy->exchange;

	exchange->handle = NULL;
	put_easy(client, easy, reusable);
	return exchange;
}

/* What ended without libcurl, or waits for something else by now; null: nothing. */
static struct sw_exchange *next_aside(struct client *client)
{
	struct client_easy *easy = client->refused;
	enum client_signed state;

	if (easy) {
		client->refused = easy->next;
		return hand_back(client, easy, true);
	}
	easy = client->parked;
	if (!easy)
		return NULL;
	state = client_can_sign(client->signer, easy->exchange);
	if (state == CLIENT_WAITING)
		return NULL;
	if (state == CLIENT_REFUSED)
		easy->exchange->outcome = SW_OUTCOME_NOT_RUN;
	client->parked = NULL;
	return hand_back(client, easy, true);
}

/* A connection that nothing can be signed for yet is not ready. */
static bool is_to_wait(struct client *client, struct sw_exchange *exchange)
{
	return client->signer && exchange->warm_up && exchange->outcome == SW_OUTCOME_ANSWER &&
	       client_can_sign(client->signer, exchange) == CLIENT_WAITING;
}

static struct sw_exchange *next(struct sw_transport *transport)
{
	struct client *client = (struct client *)transport;
	struct sw_exchange *aside = next_aside(client);
	CURLMsg *message;
	int waiting;

	if (aside)
		return aside;
	while ((message = curl_multi_info_read(client->multi, &waiting))) {
		const CURLcode code = message->data.result;
		struct client_easy *easy;
		struct sw_exchange *exchange;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &easy);
		exchange = easy->exchange;
		client_conclude(easy, code);
		if (code == CURLE_OK)
			client_note_heard(client, easy);
		else if (code == CURLE_OPERATION_TIMEDOUT)
			client_note_silence(client, easy);
		if (is_to_wait(client, exchange)) {
			client->parked = easy;
			continue;
		}
		return hand_back(client, easy, code == CURLE_OK);
	}
	return NULL;
}

static void poll(struct sw_transport *transport, uint32_t timeout_ms)
{
	struct client *client = (struct client *)transport;
	struct curl_waitfd watched = { .fd = client->watched, .events = CURL_WAIT_POLLIN };
	int running;

	/* A handle just added makes this return at once. */
	if (timeout_ms > 0 && !client->refused)
		curl_multi_poll(
			client->multi, &watched, client->watched >= 0, (int)timeout_ms, NULL);
	curl_multi_perform(client->multi, &running);
}

static void wakeup(struct sw_transport *transport)
{
	curl_multi_wakeup(((struct client *)transport)->multi);
}

static void watch(struct sw_transport *transport, int fd)
{
	((struct client *)transport)->watched = fd;
}

static uint64_t now_ns(struct sw_transport *transport)
{
	(void)transport;
	return sw_now_ns();
}

static void close_client(struct sw_transport *transport)
{
	client_close((struct client *)transport);
}

const struct sw_transport_ops sw_client_ops = {
	.submit = submit,
	.cancel = cancel,
	.poll = poll,
	.next = next,
	.wakeup = wakeup,
	.watch = watch,
	.now_ns = now_ns,
	.close = close_client,
};
