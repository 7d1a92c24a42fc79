/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/runtime_api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/lambda_local/http1.h"
#include "tools/lambda_local/invocation.h"
#include "tools/lambda_local/server.h"

#define CONNECTIONS_MAX 8 /* of one environment; more are closed */

/* A connection of an environment's process. It handles one request at a time: while an answer is
 * not sent whole, nothing more is read. */
struct ll_api_connection {
	struct ll_source source;
	struct ll_environment *environment; /* null once closed */
	struct ll_api_connection *next;
	struct ll_http1 request;
	/* The answer being sent: head, and an event borrowed from its invocation. */
	char head[768];
	size_t head_size;
	const char *event;
	size_t event_size, sent;
	bool sending, delivers;
};

static void close_connection(struct ll_api_connection *connection)
{
	struct ll_environment *environment = connection->environment;
	struct ll_api_connection **at = &environment->connections;

	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
	if (environment->waiting == connection)
		environment->waiting = NULL;
	connection->environment = NULL;
	ll_loop_remove(&environment->server->loop, &connection->source);
}

static void released(struct ll_source *source)
{
	struct ll_api_connection *connection =
		LL_CONTAINER(source, struct ll_api_connection, source);

	ll_bytes_free(&connection->request.body);
	free(connection);
}

void ll_api_close(struct ll_environment *environment)
{
	while (environment->connections)
		close_connection(environment->connections);
}

/* Sends what is left of the answer. False: closed. */
static bool send_rest(struct ll_api_connection *connection)
{
	struct ll_environment *environment = connection->environment;
	size_t size = connection->head_size + connection->event_size;

	while (connection->sent < size) {
		size_t in_head = connection->sent < connection->head_size ? connection->sent
									  : connection->head_size;
		size_t in_event = connection->sent - in_head;
		struct iovec parts[2] = {
			{ connection->head + in_head, connection->head_size - in_head },
			{ connection->event_size ? (char *)connection->event + in_event : NULL,
				connection->event_size - in_event },
		};
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t n = sendmsg(connection->source.fd, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			connection->sending = true;
			ll_loop_change(&environment->server->loop, &connection->source, EPOLLOUT);
			return true;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close_connection(connection);
			return false;
		}
		connection->sent += (size_t)n;
	}
	connection->sending = false;
	ll_loop_change(&environment->server->loop, &connection->source, EPOLLIN);
	if (connection->delivers) {
		connection->delivers = false;
		connection->event = NULL;
		connection->event_size = 0;
		ll_environment_delivered(environment);
	}
	return connection->environment != NULL;
}

/* Answers with a small body. False: closed. */
static bool respond(struct ll_api_connection *connection, const char *status, const char *body)
{
	connection->head_size = (size_t)snprintf(connection->head, sizeof(connection->head),
		"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s",
		status, strlen(body), connection->request.keep_alive ? "" : "Connection: close\r\n",
		body);
	connection->event_size = 0;
	connection->sent = 0;
	return send_rest(connection);
}

void ll_api_deliver(struct ll_environment *environment)
{
	struct ll_api_connection *connection = environment->waiting;
	struct ll_invocation *invocation = environment->invocation;
	int64_t deadline_ms = sw_wall_ms() + environment->server->options.timeout_ms;

	environment->waiting = NULL;
	connection->head_size = (size_t)snprintf(connection->head, sizeof(connection->head),
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		"Lambda-Runtime-Aws-Request-Id: %s\r\nLambda-Runtime-Deadline-Ms: %lld\r\n"
		"Lambda-Runtime-Invoked-Function-Arn: "
		"arn:aws:lambda:us-east-1:000000000000:function:%s\r\n"
		"Lambda-Runtime-Trace-Id: Root=1-%08llx-%012llx%012llx;Parent=%016llx;Sampled=0\r\n"
		"Content-Length: %zu\r\n%s\r\n",
		invocation->id, (long long)deadline_ms, environment->function->name,
		(unsigned long long)(deadline_ms / 1000), 0ull,
		(unsigned long long)environment->number, (unsigned long long)invocation->number,
		invocation->payload.size,
		connection->request.keep_alive ? "" : "Connection: close\r\n");
	connection->event = invocation->payload.data;
	connection->event_size = invocation->payload.size;
	connection->sent = 0;
	connection->delivers = true;
	ll_invocation_handed(invocation);
	send_rest(connection);
}

static bool give_next(struct ll_api_connection *connection)
{
	struct ll_environment *environment = connection->environment;

	if (environment->waiting || (environment->delivered && !environment->answered))
		return respond(connection, "403 Forbidden",
			"{\"errorMessage\":\"An event is asked for or not answered yet\","
			"\"errorType\":\"InvalidStateTransition\"}");
	environment->waiting = connection;
	ll_environment_ready(environment);
	return connection->environment != NULL;
}

/* The process has answered its event. It is told so first: the answer may bring it the next one. */
static bool take_answer(struct ll_api_connection *connection, bool function_error)
{
	struct ll_environment *environment = connection->environment;
	struct ll_invocation *invocation = environment->invocation;
	struct ll_http1 *request = &connection->request;
	struct ll_bytes body = request->body;
	uint64_t bytes = request->body_bytes;
	bool oversized = bytes > LL_PAYLOAD_BYTES_MAX, alive;

	request->body = (struct ll_bytes){ 0 };
	environment->answered = true;
	if (oversized)
		alive = respond(connection, "413 Payload Too Large",
			"{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 "
			"bytes).\","
			"\"errorType\":\"RequestEntityTooLarge\"}");
	else
		alive = respond(connection, "202 Accepted", "{\"status\":\"OK\"}\n");
	if (oversized)
		ll_invocation_oversized(invocation, bytes);
	else
		ll_invocation_answered(invocation, &body, function_error);
	ll_bytes_free(&body);
	/* The invocation's end may have been the environment's too. */
	return alive && connection->environment != NULL;
}

static bool answer_to(struct ll_api_connection *connection, const char *path)
{
	struct ll_environment *environment = connection->environment;
	const char *slash = strchr(path, '/');
	bool is_error;

	if (!slash || (strcmp(slash, "/response") != 0 && strcmp(slash, "/error") != 0))
		return respond(connection, "404 Not Found",
			"{\"errorMessage\":\"No such path\",\"errorType\":\"NotFound\"}");
	is_error = strcmp(slash, "/error") == 0;
	if (!environment->delivered || environment->answered ||
		slash - path != LL_REQUEST_ID_BYTES - 1 ||
		memcmp(path, environment->invocation->id, LL_REQUEST_ID_BYTES - 1) != 0)
		return respond(connection, "400 Bad Request",
			"{\"errorMessage\":\"Invalid request ID\","
			"\"errorType\":\"InvalidRequestID\"}");
	return take_answer(connection, is_error);
}

/* A whole request is there. False: the connection is closed. */
static bool handle(struct ll_api_connection *connection)
{
	static const char base[] = "/2018-06-01/runtime/", item[] = "invocation/";
	struct ll_http1 *request = &connection->request;
	bool get = strcmp(request->method, "GET") == 0, post = strcmp(request->method, "POST") == 0;
	const char *path = request->path + sizeof(base) - 1;

	if (strncmp(request->path, base, sizeof(base) - 1) != 0)
		path = "";
	if (get && strcmp(path, "invocation/next") == 0)
		return give_next(connection);
	if (post && strncmp(path, item, sizeof(item) - 1) == 0)
		return answer_to(connection, path + sizeof(item) - 1);
	if (post && strcmp(path, "init/error") == 0) {
		if (connection->environment->state == LL_STARTING) {
			respond(connection, "202 Accepted", "{\"status\":\"OK\"}\n");
			if (connection->environment)
				ll_environment_start_failed(
					connection->environment, &request->body);
			return false;
		}
		return respond(connection, "403 Forbidden",
			"{\"errorMessage\":\"The start is over\","
			"\"errorType\":\"InvalidStateTransition\"}");
	}
	return respond(connection, "404 Not Found",
		"{\"errorMessage\":\"No such path\",\"errorType\":\"NotFound\"}");
}

/* Handles requests for as long as they are whole and can be answered at once. */
static void handle_all(struct ll_api_connection *connection)
{
	struct ll_http1 *request = &connection->request;

	while (request->state == LL_HTTP1_DONE) {
		if (!handle(connection))
			return;
		if (connection->sending || connection->environment->waiting == connection)
			return;
		if (!request->keep_alive) {
			close_connection(connection);
			return;
		}
		ll_http1_next(request);
	}
	if (request->state == LL_HTTP1_BAD)
		close_connection(connection);
}

static void ready(struct ll_source *source, uint32_t events)
{
	struct ll_api_connection *connection =
		LL_CONTAINER(source, struct ll_api_connection, source);
	struct ll_http1 *request = &connection->request;
	size_t room;
	ssize_t n;
	char *to;

	if (connection->sending) {
		if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) && !send_rest(connection))
			return;
		if (connection->sending)
			return;
	}
	/* An answer was sent behind our back: the event that it waited for. */
	if (request->state == LL_HTTP1_DONE && connection->environment->waiting != connection) {
		if (!request->keep_alive) {
			close_connection(connection);
			return;
		}
		ll_http1_next(request);
		if (request->state == LL_HTTP1_DONE) {
			handle_all(connection);
			return;
		}
	}
	if (request->state == LL_HTTP1_DONE) {
		/* It waits for an event, and either speaks out of turn or is gone. */
		close_connection(connection);
		return;
	}
	to = ll_http1_room(request, &room);
	n = read(source->fd, to, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_connection(connection);
		return;
	}
	ll_http1_read(request, (size_t)n);
	if (request->wants_continue && request->state != LL_HTTP1_DONE) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		request->wants_continue = false;
		if (send(source->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL) < 0) {
			close_connection(connection);
			return;
		}
	}
	handle_all(connection);
}

static void accept_ready(struct ll_source *source, uint32_t events)
{
	struct ll_environment *environment = LL_CONTAINER(source, struct ll_environment, listener);
	struct ll_api_connection *connection;
	int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int one = 1, open = 0;

	(void)events;
	if (fd < 0)
		return;
	for (connection = environment->connections; connection; connection = connection->next)
		open++;
	connection = environment->state != LL_ENDED && open < CONNECTIONS_MAX
			     ? calloc(1, sizeof(*connection))
			     : NULL;
	if (!connection) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection->source = (struct ll_source){ .ready = ready, .release = released, .fd = fd };
	if (ll_loop_add(&environment->server->loop, &connection->source, EPOLLIN) != 0) {
		close(fd);
		free(connection);
		return;
	}
	connection->environment = environment;
	connection->next = environment->connections;
	environment->connections = connection;
}

int ll_api_listen(struct ll_environment *environment)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	environment->listener.ready = accept_ready;
	environment->listener.fd = fd;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
		ret = -errno;
		goto fail;
	}
	environment->port = ntohs(address.sin_port);
	ret = ll_loop_add(&environment->server->loop, &environment->listener, EPOLLIN);
	if (ret)
		goto fail;
	return 0;
fail:
	close(fd);
	return ret;
}
