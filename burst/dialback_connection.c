/* SPDX-License-Identifier: MIT */
/*
 * One connection of a function's: it is a stranger until it has said HELLO with a token of ours;
 * then frames go to it as they are, one in work and one behind it, and answers come back, found by
 * their keys. Whatever it does against the rules ends it; what was on its way has an unknown end.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "burst/dialback_private.h"
#include "burst/wire_private.h"

uint64_t dial_now_ns(const struct dial_connection *connection)
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

void dial_relist(struct dial_connection *connection)
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

void dial_set_state(struct dial_connection *connection, enum dial_state state)
{
	struct dialback *dialback = connection->dialback;

	dialback->stranger_count -= connection->state == DIAL_STRANGER;
	dialback->connected -= connection->state == DIAL_WELCOMED;
	connection->state = state;
	dialback->stranger_count += state == DIAL_STRANGER;
	dialback->connected += state == DIAL_WELCOMED;
	dial_relist(connection);
}

/* ---- The end ---- */

void dial_end_exchange(struct dial_connection *connection, uint32_t index, enum sw_outcome outcome,
	const char *why)
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
		dial_end_exchange(connection, 0, outcome, why);
	if (connection->ticket)
		connection->ticket->connection = NULL;
	connection->ticket = NULL;
	close(connection->fd);
	dial_set_state(connection, DIAL_DEAD);
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
			connection->places[connection->sent].exchange->sent_ns =
				dial_now_ns(connection);
		ERR_clear_error();
		result = SSL_write_ex(connection->ssl, from, bytes, &written);
		if (result != 1)
			return judge(connection, result);
		note_written(connection, from, written);
	}
	watch_writing(connection, false);
	return 0;
}

void dial_say(struct dial_connection *connection, enum dial_message message)
{
	uint8_t *at = connection->out + connection->out_bytes;

	memcpy(at, dial_magic, sizeof(dial_magic));
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
	dial_say(connection, DIAL_GOODBYE);
	connection->since_ns = dial_now_ns(connection);
	dial_set_state(connection, DIAL_LEAVING);
	flush_or_close(connection);
}

void dial_give(struct dial_connection *connection, struct sw_exchange *exchange)
{
	struct dial_place *place = &connection->places[connection->place_count++];

	place->exchange = exchange;
	memcpy(place->key, exchange->body + DIAL_KEY_AT, DIAL_KEY_BYTES);
	place->due_ns = dial_now_ns(connection) + (uint64_t)exchange->deadline_ms * 1000000;
	exchange->handle = connection;
	dial_relist(connection);
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
		size_t room = dial_room(connection, &to), got = 0;
		int result;

		ERR_clear_error();
		result = SSL_read_ex(connection->ssl, to, room, &got);
		if (result != 1) {
			if (judge(connection, result) != 0)
				dial_close(connection, SW_OUTCOME_BROKEN,
					how_it_ended(connection, result));
			return;
		}
		why = dial_take(connection, got);
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
	dial_want_message(connection);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	dialback->stranger_count++;
	dial_set_state(connection, DIAL_STRANGER);
	if (!connection->ssl || SSL_set_fd(connection->ssl, fd) != 1 ||
		epoll_ctl(dialback->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		dial_close(connection, SW_OUTCOME_BROKEN, "memory is out");
		return;
	}
	SSL_set_accept_state(connection->ssl);
	dial_ready(connection);
}
