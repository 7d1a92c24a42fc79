/* SPDX-License-Identifier: MIT */
#include "tools/functions/c/runtime_client.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEAD_BYTES_MAX (32u << 10)
#define BODY_BYTES_MAX (16u << 20)

/* Head of an HTTP answer. */
struct answer {
	int status;
	bool close, chunked;
	size_t head_bytes, body_bytes;
	char id[RUNTIME_ID_BYTES];
	uint64_t deadline_ms;
};

int runtime_client_init(struct runtime_client *client, const char *api, struct sw_error *error)
{
	const char *colon = strrchr(api, ':');
	char host[sizeof(client->host)], *end = NULL;
	unsigned long port = 0;

	*client = (struct runtime_client){ .fd = -1 };
	if (colon && (size_t)(colon - api) < sizeof(host)) {
		memcpy(host, api, (size_t)(colon - api));
		host[colon - api] = '\0';
		port = strtoul(colon + 1, &end, 10);
		if (strcmp(host, "localhost") == 0)
			strcpy(host, "127.0.0.1");
	}
	client->address.sin_family = AF_INET;
	client->address.sin_port = htons((uint16_t)port);
	if (!end || *end || port == 0 || port > 65535 || strlen(api) >= sizeof(client->host) ||
		inet_pton(AF_INET, host, &client->address.sin_addr) != 1)
		return sw_error_set(error, -EINVAL,
			"AWS_LAMBDA_RUNTIME_API: %s: not ADDRESS:PORT (e.g. 127.0.0.1:9001)", api);
	strcpy(client->host, api);
	return 0;
}

static void disconnect(struct runtime_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->used = 0;
	client->consumed = 0;
}

void runtime_client_fini(struct runtime_client *client)
{
	disconnect(client);
	free(client->in);
	client->in = NULL;
	client->capacity = 0;
}

static int connect_to(struct runtime_client *client)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&client->address, sizeof(client->address)) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client->fd = fd;
	return 0;
}

static int send_all(struct runtime_client *client, struct iovec *parts, size_t count)
{
	while (count) {
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
		ssize_t n = sendmsg(client->fd, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		while (count && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Receives until at least `bytes` are there. */
static int receive(struct runtime_client *client, size_t bytes)
{
	if (client->capacity < bytes + 4096) {
		size_t capacity = bytes + bytes / 2 + 4096;
		char *in = realloc(client->in, capacity);

		if (!in)
			return -ENOMEM;
		client->in = in;
		client->capacity = capacity;
	}
	while (client->used < bytes) {
		ssize_t n = recv(
			client->fd, client->in + client->used, client->capacity - client->used, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		client->used += (size_t)n;
	}
	return 0;
}

static bool is_header(const char *line, size_t size, const char *name, const char **value)
{
	size_t name_size = strlen(name);

	if (size <= name_size || strncasecmp(line, name, name_size) != 0 || line[name_size] != ':')
		return false;
	*value = line + name_size + 1;
	while (**value == ' ')
		++*value;
	return true;
}

static int parse_header(struct answer *answer, const char *line, size_t size)
{
	const char *value, *end = line + size;

	if (is_header(line, size, "content-length", &value)) {
		answer->body_bytes = strtoul(value, NULL, 10);
		if (answer->body_bytes > BODY_BYTES_MAX)
			return -EMSGSIZE;
	} else if (is_header(line, size, "transfer-encoding", &value)) {
		answer->chunked = strncasecmp(value, "chunked", 7) == 0;
	} else if (is_header(line, size, "connection", &value)) {
		answer->close = strncasecmp(value, "close", 5) == 0;
	} else if (is_header(line, size, "lambda-runtime-deadline-ms", &value)) {
		answer->deadline_ms = strtoull(value, NULL, 10);
	} else if (is_header(line, size, "lambda-runtime-aws-request-id", &value)) {
		size_t id_size = (size_t)(end - value);

		if (value > end || id_size >= sizeof(answer->id))
			return -EPROTO;
		memcpy(answer->id, value, id_size);
		answer->id[id_size] = '\0';
	}
	return 0;
}

/* Receives and reads the head. */
static int read_head(struct runtime_client *client, struct answer *answer)
{
	char *blank = NULL, *line, *end;
	int ret = 0;

	while (!blank) {
		if (client->used > HEAD_BYTES_MAX)
			return -EPROTO;
		ret = receive(client, client->used + 1);
		if (ret)
			return ret;
		blank = memmem(client->in, client->used, "\r\n\r\n", 4);
	}
	if (strncmp(client->in, "HTTP/1.", 7) != 0)
		return -EPROTO;
	answer->status = atoi(client->in + 9);
	answer->head_bytes = (size_t)(blank - client->in) + 4;
	line = memmem(client->in, answer->head_bytes, "\r\n", 2);
	for (line += 2; line < blank + 2 && !ret; line = end + 2) {
		end = memmem(line, (size_t)(blank + 2 - line), "\r\n", 2);
		ret = parse_header(answer, line, (size_t)(end - line));
	}
	return ret;
}

/* Receives a line that starts at `at`; *next is where the following one does. */
static int read_line(struct runtime_client *client, size_t at, size_t *next)
{
	for (;;) {
		char *end = client->used > at
				    ? memmem(client->in + at, client->used - at, "\r\n", 2)
				    : NULL;
		int ret;

		if (end) {
			*next = (size_t)(end - client->in) + 2;
			return 0;
		}
		if (client->used > at + 1024)
			return -EPROTO;
		ret = receive(client, client->used + 1);
		if (ret)
			return ret;
	}
}

/* Receives a chunked body, and closes the gaps between its chunks. */
static int read_chunks(struct runtime_client *client, struct answer *answer)
{
	size_t to = answer->head_bytes, at = to, next = 0, bytes = 1;
	int ret = 0;

	while (bytes && !ret) {
		ret = read_line(client, at, &next);
		if (ret)
			return ret;
		if (!isxdigit((unsigned char)client->in[at]))
			return -EPROTO;
		bytes = strtoul(client->in + at, NULL, 16);
		if (bytes > BODY_BYTES_MAX - (to - answer->head_bytes))
			return -EMSGSIZE;
		at = next;
		if (bytes == 0)
			break;
		ret = receive(client, at + bytes + 2);
		if (!ret) {
			memmove(client->in + to, client->in + at, bytes);
			to += bytes;
			at += bytes + 2;
		}
	}
	/* Trailers, up to the empty line. */
	do {
		ret = ret ? ret : read_line(client, at, &next);
		bytes = next - at;
		at = next;
	} while (!ret && bytes > 2);
	answer->body_bytes = to - answer->head_bytes;
	client->consumed = at;
	return ret;
}

static int read_answer(struct runtime_client *client, struct answer *answer)
{
	int ret = read_head(client, answer);

	if (ret)
		return ret;
	if (answer->chunked)
		return read_chunks(client, answer);
	client->consumed = answer->head_bytes + answer->body_bytes;
	return receive(client, client->consumed);
}

/* Sends head and body, and receives the answer. An old connection may have been closed at the other
 * end while nothing was under way: then it is tried once more on a new one. */
static int exchange(struct runtime_client *client, const char *head, const char *body, size_t bytes,
	struct answer *answer)
{
	bool was_open = client->fd >= 0;
	int ret = was_open ? 0 : connect_to(client);
	struct iovec parts[2] = {
		{ (char *)head, strlen(head) },
		{ (char *)body, bytes },
	};

	if (ret)
		return ret;
	client->used -= client->consumed;
	if (client->used)
		memmove(client->in, client->in + client->consumed, client->used);
	client->consumed = 0;
	*answer = (struct answer){ .status = 0 };
	ret = send_all(client, parts, bytes ? 2 : 1);
	if (!ret)
		ret = read_answer(client, answer);
	if (ret && was_open && client->used == 0 && (ret == -EPIPE || ret == -ECONNRESET)) {
		disconnect(client);
		return exchange(client, head, body, bytes, answer);
	}
	return ret;
}

int runtime_client_next(
	struct runtime_client *client, struct runtime_event *event, struct sw_error *error)
{
	struct answer answer;
	char head[192];
	int ret;

	snprintf(head, sizeof(head),
		"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n",
		client->host);
	ret = exchange(client, head, NULL, 0, &answer);
	if (ret)
		return sw_error_set(
			error, ret, "runtime API: %s: next: %s", client->host, strerror(-ret));
	if (answer.status != 200 || !answer.id[0])
		return sw_error_set(error, -EPROTO,
			"runtime API: %s: next: status %d, request id \"%s\" (200 and an id "
			"expected)",
			client->host, answer.status, answer.id);
	memcpy(event->id, answer.id, sizeof(event->id));
	event->deadline_ms = answer.deadline_ms;
	event->payload = client->in + answer.head_bytes;
	event->payload_bytes = answer.body_bytes;
	return 0;
}

int runtime_client_answer(struct runtime_client *client, const char *id, bool failed,
	const char *body, size_t bytes, struct sw_error *error)
{
	struct answer answer;
	char head[384];
	int ret;

	snprintf(head, sizeof(head),
		"POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1\r\nHost: %s\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n",
		id, failed ? "error" : "response", client->host, bytes,
		failed ? "Lambda-Runtime-Function-Error-Type: Unhandled\r\n" : "");
	ret = exchange(client, head, body, bytes, &answer);
	if (!ret && answer.status != 202 && answer.status != 413)
		return sw_error_set(error, -EPROTO,
			"runtime API: %s: answer of %s: status %d (202 expected)", client->host, id,
			answer.status);
	if (ret)
		return sw_error_set(error, ret, "runtime API: %s: answer of %s: %s", client->host,
			id, strerror(-ret));
	if (answer.close)
		disconnect(client);
	return 0;
}
