/* SPDX-License-Identifier: MIT */
#include "tests/burst/dial_guests.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "burst/wire_private.h"

static void get_hex(const char *body, const char *name, uint8_t *to)
{
	const char *at = strstr(body, name) + strlen(name);

	for (int i = 0; i < 32; i++)
		sscanf(at + (size_t)i * 2, "%2hhx", &to[i]);
}

void guest_read(const char *body, size_t bytes, struct address *address)
{
	char text[DIAL_INVITATION_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", (int)bytes, body);
	if (sscanf(strstr(text, "\"address\":\"") + 11, "%31[0-9.]:%7[0-9]", address->host,
		    address->port) != 2)
		abort();
	get_hex(text, "\"certificate\":\"", address->print);
	get_hex(text, "\"token\":\"", address->token);
}

int guest_say(struct dialback_link *link, uint32_t what, uint32_t bytes, const void *more,
	size_t more_bytes)
{
	uint8_t message[DIAL_HEAD_BYTES + GUEST_MORE_MAX] = { 'S', 'P', 'L', 'D' };

	put_u32(message + 4, what);
	put_u32(message + 8, bytes);
	if (more_bytes > 0)
		memcpy(message + DIAL_HEAD_BYTES, more, more_bytes);
	return dialback_link_write(link, message, DIAL_HEAD_BYTES + more_bytes);
}

void guest_see_it_end(struct dialback_link *link)
{
	char byte;

	while (dialback_link_read(link, &byte, 1) == 0)
		;
	dialback_link_close(link);
}

struct dialback_link *guest_call(const struct address *address)
{
	struct dialback_link *link = NULL;
	struct sw_error error;

	if (dialback_link_open(address->host, address->port, address->print, 20000, &link, &error))
		return NULL;
	return link;
}

struct dialback_link *guest_come_in(const struct address *address)
{
	struct dialback_link *link = guest_call(address);
	uint8_t head[DIAL_HEAD_BYTES];

	if (!link)
		return NULL;
	if (guest_say(link, DIAL_HELLO, 44, address->token, 32) == 0 &&
		dialback_link_read(link, head, sizeof(head)) == 0 &&
		get_u32(head + 4) == DIAL_WELCOME)
		return link;
	dialback_link_close(link);
	return NULL;
}

int guest_plain_socket(const struct address *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(address->port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address->host, &to.sin_addr);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		abort();
	return fd;
}

static void without_tls(const struct address *address)
{
	static const char text[] = "GET / HTTP/1.1\r\n\r\n";
	int fd = guest_plain_socket(address);
	char byte;

	if (write(fd, text, sizeof(text)) < 0)
		abort();
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

void guest_stranger(const struct address *address, enum stranger how)
{
	uint8_t bytes[64] = { 'S', 'P', 'L', 'W' };
	struct dialback_link *link;
	int rc = 0;

	if (how == NO_TLS) {
		without_tls(address);
		return;
	}
	link = guest_call(address);
	if (!link)
		return;
	memcpy(bytes + 4, address->token, 32);
	if (how == WRONG_TOKEN)
		memset(bytes + 4, 7, 32);
	bytes[35] ^= how == ALMOST_THE_TOKEN;
	if (how == WRONG_TOKEN || how == ALMOST_THE_TOKEN)
		rc = guest_say(link, DIAL_HELLO, 44, bytes + 4, 32);
	else if (how == SHORT_HELLO)
		rc = guest_say(link, DIAL_HELLO, 43, bytes + 4, 31);
	else if (how == ENDLESS_HELLO)
		rc = guest_say(link, DIAL_HELLO, UINT32_MAX, bytes + 4, 32);
	else if (how == SAYS_GOODBYE)
		rc = guest_say(link, DIAL_GOODBYE, 12, NULL, 0);
	else if (how == SENDS_A_FRAME || how == BABBLES)
		rc = dialback_link_write(link, bytes + (how == BABBLES), 40);
	if (how == LEAVES_AT_ONCE || rc)
		dialback_link_close(link);
	else
		guest_see_it_end(link);
}

int guest_answer(struct dialback_link *link, const uint8_t *frame, enum conduct how)
{
	uint8_t reply[GUEST_FRAME_BYTES];
	uint8_t failure[DIAL_KEY_BYTES + 3];
	size_t bytes = GUEST_FRAME_BYTES;

	memcpy(reply, frame, sizeof(reply));
	memcpy(failure, frame + DIAL_KEY_AT, DIAL_KEY_BYTES);
	memcpy(failure + DIAL_KEY_BYTES, "\tno", 3);
	switch (how) {
	case FAILS_AT_ANOTHER:
		failure[3] ^= 1;
		/* fallthrough */
	case FAILS:
		return guest_say(link, DIAL_ERROR, 12 + sizeof(failure), failure, sizeof(failure));
	case SAYS_HELLO_AGAIN:
		return guest_say(link, DIAL_HELLO, 44, frame, 32);
	case ANSWERS_ANOTHER:
		reply[DIAL_KEY_AT + 9] ^= 1;
		break;
	case ANSWERS_TOO_MUCH:
		put_u32(reply + 8, SW_FRAME_BYTES_MAX);
		break;
	case ANSWERS_TOO_LITTLE:
		put_u32(reply + 8, 20);
		break;
	case ANSWERS_HALF:
		bytes /= 2;
		break;
	case TALKS_NONSENSE:
		reply[0] = 'X';
		break;
	default:
		break;
	}
	return dialback_link_write(link, reply, bytes);
}

static void say_goodbye(struct dialback_link *link)
{
	uint8_t head[DIAL_HEAD_BYTES] = { 0 };

	/* Whoever leaves waits for the answer. */
	if (guest_say(link, DIAL_GOODBYE, 12, NULL, 0) == 0 &&
		dialback_link_read(link, head, sizeof(head)) == 0 &&
		get_u32(head + 4) != DIAL_GOODBYE)
		abort();
	dialback_link_close(link);
}

void guest_behave(const struct address *address, enum conduct how)
{
	struct dialback_link *link = guest_come_in(address);
	uint8_t frame[GUEST_FRAME_BYTES];

	if (!link || dialback_link_read(link, frame, sizeof(frame)) != 0) {
		dialback_link_close(link);
		return;
	}
	if (how != NEVER_ANSWERS && guest_answer(link, frame, how) != 0)
		how = ANSWERS_HALF;
	if (how == ANSWERS_AND_LEAVES)
		say_goodbye(link);
	else if (how == ANSWERS_HALF)
		dialback_link_close(link);
	else
		guest_see_it_end(link);
}
