/* SPDX-License-Identifier: MIT */
/* Opening and closing the libcurl client: what is the same for all requests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst/burst.h"
#include "burst/client_private.h"
#include "burst/endpoint.h"

#define CURL_OLDEST 0x080000

int sw_burst_supported(struct sw_error *error)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	if (info->version_num < CURL_OLDEST)
		return sw_error_set(error, -ENOTSUP,
			"HTTP/2 spilling: libcurl %s: older ones than 8.0 report truncated HTTP/2 "
			"answers as whole and resend requests silently (install libcurl 8 or "
			"newer; "
			"Debian 12 has it in bookworm-backports: see tools/setup)",
			info->version);
	if (!(info->features & CURL_VERSION_HTTP2) || !(info->features & CURL_VERSION_SSL))
		return sw_error_set(error, -ENOTSUP,
			"HTTP/2 spilling: libcurl %s: was built without %s", info->version,
			info->features & CURL_VERSION_SSL ? "HTTP/2" : "TLS");
	return 0;
}

static int make_invoke_url(struct client *client, const struct sw_client_options *options,
	const struct endpoint *endpoint, struct sw_error *error)
{
	char *name;
	int made;

	if (options->function[0] == '\0')
		return sw_error_set(error, -EINVAL, "function: its name is empty");
	name = curl_easy_escape(NULL, options->function, 0);
	if (!name)
		return sw_error_set(error, -ENOMEM, "client: memory is out");
	made = asprintf(&client->url, "%.*s/2015-03-31/functions/%s/invocations",
		(int)endpoint->url_bytes, options->endpoint, name);
	curl_free(name);
	if (made < 0) {
		client->url = NULL;
		return sw_error_set(error, -ENOMEM, "client: memory is out");
	}
	return 0;
}

static int make_urls(
	struct client *client, const struct sw_client_options *options, struct sw_error *error)
{
	struct endpoint endpoint;
	int rc = endpoint_parse(options->endpoint, options->contract, &endpoint, error);

	if (rc)
		return rc;
	client->is_http = endpoint.contract == SW_BURST_CONTRACT_HTTP;
	client->content_type = client->is_http ? "application/octet-stream" : "application/json";
	if (!client->is_http) {
		rc = make_invoke_url(client, options, &endpoint, error);
		if (rc)
			return rc;
	} else {
		const char *rest = options->endpoint + endpoint.root_bytes;

		if (asprintf(&client->url, "%.*s%s%s", (int)endpoint.root_bytes, options->endpoint,
			    rest[0] == '/' ? "" : "/", rest) < 0)
			client->url = NULL;
	}
	/* Any answer will do; what costs least is none of the function's. */
	if (asprintf(&client->warm_url, "%.*s/",
		    (int)(client->is_http ? endpoint.root_bytes : endpoint.url_bytes),
		    options->endpoint) < 0)
		client->warm_url = NULL;
	if (!client->url || !client->warm_url)
		return sw_error_set(error, -ENOMEM, "client: memory is out");
	return 0;
}

int client_easy_setup(struct client *client, struct client_easy *easy)
{
	CURL *curl = curl_easy_init();

	if (!curl)
		return -ENOMEM;
	easy->curl = curl;
	easy->client = client;
	curl_easy_setopt(curl, CURLOPT_PRIVATE, easy);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, easy->error);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(curl, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (client->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)CLIENT_UPLOAD_BYTES);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)CLIENT_UPLOAD_BYTES);
	/* Read and seek of our own: libcurl cannot send a body twice in silence. */
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, client_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, easy);
	curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, client_seek);
	curl_easy_setopt(curl, CURLOPT_SEEKDATA, easy);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, client_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, easy);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, client_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, easy);
	return 0;
}

static int make_multi(struct client *client)
{
	char type[64];

	snprintf(type, sizeof(type), "Content-Type: %s", client->content_type);
	client->headers = curl_slist_append(NULL, type);
	client->multi = curl_multi_init();
	if (!client->headers || !client->multi)
		return -ENOMEM;
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(
		client->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CLIENT_CONNECTIONS_MAX);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)CLIENT_STREAMS_MAX);
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	for (uint32_t i = 0; client->easies && i < client->easy_count; i++) {
		struct client_easy *easy = &client->easies[i];

		if (easy->exchange)
			curl_multi_remove_handle(client->multi, easy->curl);
		curl_easy_cleanup(easy->curl);
		client_headers_free(easy->signature);
	}
	/* Its thread wakes the handle below. */
	client_signer_close(client->signer);
	curl_multi_cleanup(client->multi);
	curl_slist_free_all(client->headers);
	free(client->easies);
	free(client->url);
	free(client->warm_url);
	free(client->ca_file);
	free(client);
	curl_global_cleanup();
}

int sw_client_open(const struct sw_client_options *options, struct sw_transport **transport,
	struct sw_error *error)
{
	struct client *client;
	int rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return sw_error_set(error, -ENOMEM, "client: libcurl does not start");
	client = calloc(1, sizeof(*client));
	if (!client) {
		curl_global_cleanup();
		return sw_error_set(error, -ENOMEM, "client: memory is out");
	}
	client->base.ops = &sw_client_ops;
	client->watched = -1;
	rc = make_urls(client, options, error);
	if (rc)
		goto fail;
	rc = sw_error_set(error, -ENOMEM, "client: memory is out");
	if (options->ca_file) {
		client->ca_file = strdup(options->ca_file);
		if (!client->ca_file)
			goto fail;
	}
	if (make_multi(client))
		goto fail;
	rc = client_signer_open(client, options, error);
	if (rc)
		goto fail;
	rc = sw_error_set(error, -ENOMEM, "client: memory is out");
	/* One more for the warm-up. */
	client->easy_count = options->max_inflight + 1;
	client->easies = calloc(client->easy_count, sizeof(*client->easies));
	if (!client->easies)
		goto fail;
	for (uint32_t i = client->easy_count; i-- > 0;) {
		client->easies[i].next = client->idle;
		client->idle = &client->easies[i];
	}
	*transport = &client->base;
	return 0;

fail:
	client_close(client);
	return rc;
}
