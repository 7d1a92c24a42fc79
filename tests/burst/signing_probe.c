/* SPDX-License-Identifier: MIT */
/*
 * Shows signing and credentials to tests in Python.
 *
 *   signing_probe sign   reads requests, a JSON object a line; prints an Authorization header for
 * each signing_probe keys   prints what the credentials are whenever that changes, and what is
 * logged, a JSON object a line; a line on standard input: the service refused them. Ends with its
 * input. For made-up keys: it prints them.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "burst/base64.h"
#include "burst/credentials.h"
#include "burst/secret.h"
#include "burst/sigv4.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void print(json_t *object)
{
	char *text = json_dumps(object, 0);

	pthread_mutex_lock(&lock);
	printf("%s\n", text);
	fflush(stdout);
	pthread_mutex_unlock(&lock);
	free(text);
	json_decref(object);
}

/* ---- sign ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text)
		abort();
	return text;
}

static void sign(const json_t *object)
{
	struct sw_sigv4_header headers[SW_SIGV4_HEADERS_MAX];
	const json_t *given = json_object_get(object, "headers");
	char *body = strdup(text_of(object, "body"));
	struct sw_sigv4_request request = {
		.method = text_of(object, "method"),
		.target = text_of(object, "target"),
		.headers = headers,
		.header_count = (uint32_t)json_array_size(given),
		.body = body,
	};
	const ptrdiff_t bytes = sw_base64_decode(body, strlen(body), body);
	const char *time = text_of(object, "time");
	struct sw_sigv4_key key;
	char text[2000];

	if (bytes < 0 || request.header_count > SW_SIGV4_HEADERS_MAX)
		abort();
	request.body_bytes = (size_t)bytes;
	for (uint32_t i = 0; i < request.header_count; i++) {
		const json_t *pair = json_array_get(given, i);

		headers[i].name = json_string_value(json_array_get(pair, 0));
		headers[i].value = json_string_value(json_array_get(pair, 1));
	}
	if (sw_sigv4_derive(&key, text_of(object, "secret"), time, text_of(object, "region"),
		    text_of(object, "service")) ||
		sw_sigv4_authorization(
			&key, text_of(object, "access"), &request, time, text, sizeof(text)))
		abort();
	printf("%s\n", text);
	free(body);
}

static int sign_all(void)
{
	char *line = NULL;
	size_t capacity = 0;

	while (getline(&line, &capacity, stdin) > 0) {
		json_t *object = json_loads(line, 0, NULL);

		if (!object)
			abort();
		sign(object);
		json_decref(object);
	}
	free(line);
	return 0;
}

/* ---- keys ---- */

struct watch {
	struct sw_credentials *credentials;
	struct sw_keys *keys;
	uint64_t version;
};

/* The kernel's word that the page is left out of core dumps. */
static bool is_not_dumped(const void *address)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char *line = NULL;
	size_t capacity = 0;
	bool within = false, found = false;

	while (maps && getline(&line, &capacity, maps) > 0) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			within = (unsigned long)address >= from && (unsigned long)address < to;
		if (within && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

static void show(void *context)
{
	static const char *const names[] = { "looking", "ready", "none", "failed" };
	struct watch *watch = context;
	char why[300] = "";
	const enum sw_credentials_state state = sw_credentials_get(
		watch->credentials, watch->keys, &watch->version, why, sizeof(why));
	json_t *object = json_pack("{s:s, s:s}", "state", names[state], "why", why);

	if (state == SW_CREDENTIALS_READY)
		json_object_update_new(
			object, json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "access",
					watch->keys->access_key, "secret", watch->keys->secret_key,
					"token", watch->keys->session_token, "expires",
					(json_int_t)watch->keys->expires_s, "version",
					(json_int_t)watch->version, "not_dumped",
					is_not_dumped(watch->keys)));
	print(object);
}

static void log_text(void *context, const char *text)
{
	(void)context;
	print(json_pack("{s:s}", "log", text));
}

static int watch_keys(void)
{
	struct watch watch = { .keys = sw_secret_alloc(sizeof(*watch.keys)) };
	const struct sw_credentials_options options = {
		.log = log_text,
		.changed = show,
		.changed_context = &watch,
	};
	struct sw_error error;
	char *line = NULL;
	size_t capacity = 0;

	if (sw_credentials_open(&options, &watch.credentials, &error)) {
		print(json_pack("{s:s}", "error", error.text));
		sw_secret_free(watch.keys, sizeof(*watch.keys));
		return 1;
	}
	/* Before there is a thread that may. */
	show(&watch);
	if (sw_credentials_start(watch.credentials))
		abort();
	while (getline(&line, &capacity, stdin) > 0)
		sw_credentials_refused(watch.credentials);
	free(line);
	sw_credentials_close(watch.credentials);
	sw_secret_free(watch.keys, sizeof(*watch.keys));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "sign") == 0)
		return sign_all();
	if (argc == 2 && strcmp(argv[1], "keys") == 0)
		return watch_keys();
	fprintf(stderr, "signing_probe: sign or keys\n");
	return 2;
}
