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
#define LINE_BYTES_MAX 1024u /* of chunked coding */
#define BODY_BYTES_MAX (16u << 20)

/* Of its deadline, ms since 1970: beyond it, it is none. */
#define DEADLINE_MS_MAX ((size_t)1 << 53)

/* Head of an HTTP answer. */
struct answer {
	int status;
	bool close, chunked, sized; /* sized: it has a Content-Length */
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

/* Part of what was received; nothing ends it. */
struct span {
	const char *at;
	size_t bytes;
};

/* Digits and nothing else, and not above max. */
static bool parse_number(struct span text, unsigned base, size_t max, size_t *number)
{
	*number = 0;
	for (size_t i = 0; i < text.bytes; i++) {
		const char *digit =
			memchr("0123456789abcdef", tolower((unsigned char)text.at[i]), base);

		if (!digit)
			return false;
		*number =
			*number * base + (size_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
		if (*number > max)
			return false;
	}
	return text.bytes > 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_header(struct span line, const char *name, struct span *value)
{
	size_t name_size = strlen(name);

	if (line.bytes <= name_size || strncasecmp(line.at, name, name_size) != 0 ||
		line.at[name_size] != ':')
		return false;
	*value = (struct span){ line.at + name_size + 1, line.bytes - name_size - 1 };
	while (value->bytes && is_blank(value->at[0])) {
		value->at++;
		value->bytes--;
	}
	while (value->bytes && is_blank(value->at[value->bytes - 1]))
		value->bytes--;
	return true;
}

static bool is_word(struct span value, const char *word)
{
	return value.bytes == strlen(word) && strncasecmp(value.at, word, value.bytes) == 0;
}

/* It becomes part of a path. */
static bool is_id(struct span value)
{
	for (size_t i = 0; i < value.bytes; i++) {
		if (value.at[i] <= ' ' || value.at[i] > '~' || value.at[i] == '/')
			return false;
	}
	return value.bytes < RUNTIME_ID_BYTES;
}

static int parse_header(struct answer *answer, struct span line)
{
	struct span value;
	size_t deadline_ms;

	if (is_header(line, "content-length", &value)) {
		answer->sized = true;
		if (!parse_number(value, 10, BODY_BYTES_MAX, &answer->body_bytes))
			return -EMSGSIZE;
	} else if (is_header(line, "transfer-encoding", &value)) {
		answer->chunked = true;
		if (!is_word(value, "chunked"))
			return -EPROTO;
	} else if (is_header(line, "connection", &value)) {
		answer->close = is_word(value, "close");
	} else if (is_header(line, "lambda-runtime-deadline-ms", &value)) {
		if (!parse_number(value, 10, DEADLINE_MS_MAX, &deadline_ms))
			return -EPROTO;
		answer->deadline_ms = deadline_ms;
	} else if (is_header(line, "lambda-runtime-aws-request-id", &value)) {
		if (!is_id(value))
			return -EPROTO;
		memcpy(answer->id, value.at, value.bytes);
		answer->id[value.bytes] = '\0';
	}
	return 0;
}

/* HTTP/1.1 200 and perhaps a reason. */
static int parse_status(struct answer *answer, struct span line)
{
	size_t status;

	if (line.bytes < 12 || strncmp(line.at, "HTTP/1.", 7) != 0 || line.at[8] != ' ' ||
		!parse_number((struct span){ line.at + 9, 3 }, 10, 999, &status) ||
		(line.bytes > 12 && line.at[12] != ' '))
		return -EPROTO;
	answer->status = (int)status;
	return 0;
}

/* Receives and reads the head. */
static int read_head(struct runtime_client *client, struct answer *answer)
{
	char *blank = NULL;
	size_t at = 0;
	int ret = 0;

	/* The beginning may have come with the answer before. */
	while (client->used == 0 || !(blank = memmem(client->in, client->used, "\r\n\r\n", 4))) {
		if (client->used > HEAD_BYTES_MAX)
			return -EPROTO;
		ret = receive(client, client->used + 1);
		if (ret)
			return ret;
	}
	answer->head_bytes = (size_t)(blank - client->in) + 4;
	if (answer->head_bytes > HEAD_BYTES_MAX)
		return -EPROTO;
	while (!ret && at < answer->head_bytes - 2) {
		const char *start = client->in + at;
		const char *end = memmem(start, answer->head_bytes - at, "\r\n", 2);
		const struct span line = { start, (size_t)(end - start) };

		ret = at == 0 ? parse_status(answer, line) : parse_header(answer, line);
		at += line.bytes + 2;
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

		*next = end ? (size_t)(end - client->in) + 2 : client->used;
		if (*next > at + LINE_BYTES_MAX)
			return -EPROTO;
		if (end)
			return 0;
		ret = receive(client, client->used + 1);
		if (ret)
			return ret;
	}
}

/* Receives the line before a chunk. */
static int read_chunk_line(struct runtime_client *client, size_t at, size_t *next, size_t *bytes)
{
	struct span digits;
	int ret = read_line(client, at, next);

	if (ret)
		return ret;
	digits.at = client->in + at;
	digits.bytes = *next - at - 2;
	for (size_t i = 0; i < digits.bytes; i++) {
		/* What may follow is of no interest. */
		if (digits.at[i] == ';' || is_blank(digits.at[i]))
			digits.bytes = i;
	}
	if (digits.bytes == 0 || !isxdigit((unsigned char)digits.at[0]))
		return -EPROTO;
	return parse_number(digits, 16, BODY_BYTES_MAX, bytes) ? 0 : -EMSGSIZE;
}

/* Receives the lines behind the last chunk, up to the empty one. */
static int read_trailer(struct runtime_client *client, size_t at)
{
	const size_t begin = at;
	size_t next = at;
	int ret;

	do {
		at = next;
		ret = read_line(client, at, &next);
		if (!ret && next - begin > HEAD_BYTES_MAX)
			ret = -EMSGSIZE;
	} while (!ret && next - at > 2);
	client->consumed = next;
	return ret;
}

/* Receives a chunked body, and closes the gaps between its chunks. */
static int read_chunks(struct runtime_client *client, struct answer *answer)
{
	size_t to = answer->head_bytes, at = to, bytes;
	int ret;

	for (;;) {
		ret = read_chunk_line(client, at, &at, &bytes);
		if (ret)
			return ret;
		if (bytes == 0)
			break;
		/* Of the gaps there may be as much again. */
		if (bytes > BODY_BYTES_MAX - (to - answer->head_bytes) || at > 2 * BODY_BYTES_MAX)
			return -EMSGSIZE;
		ret = receive(client, at + bytes + 2);
		if (ret)
			return ret;
		if (memcmp(client->in + at + bytes, "\r\n", 2) != 0)
			return -EPROTO;
		memmove(client->in + to, client->in + at, bytes);
		to += bytes;
		at += bytes + 2;
	}
	answer->body_bytes = to - answer->head_bytes;
	return read_trailer(client, at);
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
	if (!ret)
		return 0;
	was_open = was_open && client->used == 0 && (ret == -EPIPE || ret == -ECONNRESET);
	/* Where a next answer would begin is not known. */
	disconnect(client);
	return was_open ? exchange(client, head, body, bytes, answer) : ret;
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
	if (!answer.sized && !answer.chunked)
		return sw_error_set(error, -EPROTO,
			"runtime API: %s: next: no Content-Length, and not in chunks",
			client->host);
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
