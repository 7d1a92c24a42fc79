/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_CLIENT_PRIVATE_H
#define SW_BURST_CLIENT_PRIVATE_H

#include <curl/curl.h>

#include "burst/transport.h"

/* Shared by client.c (the transport), client_outcome.c and client_setup.c (options, handles). */

enum {
	CLIENT_CONNECTIONS_MAX = 4,
	CLIENT_STREAMS_MAX = 32, /* per connection, when the peer allows as many */
	CLIENT_UPLOAD_BYTES = 256 << 10,
	CLIENT_HEARD_MAX = 2 * CLIENT_CONNECTIONS_MAX,
	CLIENT_FAILURE_BYTES = 4096, /* that are read of a body that is no answer */
};

/* A libcurl handle and the exchange that it carries. */
struct client_easy {
	CURL *curl;
	struct client *client;
	struct sw_exchange *exchange; /* null: idle */
	uint64_t submitted_ns;
	size_t sent_bytes;
	bool rewound;                 /* libcurl wanted to send the body a second time */
	bool function_failed;         /* X-Amz-Function-Error or X-Spillway-Error came */
	bool from_lambda;             /* X-Amzn-RequestId came */
	char error_type[48];          /* X-Amzn-ErrorType; "": none */
	struct curl_slist *signature; /* headers of this attempt alone; null: not signed */
	struct client_easy *next;     /* of the idle, or of the refused ones */
	char error[CURL_ERROR_SIZE];
};

/* When something last came back on a connection. */
struct client_heard {
	curl_socket_t socket;
	uint64_t at_ns;
};

/* Signs requests: client_sign.c. */
struct client_signer;

struct client {
	struct sw_transport base;
	CURLM *multi;
	struct curl_slist *headers;
	const char *content_type; /* static */
	bool is_http;             /* SW_BURST_CONTRACT_HTTP */
	char *url, *warm_url, *ca_file;
	struct client_signer *signer; /* null: requests are not signed */
	struct client_easy *easies, *idle;
	struct client_easy *refused; /* could not be signed: ended before they began */
	struct client_easy *parked;  /* the warm-up, until it is known what to sign with */
	uint32_t easy_count;
	struct client_heard heard[CLIENT_HEARD_MAX]; /* the least recent is replaced */
	int watched;                                 /* ends polls; -1: none */
};

size_t client_read(char *to, size_t size, size_t count, void *context);
int client_seek(void *context, curl_off_t offset, int origin);
size_t client_write(char *from, size_t size, size_t count, void *context);
size_t client_header(char *line, size_t size, size_t count, void *context);
/* The status and the beginning of the body, as text fit to be logged. */
void client_describe(struct sw_exchange *exchange, long status);

/* client_heard.c, for an exchange that has ended, while its handle still knows the connection:
 * something came back; nothing did until its deadline. */
void client_note_heard(struct client *client, struct client_easy *easy);
void client_note_silence(struct client *client, struct client_easy *easy);

/* error_type: the service's name for the error; "": none. */
enum sw_outcome client_outcome_of(long status, bool function_failed, const char *error_type);
/* Sets the outcome of the exchange that ended so, and what there is to say about it. */
void client_conclude(struct client_easy *easy, CURLcode code);

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
