/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/front.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "runtime/clock.h"
#include "tools/lambda_local/front_private.h"
#include "tools/lambda_local/server.h"

#define HANDSHAKE_NS   10000000000u
#define PAUSE_NS       100000000u
#define RECORD_BYTES   (16u << 10)
#define FRAME_BYTES    (RECORD_BYTES + 512) /* a frame of the size we leave it at, and its head */
#define READS_PER_TURN 64

void ll_connection_touch(struct ll_connection *connection)
{
	if (connection->dirty || connection->closed)
		return;
	connection->dirty = true;
	connection->next_dirty = connection->front->dirty;
	connection->front->dirty = connection;
}

static void released(struct ll_source *source)
{
	struct ll_connection *connection = LL_CONTAINER(source, struct ll_connection, source);

	nghttp2_session_del(connection->session);
	SSL_free(connection->ssl);
	free(connection);
}

void ll_connection_close(struct ll_connection *connection, bool reset)
{
	struct ll_front *front = connection->front;
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (connection->closed)
		return;
	connection->closed = true;
	ll_streams_close(connection);
	ll_timer_clear(&front->server->loop, &connection->timer);
	if (reset)
		setsockopt(connection->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	front->connection_count--;
	ll_loop_remove(&front->server->loop, &connection->source);
}

/* Takes from the session what is to be sent, as far as there is room. False: it is broken. */
static bool gather(struct ll_connection *connection)
{
	while (LL_OUT_BYTES - connection->out_size >= FRAME_BYTES) {
		const uint8_t *data;
		ssize_t n = nghttp2_session_mem_send(connection->session, &data);

		if (n < 0 || n > FRAME_BYTES)
			return false;
		if (n == 0)
			break;
		memcpy(connection->out + connection->out_size, data, (size_t)n);
		connection->out_size += (uint32_t)n;
	}
	return true;
}

/* Whether a TLS call that failed only waits for the socket; if so, sets what to wait for. */
static bool only_waits(struct ll_connection *connection, int result)
{
	switch (SSL_get_error(connection->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return true;
	case SSL_ERROR_WANT_WRITE:
		connection->blocked = true;
		return true;
	default:
		return false;
	}
}

/* Encrypts what was gathered. False: broken. */
static bool encrypt(struct ll_connection *connection)
{
	uint32_t sent = 0;
	bool good = true;

	while (sent < connection->out_size && !connection->blocked && good) {
		int n;

		ERR_clear_error();
		n = SSL_write(connection->ssl, connection->out + sent,
			(int)(connection->out_size - sent));
		if (n > 0)
			sent += (uint32_t)n;
		else
			good = only_waits(connection, n) && connection->blocked;
	}
	connection->unflushed = connection->unflushed || sent;
	connection->out_size -= sent;
	memmove(connection->out, connection->out + sent, connection->out_size);
	return good;
}

static void flush(struct ll_connection *connection)
{
	struct ll_loop *loop = &connection->front->server->loop;
	bool good = true;

	connection->blocked = false;
	while (good && !connection->blocked) {
		good = gather(connection);
		if (connection->out_size == 0)
			break;
		good = good && encrypt(connection);
	}
	if (good && connection->unflushed) {
		BIO *out = SSL_get_wbio(connection->ssl);

		if (BIO_flush(out) > 0)
			connection->unflushed = false;
		else if (BIO_should_retry(out))
			connection->blocked = true;
		else
			good = false;
	}
	if (!good || (!connection->blocked && !nghttp2_session_want_read(connection->session) &&
			     !nghttp2_session_want_write(connection->session)))
		ll_connection_close(connection, false);
	else
		ll_loop_change(loop, &connection->source,
			connection->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void ll_front_flush(struct ll_front *front)
{
	while (front->dirty) {
		struct ll_connection *connection = front->dirty;

		front->dirty = connection->next_dirty;
		connection->dirty = false;
		if (!connection->closed && connection->session)
			flush(connection);
	}
}

static void read_turn(struct ll_connection *connection)
{
	static uint8_t record[RECORD_BYTES];

	for (int i = 0; i < READS_PER_TURN; i++) {
		int n;

		ERR_clear_error();
		n = SSL_read(connection->ssl, record, sizeof(record));
		if (n <= 0) {
			if (only_waits(connection, n))
				ll_connection_touch(connection);
			else
				ll_connection_close(connection, false);
			return;
		}
		if (nghttp2_session_mem_recv(connection->session, record, (size_t)n) < 0) {
			ll_connection_close(connection, false);
			return;
		}
	}
	ll_connection_touch(connection);
	/* What TLS has fetched already wakes nobody: come back after the others had their turn. */
	ll_timer_set(&connection->front->server->loop, &connection->timer, 0);
}

static void read_more(struct ll_timer *timer)
{
	read_turn(LL_CONTAINER(timer, struct ll_connection, timer));
}

static void handshake_late(struct ll_timer *timer)
{
	ll_connection_close(LL_CONTAINER(timer, struct ll_connection, timer), false);
}

static void shake_hands(struct ll_connection *connection)
{
	struct ll_loop *loop = &connection->front->server->loop;
	const unsigned char *protocol;
	unsigned size;
	int n;

	ERR_clear_error();
	connection->blocked = false;
	n = SSL_accept(connection->ssl);
	if (n <= 0 && only_waits(connection, n)) {
		ll_loop_change(loop, &connection->source,
			connection->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
		return;
	}
	SSL_get0_alpn_selected(connection->ssl, &protocol, &size);
	if (n <= 0 || size != 2 || ll_streams_open(connection) != 0) {
		ll_connection_close(connection, false);
		return;
	}
	ll_timer_clear(loop, &connection->timer);
	connection->timer.due = read_more;
	read_turn(connection);
}

static void ready(struct ll_source *source, uint32_t events)
{
	struct ll_connection *connection = LL_CONTAINER(source, struct ll_connection, source);

	if (!connection->session) {
		shake_hands(connection);
		return;
	}
	if (events & EPOLLOUT)
		ll_connection_touch(connection);
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		read_turn(connection);
}

/* TLS over the socket, with what is written gathered until it is flushed. */
static SSL *make_tls(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);
	BIO *in = BIO_new_socket(fd, BIO_NOCLOSE), *out = BIO_new_socket(fd, BIO_NOCLOSE);
	BIO *buffer = BIO_new(BIO_f_buffer());

	if (ssl && in && out && buffer && BIO_set_write_buffer_size(buffer, LL_OUT_BYTES) > 0) {
		SSL_set0_rbio(ssl, in);
		SSL_set0_wbio(ssl, BIO_push(buffer, out));
		return ssl;
	}
	SSL_free(ssl);
	BIO_free(in);
	BIO_free(out);
	BIO_free(buffer);
	return NULL;
}

static int add_connection(struct ll_front *front, int fd)
{
	struct ll_connection *connection = calloc(1, sizeof(*connection));
	int one = 1, ret = -ENOMEM;

	if (!connection)
		return -ENOMEM;
	connection->ssl = make_tls(front->context, fd);
	if (!connection->ssl)
		goto fail;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection->front = front;
	connection->source = (struct ll_source){ .ready = ready, .release = released, .fd = fd };
	ret = ll_loop_add(&front->server->loop, &connection->source, EPOLLIN);
	if (ret)
		goto fail;
	connection->next = front->connections;
	connection->link = &front->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	front->connections = connection;
	front->connection_count++;
	connection->timer.due = handshake_late;
	ll_timer_set(&front->server->loop, &connection->timer, sw_now_ns() + HANDSHAKE_NS);
	return 0;
fail:
	SSL_free(connection->ssl);
	free(connection);
	return ret;
}

static void pause_over(struct ll_timer *timer)
{
	struct ll_front *front = LL_CONTAINER(timer, struct ll_front, pause);

	ll_loop_change(&front->server->loop, &front->listener, EPOLLIN);
}

static void accept_ready(struct ll_source *source, uint32_t events)
{
	struct ll_front *front = LL_CONTAINER(source, struct ll_front, listener);
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		/* Out of descriptors or memory: it would be tried without end. */
		ll_loop_change(&front->server->loop, &front->listener, 0);
		ll_timer_set(&front->server->loop, &front->pause, sw_now_ns() + PAUSE_NS);
		return;
	}
	if (front->connection_count >= LL_CONNECTIONS_MAX || add_connection(front, fd) != 0)
		close(fd);
}

static void front_released(struct ll_source *source)
{
	free(LL_CONTAINER(source, struct ll_front, listener));
}

static int listen_at(const struct ll_options *options, int *listener, struct sw_error *error)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	int one = 1, fd, ret = getaddrinfo(options->host, options->port, &hints, &found);

	if (ret)
		return sw_error_set(
			error, -EINVAL, "--listen: %s: %s", options->host, gai_strerror(ret));
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 256) < 0) {
		ret = sw_error_set(error, -errno, "--listen: %s:%s: %s", options->host,
			options->port, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	*listener = fd;
	return ret;
}

static void make_url(const struct ll_options *options, int fd, char *url)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .v6 = { 0 } };
	socklen_t size = sizeof(address);
	const char *host = options->host;
	bool is_v6;

	getsockname(fd, &address.any, &size);
	is_v6 = address.any.sa_family == AF_INET6;
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	if (strcmp(host, "::") == 0)
		host = "::1";
	sprintf(url, strchr(host, ':') ? "https://[%s]:%u" : "https://%s:%u", host,
		ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port));
}

int ll_front_open(struct ll_front **made, struct ll_server *server, SSL_CTX *context, char *url,
	struct sw_error *error)
{
	struct ll_front *front = calloc(1, sizeof(*front));
	int ret;

	*made = NULL;
	if (!front || ll_streams_callbacks(&front->callbacks) != 0) {
		ret = sw_error_set(error, -ENOMEM, "start: no memory");
		goto fail;
	}
	front->server = server;
	front->pause.due = pause_over;
	front->listener.ready = accept_ready;
	front->listener.release = front_released;
	ret = listen_at(&server->options, &front->listener.fd, error);
	if (ret)
		goto fail;
	ret = ll_loop_add(&server->loop, &front->listener, EPOLLIN);
	if (ret) {
		close(front->listener.fd);
		sw_error_set(error, ret, "start: epoll: %s", strerror(-ret));
		goto fail;
	}
	front->context = context;
	make_url(&server->options, front->listener.fd, url);
	*made = front;
	return 0;
fail:
	if (front)
		nghttp2_session_callbacks_del(front->callbacks);
	free(front);
	SSL_CTX_free(context);
	return ret;
}

void ll_front_close(struct ll_front *front)
{
	while (front->connections)
		ll_connection_close(front->connections, false);
	front->dirty = NULL;
	ll_timer_clear(&front->server->loop, &front->pause);
	ll_loop_remove(&front->server->loop, &front->listener);
	nghttp2_session_callbacks_del(front->callbacks);
	SSL_CTX_free(front->context);
}
