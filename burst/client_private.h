/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_CLIENT_PRIVATE_H
#define SW_BURST_CLIENT_PRIVATE_H

#include <curl/curl.h>

#include "burst/transport.h"

/* Shared by client.c (the transport) and client_setup.c (options, handles). */

enum {
	CLIENT_CONNECTIONS_MAX = 4,
	CLIENT_STREAMS_MAX = 32, /* per connection, when the peer allows as many */
	CLIENT_UPLOAD_BYTES = 256 << 10,
	CLIENT_TIMEOUTS_IN_ROW = 2, /* after these a new connection is made */
};

/* A libcurl handle and the exchange that it carries. */
struct client_easy {
	CURL *curl;
	struct client *client;
	struct sw_exchange *exchange; /* null: idle */
	size_t sent_bytes;
	bool rewound;                 /* libcurl wanted to send the body a second time */
	bool function_failed;         /* X-Amz-Function-Error came */
	struct curl_slist *signature; /* headers of this attempt alone; null: not signed */
	struct client_easy *next;     /* of the idle, or of the refused ones */
	char error[CURL_ERROR_SIZE];
};

/* Signs requests: client_sign.c. */
struct client_signer;

struct client {
	struct sw_transport base;
	CURLM *multi;
	struct curl_slist *headers;
	char *url, *warm_url, *ca_file;
	struct client_signer *signer; /* null: requests are not signed */
	struct client_easy *easies, *idle;
	struct client_easy *refused; /* could not be signed: ended before they began */
	struct client_easy *parked;  /* the warm-up, until it is known what to sign with */
	uint32_t easy_count;
	uint32_t timeouts_in_row;
	int watched; /* ends polls; -1: none */
};

size_t client_read(char *to, size_t size, size_t count, void *context);
int client_seek(void *context, curl_off_t offset, int origin);
size_t client_write(char *from, size_t size, size_t count, void *context);
size_t client_header(char *line, size_t size, size_t count, void *context);

void client_close(struct client *client);
/* Options that every request of a handle shares. */
int client_easy_setup(struct client *client, struct client_easy *easy);

/* Whether requests to the client's URL are to be signed, and by whose keys; opens no connection. */
int client_signer_open(
	struct client *client, const struct sw_client_options *options, struct sw_error *error);
void client_signer_close(struct client_signer *signer);

enum client_signed {
	CLIENT_SIGNED,   /* *headers are the request's */
	CLIENT_UNSIGNED, /* there are no keys, and it may go without */
	CLIENT_WAITING,  /* for keys */
	CLIENT_REFUSED,  /* it must not go without; exchange->detail says why */
};
/* For the exchange's body as it is, now. Frees and replaces *headers. */
enum client_signed client_sign(
	struct client_signer *signer, struct sw_exchange *exchange, struct curl_slist **headers);
/* The same for a request without a body of ours: could one be signed? */
enum client_signed client_can_sign(struct client_signer *signer, struct sw_exchange *exchange);
/* The service did not take a signature. */
void client_signature_refused(struct client_signer *signer);
void client_headers_free(struct curl_slist *headers);

extern const struct sw_transport_ops sw_client_ops;

#endif
