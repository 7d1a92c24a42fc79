/* SPDX-License-Identifier: MIT */
/* One request at a time to an endpoint that gives credentials. Ends at once when the thread is to.
 */
#include "burst/credentials_private.h"

#include <errno.h>
#include <string.h>

enum {
	/* An address where nobody is must not hold a run up. */
	CONNECT_MS = 1000,
	WHOLE_MS = 5000,
};

static size_t take_body(char *from, size_t size, size_t count, void *context)
{
	struct credentials_call *call = context;
	const size_t bytes = size * count;

	if (bytes > CREDENTIALS_BODY_MAX - call->body_bytes)
		return CURL_WRITEFUNC_ERROR;
	memcpy(call->body + call->body_bytes, from, bytes);
	call->body_bytes += bytes;
	call->body[call->body_bytes] = '\0';
	return bytes;
}

static void set_up(CURL *curl, struct credentials_call *call, struct curl_slist *headers)
{
	curl_easy_setopt(curl, CURLOPT_URL, call->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WHOLE_MS);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
	if (call->put)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
}

static int of_code(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return -ECONNREFUSED;
	case CURLE_WRITE_ERROR:
		return -EFBIG;
	default:
		return -EIO;
	}
}

static int perform(const struct credentials_http *http, CURL *curl, struct sw_error *error)
{
	CURLMsg *message;
	int running = 1, waiting;

	while (running) {
		/* Acquire only as all else about it: nothing is handed over. */
		if (atomic_load_explicit(http->stop, memory_order_acquire))
			return sw_error_set(error, -EINTR, "the run ended");
		if (curl_multi_perform(http->multi, &running) != CURLM_OK)
			return sw_error_set(error, -EIO, "libcurl fails");
		if (running)
			curl_multi_poll(http->multi, NULL, 0, 1000, NULL);
	}
	while ((message = curl_multi_info_read(http->multi, &waiting))) {
		const int rc = of_code(message->data.result);

		if (message->easy_handle == curl && rc)
			return sw_error_set(
				error, rc, "%s", curl_easy_strerror(message->data.result));
	}
	return 0;
}

static void free_list(struct curl_slist *list)
{
	for (struct curl_slist *at = list; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(list);
}

int credentials_http_call(
	const struct credentials_http *http, struct credentials_call *call, struct sw_error *error)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers =
		curl_slist_append(NULL, call->header ? call->header : "Accept: */*");
	int rc = curl && headers ? 0 : sw_error_set(error, -ENOMEM, "memory is out");

	call->body_bytes = 0;
	call->body[0] = '\0';
	call->status = 0;
	if (!rc) {
		set_up(curl, call, headers);
		if (curl_multi_add_handle(http->multi, curl) != CURLM_OK)
			rc = sw_error_set(error, -ENOMEM, "memory is out");
	}
	if (!rc) {
		rc = perform(http, curl, error);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call->status);
		curl_multi_remove_handle(http->multi, curl);
	}
	curl_easy_cleanup(curl);
	free_list(headers);
	return rc;
}
