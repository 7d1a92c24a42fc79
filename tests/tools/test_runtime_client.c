/* SPDX-License-Identifier: MIT */
/* The function's client of the Runtime API: what it takes for an answer, and what not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/runtime/cmocka_all.h"
#include "tools/functions/c/runtime_client.h"

#define OK    "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-1\r\n"
#define CHUNK OK "Transfer-Encoding: chunked\r\n\r\n"

/* The service's end: it takes what the client sends. */
static int service = -1;

/* A client whose service has said this, and says no more. A second connection is refused. */
static void open_client(struct runtime_client *client, const char *said, size_t bytes)
{
	struct sw_error error;
	int pair[2];

	assert_int_equal(runtime_client_init(client, "127.0.0.1:1", &error), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	client->fd = pair[0];
	assert_int_equal(write(pair[1], said, bytes), bytes);
	shutdown(pair[1], SHUT_WR);
	service = pair[1];
}

static void close_client(struct runtime_client *client)
{
	close(service);
	runtime_client_fini(client);
}

static void gives(const char *said, const char *payload)
{
	struct runtime_client client;
	struct runtime_event event;
	struct sw_error error;

	open_client(&client, said, strlen(said));
	assert_int_equal(runtime_client_next(&client, &event, &error), 0);
	assert_string_equal(event.id, "id-1");
	assert_int_equal(event.payload_bytes, strlen(payload));
	assert_memory_equal(event.payload, payload, strlen(payload));
	close_client(&client);
}

static void refuses_bytes(const char *said, size_t bytes, int code)
{
	struct runtime_client client;
	struct runtime_event event;
	struct sw_error error = { .text = "" };

	open_client(&client, said, bytes);
	assert_int_equal(runtime_client_next(&client, &event, &error), code);
	assert_non_null(strstr(error.text, "runtime API: 127.0.0.1:1: next: "));
	close_client(&client);
}

static void refuses(const char *said, int code)
{
	refuses_bytes(said, strlen(said), code);
}

static void good_answers(void **unused)
{
	(void)unused;
	gives(OK "Content-Length: 5\r\n\r\nhello", "hello");
	gives(OK "content-LENGTH:5 \t\r\n\r\nhello", "hello");
	gives(OK "Content-Length: 0\r\n\r\n", "");
	gives("HTTP/1.0 200\r\nContent-Length: 1\r\nLambda-Runtime-Aws-Request-Id:\tid-1\r\n\r\nx",
		"x");
	gives(CHUNK "3\r\nabc\r\nA ;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n", "abc0123456789");
}

static void bad_heads(void **unused)
{
	(void)unused;
	refuses("HTTP/1.\r\n\r\n", -EPROTO);
	refuses("HTTP/1.1\r\n\r\n", -EPROTO);
	refuses("HTTP/1.1 2000\r\n\r\n", -EPROTO);
	refuses("HTTP/1.1 20\r\n\r\n 0", -EPROTO);
	refuses("HTTP/1.1  200\r\n\r\n", -EPROTO);
	refuses("HTTP/2.0 200 OK\r\n\r\n", -EPROTO);
	refuses("HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n", -EPROTO);
	refuses("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", -EPROTO);
	refuses(OK "Content-Length: 5\r\n\r\nhell", -ECONNRESET);
	refuses(OK "Content-Length: 5\r\n", -ECONNRESET);
	/* It would be cut off: no length says where it ends. */
	refuses(OK "\r\nhello", -EPROTO);
	refuses(OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", -EPROTO);
	refuses("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a b\r\n"
		"Content-Length: 0\r\n\r\n",
		-EPROTO);
	refuses("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ../x\r\n"
		"Content-Length: 0\r\n\r\n",
		-EPROTO);
}

/* Among them: digits that only the body has. */
static void bad_lengths(void **unused)
{
	static const char *const bad[] = { "", "-1", "+1", "0x1", "1 1", "1,1", "16777217",
		"18446744073709551617", "99999999999999999999999999" };
	char said[300];

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(said, sizeof(said), OK "Content-Length: %s\r\n\r\n5hello", bad[i]);
		refuses(said, -EMSGSIZE);
	}
}

static void bad_chunks(void **unused)
{
	char flood[2000];
	int head;

	(void)unused;
	refuses(CHUNK "x\r\n", -EPROTO);
	refuses(CHUNK "\r\n3\r\nabc\r\n0\r\n\r\n", -EPROTO);
	refuses(CHUNK "-3\r\nabc\r\n0\r\n\r\n", -EPROTO);
	refuses(CHUNK "0x3\r\nabc\r\n0\r\n\r\n", -EMSGSIZE);
	refuses(CHUNK "3g\r\nabc\r\n0\r\n\r\n", -EMSGSIZE);
	refuses(CHUNK "1000001\r\nabc\r\n0\r\n\r\n", -EMSGSIZE);
	refuses(CHUNK "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", -EMSGSIZE);
	refuses(CHUNK "3\r\nabcde0\r\n\r\n", -EPROTO);
	refuses(CHUNK "3\r\nabc\r\n0\r\n", -ECONNRESET);
	/* A line without end, whether it has come to one or not. */
	head = snprintf(flood, sizeof(flood), CHUNK "3;");
	memset(flood + head, 'x', sizeof(flood) - (size_t)head);
	refuses_bytes(flood, sizeof(flood), -EPROTO);
	memcpy(flood + sizeof(flood) - 2, "\r\n", 2);
	refuses_bytes(flood, sizeof(flood), -EPROTO);
}

/* So many lines that they are more than 32 KiB. */
static void refuses_lines(const char *head, const char *tail, int code)
{
	static const char line[] = "X: 0123456789012345678901234567890123456789\r\n";
	const size_t lines = (32 << 10) / (sizeof(line) - 1) + 1;
	char *said = malloc(strlen(head) + lines * sizeof(line) + strlen(tail) + 1), *at = said;

	assert_non_null(said);
	at = stpcpy(at, head);
	for (size_t i = 0; i < lines; i++)
		at = stpcpy(at, line);
	strcpy(at, tail);
	refuses(said, code);
	free(said);
}

/* They would take memory without end. */
static void heads_and_trailers_have_a_limit(void **unused)
{
	(void)unused;
	refuses_lines(OK, "Content-Length: 0\r\n\r\n", -EPROTO);
	refuses_lines(CHUNK "0\r\n", "\r\n", -EMSGSIZE);
}

/* Nothing of a broken answer is taken for a part of the next one. */
static void broken_answers_are_forgotten(void **unused)
{
	static const char *const broken[] = { OK "Content-Length: 5\r\n\r\nhell",
		CHUNK "3\r\nabcd\r\n" OK "Content-Length: 0\r\n\r\n" };

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		struct runtime_client client;
		struct runtime_event event;
		struct sw_error error;

		open_client(&client, broken[i], strlen(broken[i]));
		assert_int_not_equal(runtime_client_next(&client, &event, &error), 0);
		assert_int_equal(client.fd, -1);
		assert_int_equal(client.used, 0);
		assert_int_equal(client.consumed, 0);
		/* On a new connection, which nobody takes. */
		assert_int_equal(runtime_client_next(&client, &event, &error), -ECONNREFUSED);
		close_client(&client);
	}
}

/* An answer that came together with the one before is not waited for. */
static void answers_that_come_early(void **unused)
{
	static const char said[] = OK "Content-Length: 1\r\n\r\na"
				      "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n" OK
				      "Content-Length: 1\r\n\r\nb";
	struct runtime_client client;
	struct runtime_event event;
	struct sw_error error;

	(void)unused;
	open_client(&client, said, sizeof(said) - 1);
	assert_int_equal(runtime_client_next(&client, &event, &error), 0);
	assert_memory_equal(event.payload, "a", 1);
	assert_int_equal(runtime_client_answer(&client, event.id, false, "{}", 2, &error), 0);
	assert_int_equal(runtime_client_next(&client, &event, &error), 0);
	assert_memory_equal(event.payload, "b", 1);
	close_client(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_answers),
		cmocka_unit_test(bad_heads),
		cmocka_unit_test(bad_lengths),
		cmocka_unit_test(bad_chunks),
		cmocka_unit_test(heads_and_trailers_have_a_limit),
		cmocka_unit_test(broken_answers_are_forgotten),
		cmocka_unit_test(answers_that_come_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
