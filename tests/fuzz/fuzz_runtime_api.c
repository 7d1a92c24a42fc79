/* SPDX-License-Identifier: MIT */
/*
 * The function's client of the Runtime API against a server that says anything, in pieces of any
 * size. Sockets are stood in for. What comes of it must not depend on the pieces, and the client
 * must be fit for another call after every failure.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "tools/functions/c/runtime_client.h"

enum { FD = 1000000, CALLS_MAX = 6, CONNECTIONS_MAX = 4 };

/* What the server sends, a connection up to each 0xff byte, and in pieces of which size. */
static struct {
	struct fuzz_input rest;
	uint8_t step;
	unsigned connections;
	bool open;
} server;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t bytes);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t bytes, int flags);
int __wrap_close(int fd);
int __real_close(int fd);

int __wrap_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	FUZZ_CHECK(!server.open);
	server.open = true;
	return FD;
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t bytes)
{
	(void)address;
	(void)bytes;
	FUZZ_CHECK(fd == FD);
	if (server.connections == CONNECTIONS_MAX) {
		errno = ECONNREFUSED;
		return -1;
	}
	/* The first one begins where the input does, each other one behind a mark. */
	if (server.connections++ > 0) {
		const uint8_t *mark = memchr(server.rest.at, 0xff, server.rest.bytes);
		const size_t skipped =
			mark ? (size_t)(mark - server.rest.at) + 1 : server.rest.bytes;

		server.rest.at += skipped;
		server.rest.bytes -= skipped;
	}
	return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
	(void)level;
	(void)name;
	(void)value;
	(void)bytes;
	FUZZ_CHECK(fd == FD);
	return 0;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t bytes = 0;

	(void)flags;
	FUZZ_CHECK(fd == FD && server.open);
	for (size_t i = 0; i < message->msg_iovlen; i++)
		bytes += message->msg_iov[i].iov_len;
	/* Not always all at once. */
	return (ssize_t)(server.step % 3 == 2 && bytes > 1 ? bytes / 2 : bytes);
}

ssize_t __wrap_recv(int fd, void *to, size_t bytes, int flags)
{
	size_t have;
	const uint8_t *mark;

	(void)flags;
	FUZZ_CHECK(fd == FD && server.open && bytes > 0);
	if (server.rest.bytes == 0)
		return 0;
	mark = memchr(server.rest.at, 0xff, server.rest.bytes);
	have = mark ? (size_t)(mark - server.rest.at) : server.rest.bytes;
	if (bytes > have)
		bytes = have;
	if (server.step && bytes > server.step)
		bytes = server.step;
	memcpy(to, server.rest.at, bytes);
	server.rest.at += bytes;
	server.rest.bytes -= bytes;
	return (ssize_t)bytes;
}

int __wrap_close(int fd)
{
	if (fd != FD)
		return __real_close(fd);
	FUZZ_CHECK(server.open);
	server.open = false;
	return 0;
}

/* ---- A session ---- */

struct result {
	int code;
	char id[RUNTIME_ID_BYTES];
	uint8_t *payload;
	size_t payload_bytes;
};

/* An event is taken and answered, again and again. Two failures end it. */
static unsigned talk(struct fuzz_input input, uint8_t step, struct result *results)
{
	struct runtime_client client;
	struct runtime_event event = { .id = "none" };
	struct sw_error error;
	unsigned calls = 0, failures = 0;

	server.rest = input;
	server.step = step;
	server.connections = 0;
	FUZZ_CHECK(runtime_client_init(&client, "127.0.0.1:9001", &error) == 0);
	for (; calls < CALLS_MAX && failures < 2; calls++) {
		struct result *result = &results[calls];

		*result = (struct result){ .code = 0 };
		error.text[0] = '\0';
		if (calls % 2 == 0) {
			result->code = runtime_client_next(&client, &event, &error);
			if (result->code == 0) {
				FUZZ_CHECK(event.id[0] && memchr(event.id, 0, sizeof(event.id)));
				strcpy(result->id, event.id);
				result->payload = fuzz_copy(event.payload, event.payload_bytes);
				result->payload_bytes = event.payload_bytes;
			}
		} else {
			result->code = runtime_client_answer(
				&client, event.id, calls % 4 == 3, "{\"frame\":\"\"}", 12, &error);
		}
		FUZZ_CHECK(result->code == 0 || (error.code == result->code && error.text[0]));
		failures += result->code != 0;
	}
	runtime_client_fini(&client);
	FUZZ_CHECK(!server.open);
	return calls;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	const uint8_t step = fuzz_byte(&input);
	struct result whole[CALLS_MAX], pieces[CALLS_MAX];
	const unsigned calls = talk(input, 0, whole);

	FUZZ_CHECK(talk(input, step ? step : 1, pieces) == calls);
	for (unsigned i = 0; i < calls; i++) {
		const struct result *a = &whole[i], *b = &pieces[i];

		FUZZ_CHECK(a->code == b->code && strcmp(a->id, b->id) == 0);
		FUZZ_CHECK(a->payload_bytes == b->payload_bytes);
		FUZZ_CHECK(a->payload_bytes == 0 ||
			   memcmp(a->payload, b->payload, a->payload_bytes) == 0);
		free(a->payload);
		free(b->payload);
	}
	return 0;
}

/* ---- Inputs ---- */

static size_t sample(uint8_t *data, size_t max, uint64_t *random)
{
	static const char plain[] = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536\r\n"
				    "Content-Length: 16\r\n\r\n{\"frame\":\"AAAA\"}";
	static const char chunked[] =
		"HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: a\r\n"
		"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"fra\r\nb;x=y\r\nme\":\"AAAA\"}\r\n"
		"0\r\nX-Trailer: z\r\n\r\n";
	static const char closing[] =
		"HTTP/1.0 200 \r\nConnection: close\r\nLambda-Runtime-Aws-Request-Id:8\r\n"
		"Content-Length: 0\r\n\r\n\xff";
	static const char *const events[] = { plain, chunked, closing };
	static const char in_chunks[] =
		"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
		"10\r\n{\"status\":\"OK\"}\n\r\n0\r\n\r\n";
	static const char *const taken[] = {
		"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
		in_chunks,
		"HTTP/1.1 413 \r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc\xff",
		"HTTP/1.1 500 no\r\ncontent-length: 2\r\n\r\n{}",
	};
	size_t used = 1;

	data[0] = (uint8_t)random_below(random, 20);
	for (uint32_t i = 0; i <= random_below(random, 3); i++) {
		used = fuzz_put(data, used, max, events[random_below(random, 3)]);
		used = fuzz_put(data, used, max, taken[random_below(random, 4)]);
	}
	return used;
}

static const char *const words[] = { "HTTP/1.1 200 OK\r\n", "HTTP/1.1 202 Accepted\r\n", "\r\n",
	"\r\n\r\n", "0\r\n\r\n", "1\r\nx\r\n", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding: ", "Connection: close\r\n", "Lambda-Runtime-Aws-Request-Id: ",
	"0000000000000000000000000000000000000000000000000000000000000000", "16777216", "16777217",
	"1000001", "-1", "+1", "0x1", "18446744073709551615", "18446744073709551617",
	"ffffffffffffffff", "8000000000000000", " ", ":", ";", "\xff", "\t", "\n", "100 Continue",
	NULL };

const struct fuzz_target fuzz_target = { .sample = sample, .words = words };
