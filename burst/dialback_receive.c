/* SPDX-License-Identifier: MIT */
/* What functions say: from bytes as they come to HELLO, answers, failures and good-byes. Everything
 * in them is hostile; an answer's bytes go straight into the exchange that they are for. */
#include <linux/tcp.h> /* has the least round trip; that of netinet has not */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "burst/dialback_private.h"
#include "burst/wire_private.h"

static const uint8_t frame_magic[4] = { 'S', 'P', 'L', 'W' };

/* Weight of one more frame in what a function takes. */
#define SERVICE_SHIFT 3

void dial_want_message(struct dial_connection *connection)
{
	connection->in_bytes = 0;
	connection->in_wanted = DIAL_HEAD_BYTES;
	connection->in_frame = false;
}

/* What the network has of a round trip. */
static uint64_t way_ns(const struct dial_connection *connection)
{
	struct tcp_info info = { 0 };
	socklen_t bytes = sizeof(info);

	getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes);
	return info.tcpi_min_rtt * 1000ull;
}

/* Null, or what is wrong with it. */
static const char *hello(struct dial_connection *connection)
{
	const char *why;
	struct ticket *ticket =
		dialback_redeem(connection->dialback, connection->in + DIAL_HEAD_BYTES, &why);

	OPENSSL_cleanse(connection->in, sizeof(connection->in));
	if (!ticket)
		return why;
	connection->ticket = ticket;
	ticket->connection = connection;
	connection->since_ns = dial_now_ns(connection);
	connection->way_ns = way_ns(connection);
	connection->dialback->way_ns = connection->way_ns;
	burst_add(&connection->dialback->counters->connections, 1);
	dial_say(connection, DIAL_WELCOME);
	dial_set_state(connection, DIAL_WELCOMED);
	/* Too late for this run. */
	if (connection->dialback->dismissed)
		dial_say_goodbye(connection);
	return NULL;
}

static bool find_place(
	const struct dial_connection *connection, const uint8_t *key, uint32_t *index)
{
	for (*index = 0; *index < connection->sent; ++*index) {
		if (memcmp(connection->places[*index].key, key, DIAL_KEY_BYTES) == 0)
			return true;
	}
	return false;
}

/* A frame was dealt with: learns how long the function had it. */
static void note_service(struct dial_connection *connection, const struct sw_exchange *exchange)
{
	struct dialback *dialback = connection->dialback;
	const uint64_t end_ns = dial_now_ns(connection);
	uint64_t took_ns = end_ns - connection->since_ns;

	/* It had nothing else to do: the way there and back was in vain. */
	if (exchange && exchange->sent_ns > connection->since_ns) {
		took_ns = end_ns - exchange->sent_ns;
		took_ns -= connection->way_ns < took_ns ? connection->way_ns : took_ns;
	}
	connection->since_ns = end_ns;
	if (dialback->service_ns == 0)
		dialback->service_ns = took_ns;
	dialback->service_ns += took_ns >> SERVICE_SHIFT;
	dialback->service_ns -= dialback->service_ns >> SERVICE_SHIFT;
}

static void answered(struct dial_connection *connection, uint32_t index, enum sw_outcome outcome,
	const char *why)
{
	note_service(connection, connection->places[index].exchange);
	connection->ticket->base.frames++;
	dial_end_exchange(connection, index, outcome, why);
	dial_want_message(connection);
	dial_relist(connection);
}

/* The function could not: the key, then JSON that says why. */
static const char *failed(struct dial_connection *connection)
{
	const uint8_t *key = connection->in + DIAL_HEAD_BYTES;
	char text[160];
	uint32_t index;

	if (connection->in_wanted < DIAL_HEAD_BYTES + DIAL_KEY_BYTES ||
		!find_place(connection, key, &index))
		return "it failed at what it was not given";
	snprintf(text, sizeof(text), "%.*s",
		(int)(connection->in_wanted - DIAL_HEAD_BYTES - DIAL_KEY_BYTES),
		(const char *)key + DIAL_KEY_BYTES);
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
			*at = ' ';
	}
	answered(connection, index, SW_OUTCOME_FUNCTION, text);
	return NULL;
}

static const char *take_message(struct dial_connection *connection)
{
	const uint32_t message = get_u32(connection->in + 4);
	const char *why = "it sent what makes no sense";

	if (connection->state != DIAL_STRANGER && message == DIAL_ERROR)
		return failed(connection);
	if (connection->state == DIAL_STRANGER && message == DIAL_HELLO)
		why = hello(connection);
	else if (connection->state == DIAL_WELCOMED && message == DIAL_GOODBYE &&
		 connection->in_wanted == DIAL_HEAD_BYTES) {
		why = NULL;
		dial_say(connection, DIAL_GOODBYE);
		connection->since_ns = dial_now_ns(connection);
		dial_set_state(connection, DIAL_LEAVING);
	} else if (connection->state == DIAL_LEAVING && message == DIAL_GOODBYE)
		why = NULL;
	dial_want_message(connection);
	return why;
}

/* The head is there: how much more is to come, and what. */
static const char *take_head(struct dial_connection *connection)
{
	const size_t bytes = get_u32(connection->in + 8);
	const bool stranger = connection->state == DIAL_STRANGER;

	if (!stranger && memcmp(connection->in, frame_magic, sizeof(frame_magic)) == 0) {
		connection->in_wanted = DIAL_KEY_AT + DIAL_KEY_BYTES;
		if (bytes <= connection->in_wanted || bytes > SW_FRAME_BYTES_MAX)
			return "its answer cannot be as long as it says";
		connection->rest = bytes - connection->in_wanted;
		return NULL;
	}
	if (memcmp(connection->in, dial_magic, sizeof(dial_magic)) != 0)
		return "it does not speak as it should";
	if (bytes < DIAL_HEAD_BYTES || bytes > DIAL_MESSAGE_MAX ||
		(stranger && bytes != DIAL_HEAD_BYTES + DIAL_TOKEN_BYTES))
		return "its message cannot be as long as it says";
	connection->in_wanted = bytes;
	return bytes == DIAL_HEAD_BYTES ? take_message(connection) : NULL;
}

/* An answer's key is there: makes room for the rest. */
static const char *take_key(struct dial_connection *connection)
{
	const size_t bytes = connection->in_wanted + connection->rest;
	struct sw_exchange *exchange;

	if (!find_place(connection, connection->in + DIAL_KEY_AT, &connection->answering))
		return "it answered what it was not asked";
	connection->in_frame = true;
	exchange = connection->places[connection->answering].exchange;
	if (!exchange)
		return NULL;
	if (bytes > exchange->answer_max)
		return "its answer is larger than any could be";
	if (bytes > exchange->answer_capacity) {
		char *answer = realloc(exchange->answer, bytes);

		if (!answer)
			return "memory is out";
		exchange->answer = answer;
		exchange->answer_capacity = bytes;
	}
	memcpy(exchange->answer, connection->in, connection->in_wanted);
	exchange->answer_bytes = connection->in_wanted;
	return NULL;
}

size_t dial_room(struct dial_connection *connection, void **to)
{
	struct sw_exchange *exchange;

	if (!connection->in_frame) {
		*to = connection->in + connection->in_bytes;
		return connection->in_wanted - connection->in_bytes;
	}
	exchange = connection->places[connection->answering].exchange;
	if (exchange) {
		*to = exchange->answer + exchange->answer_bytes;
		return connection->rest;
	}
	*to = connection->in;
	return connection->rest < sizeof(connection->in) ? connection->rest
							 : sizeof(connection->in);
}

const char *dial_take(struct dial_connection *connection, size_t bytes)
{
	struct sw_exchange *exchange;

	if (connection->in_frame) {
		exchange = connection->places[connection->answering].exchange;
		if (exchange)
			exchange->answer_bytes += bytes;
		connection->rest -= bytes;
		if (connection->rest == 0)
			answered(connection, connection->answering, SW_OUTCOME_ANSWER, NULL);
		return NULL;
	}
	connection->in_bytes += bytes;
	if (connection->in_bytes < connection->in_wanted)
		return NULL;
	if (connection->in_wanted == DIAL_HEAD_BYTES)
		return take_head(connection);
	if (memcmp(connection->in, frame_magic, sizeof(frame_magic)) == 0)
		return take_key(connection);
	return take_message(connection);
}
