/* SPDX-License-Identifier: MIT */
/* Signs each attempt with the credentials of the moment. All on the I/O thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burst/aws_host.h"
#include "burst/client_private.h"
#include "burst/credentials.h"
#include "burst/secret.h"
#include "burst/sigv4.h"

enum { HOST_BYTES = 300, VALUE_BYTES = SW_SESSION_TOKEN_BYTES + 64 };

/* In pages for secrets. */
struct vault {
	struct sw_keys keys;
	struct sw_sigv4_key key;  /* of version, day, region and service */
	char header[VALUE_BYTES]; /* being put together */
};

struct client_signer {
	struct sw_credentials *credentials;
	struct vault *vault;
	bool always;
	bool started;
	uint64_t version, key_version; /* of the keys; those that the key is of */
	char region[SW_SIGV4_REGION_BYTES], service[SW_SIGV4_SERVICE_BYTES];
	char host[HOST_BYTES]; /* as it is sent: without the usual port */
	const char *target;    /* in the client's URL */
	const char *content_type;
};

/* ---- Where to, and whether ---- */

/* Of "https://HOST[:PORT]/...". */
static int take_host(struct client_signer *signer, const char *url, struct sw_error *error)
{
	static const char port[] = ":443";
	const char *host = url + strlen("https://");
	size_t bytes = strcspn(host, "/?");

	signer->target = host + bytes;
	if (memchr(host, '@', bytes))
		return sw_error_set(error, -EINVAL,
			"endpoint: has a user before its host, which cannot be signed");
	if (bytes > strlen(port) && memcmp(host + bytes - strlen(port), port, strlen(port)) == 0)
		bytes -= strlen(port);
	if (bytes >= sizeof(signer->host))
		return sw_error_set(error, -EINVAL, "endpoint: its host's name is too long");
	memcpy(signer->host, host, bytes);
	signer->host[bytes] = '\0';
	return 0;
}

/* The first of: option, host, environment. */
static int choose_region(struct client_signer *signer, const struct sw_client_options *options,
	const struct aws_host *aws, struct sw_error *error)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *region = options->region;

	if (!region && aws->region[0])
		region = aws->region;
	if (!region)
		region = getenv("AWS_REGION");
	if (!region || !region[0])
		region = getenv("AWS_DEFAULT_REGION");
	if (!region || !region[0])
		return sw_error_set(error, -EINVAL,
			"region: %.100s: none given to sign for (region, or AWS_REGION)",
			signer->host);
	if (strspn(region, allowed) != strlen(region) || strlen(region) >= sizeof(signer->region))
		return sw_error_set(error, -EINVAL,
			"region: %.60s: not a region's name (like eu-west-1)", region);
	strcpy(signer->region, region);
	strcpy(signer->service, aws->service);
	return 0;
}

static void wake_client(void *context)
{
	curl_multi_wakeup(((struct client *)context)->multi);
}

static int open_keys(struct client_signer *signer, struct client *client,
	const struct sw_client_options *options, struct sw_error *error)
{
	const struct sw_credentials_options keys = {
		.log = options->log,
		.log_context = options->log_context,
		.changed = wake_client,
		.changed_context = client,
	};

	signer->vault = sw_secret_alloc(sizeof(*signer->vault));
	if (!signer->vault)
		return sw_error_set(error, -ENOMEM, "client: memory is out");
	return sw_credentials_open(&keys, &signer->credentials, error);
}

int client_signer_open(
	struct client *client, const struct sw_client_options *options, struct sw_error *error)
{
	struct client_signer *signer;
	struct aws_host aws;
	char name[HOST_BYTES];
	int rc;

	if (options->sign == SW_BURST_SIGN_NEVER)
		return 0;
	signer = calloc(1, sizeof(*signer));
	if (!signer)
		return sw_error_set(error, -ENOMEM, "client: memory is out");
	rc = take_host(signer, client->url, error);
	if (rc)
		goto fail;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(signer->host, ":"), signer->host);
	aws_host_parse(name, &aws);
	if (options->sign == SW_BURST_SIGN_AUTO && !aws.is_aws && !options->region)
		goto fail; /* rc is 0: it needs none */
	signer->content_type = client->content_type;
	signer->always = options->sign == SW_BURST_SIGN_ALWAYS;
	rc = choose_region(signer, options, &aws, error);
	if (!rc)
		rc = open_keys(signer, client, options, error);
	if (rc)
		goto fail;
	client->signer = signer;
	return 0;

fail:
	client_signer_close(signer);
	return rc;
}

void client_signer_close(struct client_signer *signer)
{
	if (!signer)
		return;
	sw_credentials_close(signer->credentials);
	sw_secret_free(signer->vault, sizeof(*signer->vault));
	free(signer);
}

void client_signature_refused(struct client_signer *signer)
{
	sw_credentials_refused(signer->credentials);
}

/* ---- Headers ---- */

void client_headers_free(struct curl_slist *headers)
{
	for (struct curl_slist *at = headers; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(headers);
}

static int add(struct client_signer *signer, struct curl_slist **headers, const char *name,
	const char *value)
{
	struct vault *vault = signer->vault;
	struct curl_slist *longer;

	if ((size_t)snprintf(vault->header, sizeof(vault->header), "%s: %s", name, value) >=
		sizeof(vault->header))
		return -ENOSPC;
	longer = curl_slist_append(*headers, vault->header);
	explicit_bzero(vault->header, sizeof(vault->header));
	if (!longer)
		return -ENOMEM;
	*headers = longer;
	return 0;
}

static int refresh_key(struct client_signer *signer, const char *time)
{
	struct vault *vault = signer->vault;
	int rc;

	if (signer->key_version == signer->version && strncmp(vault->key.date, time, 8) == 0)
		return 0;
	rc = sw_sigv4_derive(
		&vault->key, vault->keys.secret_key, time, signer->region, signer->service);
	signer->key_version = rc ? 0 : signer->version;
	return rc;
}

static int make_headers(struct client_signer *signer, const struct sw_exchange *exchange,
	struct curl_slist **headers)
{
	const struct sw_keys *keys = &signer->vault->keys;
	char time_text[SW_SIGV4_TIME_BYTES], authorization[800];
	const struct sw_sigv4_header parts[] = {
		{ "Content-Type", signer->content_type },
		{ "Host", signer->host },
		{ "X-Amz-Date", time_text },
		{ "X-Amz-Security-Token", keys->session_token },
	};
	const struct sw_sigv4_request request = {
		.method = "POST",
		.target = signer->target,
		.headers = parts,
		.header_count = keys->session_token[0] ? 4 : 3,
		.body = exchange->body,
		.body_bytes = exchange->body_bytes,
	};
	int rc;

	sw_sigv4_time(time(NULL), time_text);
	rc = refresh_key(signer, time_text);
	if (!rc)
		rc = sw_sigv4_authorization(&signer->vault->key, keys->access_key, &request,
			time_text, authorization, sizeof(authorization));
	for (uint32_t i = 0; !rc && i < request.header_count; i++)
		rc = add(signer, headers, parts[i].name, parts[i].value);
	return rc ? rc : add(signer, headers, "Authorization", authorization);
}

/* ---- Signing ---- */

/* With the first request: opening a client starts nothing. */
static int start(struct client_signer *signer)
{
	int rc;

	if (signer->started)
		return 0;
	rc = sw_credentials_start(signer->credentials);
	signer->started = rc == 0;
	return rc;
}

enum client_signed client_can_sign(struct client_signer *signer, struct sw_exchange *exchange)
{
	char why[sizeof(exchange->detail)] = "";
	const int rc = start(signer);

	if (rc) {
		snprintf(exchange->detail, sizeof(exchange->detail),
			"credentials: their thread does not start: %s", strerror(-rc));
		return CLIENT_REFUSED;
	}
	switch (sw_credentials_get(
		signer->credentials, &signer->vault->keys, &signer->version, why, sizeof(why))) {
	case SW_CREDENTIALS_READY:
		return CLIENT_SIGNED;
	case SW_CREDENTIALS_LOOKING:
		snprintf(exchange->detail, sizeof(exchange->detail),
			"credentials: are still being looked for");
		return CLIENT_WAITING;
	case SW_CREDENTIALS_NONE:
		if (!signer->always)
			return CLIENT_UNSIGNED;
		snprintf(exchange->detail, sizeof(exchange->detail),
			"credentials: there are none (environment, profile files, container "
			"endpoint, instance metadata)");
		return CLIENT_REFUSED;
	default:
		memcpy(exchange->detail, why, sizeof(why));
		return CLIENT_REFUSED;
	}
}

enum client_signed client_sign(
	struct client_signer *signer, struct sw_exchange *exchange, struct curl_slist **headers)
{
	const enum client_signed state = client_can_sign(signer, exchange);
	int rc;

	client_headers_free(*headers);
	*headers = NULL;
	if (state != CLIENT_SIGNED)
		return state;
	rc = make_headers(signer, exchange, headers);
	if (!rc)
		return CLIENT_SIGNED;
	snprintf(exchange->detail, sizeof(exchange->detail), "it cannot be signed: %s",
		strerror(-rc));
	return CLIENT_REFUSED;
}
