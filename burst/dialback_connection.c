/* SPDX-License-Identifier: MIT */
/*
 * One connection of a function's: it is a stranger until it has said HELLO with a token of ours;
 * then frames go to it as they are, one in work and one behind it, and answers come back, found by
 * their keys. Whatever it does against the rules ends it; what was on its way has an unknown end.
 */
#include <errno.h>
#include <linux/tcp.h> /* has the least round trip; that of netinet has not */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "burst/dialback_private.h"
#include "burst/wire_private.h"

static const uint8_t frame_magic[4] = { 'S', 'P', 'L', 'W' };
static const uint8_t message_magic[4] = { 'S', 'P', 'L', 'D' };

/* Weight of one more frame in what a function takes. */
#define SERVICE_SHIFT 3

static uint64_t now_ns(const struct dial_connection *connection)
{
	struct sw_transport *transport = &connection->dialback->base;

	return transport->ops->now_ns(transport);
}

/* ---- Lists ---- */

void dial_list_init(struct dial_link *list)
{
	list->prev = list->next = list;
}

static void list_remove(struct dial_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
}

static void list_put_first(struct dial_link *list, struct dial_link *link)
{
	link->prev = list;
	link->next = list->next;
	list->next->prev = link;
	list->next = link;
}

/* To the front of the list that it belongs to now. */
static void relist(struct dial_connection *connection)
{
	struct dialback *dialback = connection->dialback;
	struct dial_link *lists[] = {
		[DIAL_STRANGER] = &dialback->strangers,
		[DIAL_WELCOMED] = &dialback->by_load[connection->place_count],
		[DIAL_LEAVING] = &dialback->leaving,
		[DIAL_DEAD] = &dialback->dead,
	};

	list_remove(&connection->link);
	list_put_first(lists[connection->state], &connection->link);
}

static void set_state(struct dial_connection *connection, enum dial_state state)
{
	struct dialback *dialback = connection->dialback;

	dialback->stranger_count -= connection->state == DIAL_STRANGER;
	dialback->connected -= connection->state == DIAL_WELCOMED;
	connection->state = state;
	dialback->stranger_count += state == DIAL_STRANGER;
	dialback->connected += state == DIAL_WELCOMED;
	relist(connection);
}

/* ---- The end ---- */

static void end_exchange(struct dial_connection *connection, uint32_t index,
	enum sw_outcome outcome, const char *why)
{
	struct dial_place *place = &connection->places[index];
	struct sw_exchange *exchange = place->exchange;

	if (exchange) {
		exchange->outcome = outcome;
		if (outcome == SW_OUTCOME_BROKEN && exchange->sent_ns == 0)
			exchange->outcome = SW_OUTCOME_NOT_RUN;
		if (why)
			snprintf(exchange->detail, sizeof(exchange->detail), "dial-back: %s", why);
		dialback_ended(connection->dialback, exchange);
	}
	connection->place_count--;
	connection->sent -= index < connection->sent;
	memmove(place, place + 1, (connection->place_count - index) * sizeof(*place));
}

void dial_close(struct dial_connection *connection, enum sw_outcome outcome, const char *why)
{
	struct dialback *dialback = connection->dialback;

	if (connection->state == DIAL_DEAD)
		return;
	if (connection->state == DIAL_STRANGER) {
		burst_add(&dialback->counters->refused, 1);
		dialback_tell(dialback, "%s: refused: %s", connection->peer, why);
	}
	while (connection->place_count > 0)
		end_exchange(connection, 0, outcome, why);
	if (connection->ticket)
		connection->ticket->connection = NULL;
	connection->ticket = NULL;
	close(connection->fd);
	set_state(connection, DIAL_DEAD);
}

void dial_free(struct dial_connection *connection)
{
	list_remove(&connection->link);
	SSL_free(connection->ssl);
	free(connection);
}

/* ---- Writing ---- */

static void watch_writing(struct dial_connection *connection, bool wants_write)
{
	struct epoll_event event = { .events = EPOLLIN | (wants_write ? EPOLLOUT : 0),
		.data.ptr = connection };

	if (connection->wants_write == wants_write)
		return;
	connection->wants_write = wants_write;
	epoll_ctl(connection->dialback->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

/* 0: later; else its end has come. */
static int judge(struct dial_connection *connection, int result)
{
	switch (SSL_get_error(connection->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		watch_writing(connection, true);
		return 0;
	default:
		return -ECONNRESET;
	}
}

/* Messages go out before frames, but a good-bye behind them. False: there is nothing. */
static bool next_out(struct dial_connection *connection, const void **from, size_t *bytes)
{
	const bool message = connection->out_at < connection->out_bytes;
	const bool frame = connection->sent < connection->place_count;
	const struct sw_exchange *exchange;

	/* A record that was begun is to be finished. */
	if (message && (connection->out_begun || !frame || connection->state == DIAL_WELCOMED)) {
		*from = connection->out + connection->out_at;
		*bytes = connection->out_bytes - connection->out_at;
		return true;
	}
	if (!frame)
		return false;
	exchange = connection->places[connection->sent].exchange;
	*from = exchange->body + connection->sent_bytes;
	*bytes = exchange->body_bytes - connection->sent_bytes;
	return true;
}

static void note_written(struct dial_connection *connection, const void *from, size_t bytes)
{
	struct sw_exchange *exchange;

	if ((const uint8_t *)from == connection->out + connection->out_at) {
		connection->out_at += bytes;
		connection->out_begun = connection->out_at < connection->out_bytes;
		return;
	}
	exchange = connection->places[connection->sent].exchange;
	connection->sent_bytes += bytes;
	if (connection->sent_bytes < exchange->body_bytes)
		return;
	connection->sent_bytes = 0;
	connection->sent++;
}

static int flush(struct dial_connection *connection)
{
	const void *from;
	size_t bytes, written;

	while (next_out(connection, &from, &bytes)) {
		int result;

		if ((const uint8_t *)from == connection->out + connection->out_at)
			connection->out_begun = true;
		else if (connection->sent_bytes == 0)
			connection->places[connection->sent].exchange->sent_ns = now_ns(connection);
		ERR_clear_error();
		result = SSL_write_ex(connection->ssl, from, bytes, &written);
		if (result != 1)
			return judge(connection, result);
		note_written(connection, from, written);
	}
	watch_writing(connection, false);
	return 0;
}

static void say(struct dial_connection *connection, enum dial_message message)
{
	uint8_t *at = connection->out + connection->out_bytes;

	memcpy(at, message_magic, sizeof(message_magic));
	put_u32(at + 4, message);
	put_u32(at + 8, DIAL_HEAD_BYTES);
	connection->out_bytes += DIAL_HEAD_BYTES;
}

static void flush_or_close(struct dial_connection *connection)
{
	if (flush(connection) != 0)
		dial_close(connection, SW_OUTCOME_BROKEN, "connection broke");
}

void dial_say_goodbye(struct dial_connection *connection)
{
	say(connection, DIAL_GOODBYE);
	connection->since_ns = now_ns(connection);
	set_state(connection, DIAL_LEAVING);
	flush_or_close(connection);
}

void dial_give(struct dial_connection *connection, struct sw_exchange *exchange)
{
	struct dial_place *place = &connection->places[connection->place_count++];

	place->exchange = exchange;
	memcpy(place->key, exchange->body + DIAL_KEY_AT, DIAL_KEY_BYTES);
	place->due_ns = now_ns(connection) + (uint64_t)exchange->deadline_ms * 1000000;
	exchange->handle = connection;
	relist(connection);
	if (!connection->wants_write)
		flush_or_close(connection);
}

void dial_withdraw(struct dial_connection *connection, struct sw_exchange *exchange)
{
	for (uint32_t i = 0; i < connection->place_count; i++) {
		if (connection->places[i].exchange != exchange)
			continue;
		connection->places[i].exchange = NULL;
		/* Half a frame cannot be taken back. */
		if (i >= connection->sent || (connection->in_frame && connection->answering == i))
			dial_close(connection, SW_OUTCOME_BROKEN, "connection was given up");
		return;
	}
}

/* ---- Reading ---- */

static void want_message(struct dial_connection *connection)
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
	connection->since_ns = now_ns(connection);
	connection->way_ns = way_ns(connection);
	connection->dialback->way_ns = connection->way_ns;
	burst_add(&connection->dialback->counters->connections, 1);
	say(connection, DIAL_WELCOME);
	set_state(connection, DIAL_WELCOMED);
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
	const uint64_t end_ns = now_ns(connection);
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
	end_exchange(connection, index, outcome, why);
	want_message(connection);
	relist(connection);
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
		say(connection, DIAL_GOODBYE);
		connection->since_ns = now_ns(connection);
		set_state(connection, DIAL_LEAVING);
	} else if (connection->state == DIAL_LEAVING && message == DIAL_GOODBYE)
		why = NULL;
	want_message(connection);
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
	if (memcmp(connection->in, message_magic, sizeof(message_magic)) != 0)
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

/* Where the next bytes go. */
static size_t room_in(struct dial_connection *connection, void **to)
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

/* Null, or what is wrong with what has come. */
static const char *take_bytes(struct dial_connection *connection, size_t bytes)
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

static const char *how_it_ended(const struct dial_connection *connection, int result)
{
	if (SSL_get_error(connection->ssl, result) == SSL_ERROR_SSL &&
		!SSL_is_init_finished(connection->ssl))
		return "no TLS 1.3 came about";
	return connection->state == DIAL_STRANGER ? "it went without a word"
						  : "the function has gone";
}

static void receive(struct dial_connection *connection)
{
	for (;;) {
		const char *why;
		void *to;
		size_t room = room_in(connection, &to), got = 0;
		int result;

		ERR_clear_error();
		result = SSL_read_ex(connection->ssl, to, room, &got);
		if (result != 1) {
			if (judge(connection, result) != 0)
				dial_close(connection, SW_OUTCOME_BROKEN,
					how_it_ended(connection, result));
			return;
		}
		why = take_bytes(connection, got);
		if (why) {
			if (connection->state != DIAL_STRANGER)
				dialback_tell(connection->dialback, "%s: dropped: %s",
					connection->peer, why);
			dial_close(connection, SW_OUTCOME_BROKEN, why);
		}
		if (connection->state == DIAL_DEAD)
			return;
	}
}

void dial_ready(struct dial_connection *connection)
{
	if (connection->state == DIAL_DEAD)
		return;
	/* The handshake says again when it waits for that. */
	if (connection->state == DIAL_STRANGER)
		watch_writing(connection, false);
	receive(connection);
	if (connection->state != DIAL_DEAD && connection->state != DIAL_STRANGER)
		flush_or_close(connection);
}

/* ---- The beginning ---- */

void dial_accept(struct dialback *dialback, int fd, const char *peer)
{
	struct dial_connection *connection = calloc(1, sizeof(*connection));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	int one = 1;

	if (!connection) {
		close(fd);
		return;
	}
	connection->dialback = dialback;
	connection->fd = fd;
	connection->ssl = SSL_new(dialback->tls);
	connection->since_ns = dialback->base.ops->now_ns(&dialback->base);
	snprintf(connection->peer, sizeof(connection->peer), "%s", peer);
	dial_list_init(&connection->link);
	want_message(connection);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	dialback->stranger_count++;
	set_state(connection, DIAL_STRANGER);
	if (!connection->ssl || SSL_set_fd(connection->ssl, fd) != 1 ||
		epoll_ctl(dialback->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		dial_close(connection, SW_OUTCOME_BROKEN, "memory is out");
		return;
	}
	SSL_set_accept_state(connection->ssl);
	dial_ready(connection);
}
