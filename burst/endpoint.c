/* SPDX-License-Identifier: MIT */
#include "burst/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "burst/aws_host.h"

enum {
	EVENT_BYTES_MAX = 6291556, /* of Lambda: all that a function is told, or tells */
	EVENT_REST_BYTES = 16384,  /* of an HTTP event without its body: mostly headers */
};

/* Function URLs and HTTP APIs hand a binary body to the function as Base64 in the event, so that
 * Lambda's cap comes before the 10 MB of a gateway. */
#define HTTP_BYTES_MAX ((size_t)(EVENT_BYTES_MAX - EVENT_REST_BYTES) / 4 * 3)

static const char scheme[] = "https://";

const char *endpoint_contract_name(const struct endpoint *endpoint)
{
	return endpoint->contract == SW_BURST_CONTRACT_HTTP ? "http" : "invoke";
}

/* Bytes of "https://HOST[:PORT]"; 0: the URL does not begin like that. */
static size_t find_root(const char *url)
{
	const size_t bytes = sizeof(scheme) - 1;
	size_t host_bytes;

	if (strncmp(url, scheme, bytes) != 0)
		return 0;
	host_bytes = strcspn(url + bytes, "/?#");
	return host_bytes ? bytes + host_bytes : 0;
}

static void parse_host(const char *url, size_t root_bytes, struct aws_host *host)
{
	const char *name = url + sizeof(scheme) - 1;
	char text[300] = "";
	size_t bytes = strcspn(name, ":/?#");

	/* A longer one cannot be looked up. */
	if (bytes < sizeof(text) && bytes <= root_bytes)
		memcpy(text, name, bytes);
	aws_host_parse(text, host);
}

int endpoint_parse(const char *url, enum sw_burst_contract contract, struct endpoint *endpoint,
	struct sw_error *error)
{
	const size_t root = find_root(url);
	size_t bytes = strlen(url);
	struct aws_host host;

	if (root == 0 || strpbrk(url, " \t\r\n#"))
		return sw_error_set(error, -EINVAL,
			"endpoint: %.120s: not an https:// address (HTTP/2 over TLS is needed)",
			url);
	parse_host(url, root, &host);
	if (contract == SW_BURST_CONTRACT_AUTO) {
		const bool has_path = url[root + strspn(url + root, "/")] != '\0';

		contract = host.takes_http || has_path ? SW_BURST_CONTRACT_HTTP
						       : SW_BURST_CONTRACT_INVOKE;
	}
	*endpoint =
		(struct endpoint){ .contract = contract, .root_bytes = root, .url_bytes = bytes };
	if (contract == SW_BURST_CONTRACT_HTTP) {
		endpoint->request_max = host.takes_http ? HTTP_BYTES_MAX : 0;
		return 0;
	}
	if (strchr(url, '?'))
		return sw_error_set(error, -EINVAL,
			"endpoint: %.120s: the Invoke API's address has no query", url);
	while (url[bytes - 1] == '/')
		bytes--;
	endpoint->url_bytes = bytes;
	endpoint->request_max = EVENT_BYTES_MAX;
	return 0;
}
