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
	bool rewound;             /* libcurl wanted to send the body a second time */
	bool function_failed;     /* X-Amz-Function-Error came */
	struct client_easy *next; /* of the idle ones */
	char error[CURL_ERROR_SIZE];
};

struct client {
	struct sw_transport base;
	CURLM *multi;
	struct curl_slist *headers;
	char *url, *warm_url, *ca_file;
	struct client_easy *easies, *idle;
	uint32_t easy_count;
	uint32_t timeouts_in_row;
};

size_t client_read(char *to, size_t size, size_t count, void *context);
int client_seek(void *context, curl_off_t offset, int origin);
size_t client_write(char *from, size_t size, size_t count, void *context);
size_t client_header(char *line, size_t size, size_t count, void *context);

void client_close(struct client *client);
/* Options that every request of a handle shares. */
int client_easy_setup(struct client *client, struct client_easy *easy);

extern const struct sw_transport_ops sw_client_ops;

#endif
