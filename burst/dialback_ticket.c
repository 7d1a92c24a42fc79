/* SPDX-License-Identifier: MIT */
/* Who may come: each invitation has a random token, good for one connection while its invocation
 * lasts. Tokens and events lie in secret memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "burst/dialback_private.h"
#include "burst/secret.h"

int dialback_tickets_create(struct dialback *dialback, uint32_t count)
{
	dialback->tickets = sw_secret_alloc(count * sizeof(*dialback->tickets));
	if (!dialback->tickets)
		return -ENOMEM;
	dialback->ticket_count = count;
	for (uint32_t i = count; i-- > 0;) {
		dialback->tickets[i].next = dialback->free_tickets;
		dialback->free_tickets = &dialback->tickets[i];
	}
	return 0;
}

void dialback_tickets_destroy(struct dialback *dialback)
{
	sw_secret_free(dialback->tickets, dialback->ticket_count * sizeof(*dialback->tickets));
}

static void close_ticket(struct dialback *dialback, struct ticket *ticket)
{
	dialback->awaited -= ticket->open;
	ticket->open = false;
}

static size_t write_body(const struct dialback *dialback, struct ticket *ticket)
{
	char token[2 * DIAL_TOKEN_BYTES + 1];
	int bytes;

	for (int i = 0; i < DIAL_TOKEN_BYTES; i++)
		snprintf(token + (size_t)i * 2, 3, "%02x", ticket->token[i]);
	bytes = snprintf(ticket->body, sizeof(ticket->body),
		"{\"dialBack\":{\"version\":1,\"address\":\"%s\",\"certificate\":\"%s\","
		"\"token\":\"%s\",\"forMs\":%u,\"silenceMs\":%d}}",
		dialback->address, dialback->print, token, dialback->life_ms, DIAL_SILENCE_MS);
	OPENSSL_cleanse(token, sizeof(token));
	return (size_t)bytes;
}

struct dial_ticket *dialback_invite(struct dialback *dialback)
{
	struct ticket *ticket = dialback->free_tickets;

	if (!ticket || RAND_bytes(ticket->token, DIAL_TOKEN_BYTES) != 1)
		return NULL;
	dialback->free_tickets = ticket->next;
	ticket->base = (struct dial_ticket){ .body = ticket->body };
	ticket->base.body_bytes = write_body(dialback, ticket);
	ticket->out = ticket->open = true;
	ticket->until_ns =
		dialback->base.ops->now_ns(&dialback->base) + (uint64_t)dialback->life_ms * 1000000;
	ticket->connection = NULL;
	dialback->awaited++;
	return &ticket->base;
}

void dialback_void(struct dialback *dialback, struct dial_ticket *base)
{
	struct ticket *ticket = (struct ticket *)base;

	close_ticket(dialback, ticket);
	if (ticket->connection)
		dial_close(ticket->connection, SW_OUTCOME_BROKEN, "its invocation has ended");
	ticket->out = false;
	OPENSSL_cleanse(ticket->token, sizeof(ticket->token));
	OPENSSL_cleanse(ticket->body, sizeof(ticket->body));
	ticket->next = dialback->free_tickets;
	dialback->free_tickets = ticket;
}

struct ticket *dialback_redeem(struct dialback *dialback, const uint8_t *token, const char **why)
{
	const uint64_t now_ns = dialback->base.ops->now_ns(&dialback->base);
	struct ticket *found = NULL;

	/* All are compared, and each in constant time: how long it takes says nothing. */
	for (uint32_t i = 0; i < dialback->ticket_count; i++) {
		struct ticket *ticket = &dialback->tickets[i];

		if (ticket->out && CRYPTO_memcmp(ticket->token, token, DIAL_TOKEN_BYTES) == 0)
			found = ticket;
	}
	*why = "its token is not one of ours";
	if (!found)
		return NULL;
	*why = "its token was used before";
	if (!found->open)
		return NULL;
	*why = "its token has expired";
	close_ticket(dialback, found);
	if (now_ns >= found->until_ns)
		return NULL;
	found->base.used = true;
	return found;
}
