/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_CREDENTIALS_PRIVATE_H
#define SW_BURST_CREDENTIALS_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <curl/curl.h>

#include "burst/credentials.h"

/* Shared by credentials.c (thread and state), credentials_file.c (profiles), credentials_fetch.c
 * (container endpoint, instance metadata), credentials_http.c and credentials_json.c. */

enum {
	CREDENTIALS_BODY_MAX = 64 << 10, /* of an endpoint's answer */
	CREDENTIALS_FILE_MAX = 1 << 20,  /* bytes of a profile file */
	CREDENTIALS_AUTHORIZATION_MAX = 16 << 10,
};

/* What the environment asks for: copied at open, for it may change. Null: not set. */
struct credentials_places {
	char *profile;
	bool profile_given; /* not just the default one */
	char *credentials_file, *config_file;
	char *container_url;      /* whole */
	char *authorization_file; /* of the container endpoint */
	char *authorization;      /* secret; in pages of its own */
	char *metadata_url;       /* without a slash at its end; null: disabled */
};

/* A GET or PUT of the helper thread. */
struct credentials_call {
	const char *url;
	bool put;
	const char *header; /* "Name: value", or null */
	char *body;         /* secret memory of CREDENTIALS_BODY_MAX + 1 bytes; ended by a zero */
	size_t body_bytes;
	long status;
};

struct credentials_http {
	CURLM *multi; /* of the thread; curl_multi_wakeup from any */
	_Atomic int *stop;
};

/* credentials_places.c: what the environment asks for, and -EINVAL for what cannot be meant. */
int credentials_places_read(struct credentials_places *places, struct sw_error *error);
void credentials_places_free(struct credentials_places *places);
/* 1: the environment has keys itself; 0: it has none; -EINVAL: half of them. */
int credentials_environment_read(struct sw_keys *keys, struct sw_error *error);

/* 0: there is an answer, whatever its status; -errno with what went wrong. */
int credentials_http_call(
	const struct credentials_http *http, struct credentials_call *call, struct sw_error *error);

/* The answer of a container endpoint or of instance metadata. -EBADMSG: it is none. */
int credentials_json_read(const char *body, struct sw_keys *keys, struct sw_error *error);

/* 1: found; 0: this source has none; -errno with what is wrong. */
int credentials_file_find(
	const struct credentials_places *places, struct sw_keys *keys, struct sw_error *error);
int credentials_container_fetch(const struct credentials_places *places,
	const struct credentials_http *http, struct sw_keys *keys, struct sw_error *error);
int credentials_metadata_fetch(const struct credentials_places *places,
	const struct credentials_http *http, struct sw_keys *keys, struct sw_error *error);

/* -EINVAL: the container endpoint must not be asked, for others could listen. */
int credentials_container_check(const char *url, struct sw_error *error);

/* Copies one field of the keys; false: it is too long, or has characters that no key has. */
bool credentials_copy(char *to, size_t to_bytes, const char *from, size_t bytes);
/* 2026-11-22T10:00:00Z; -1: not a time. */
int64_t credentials_time(const char *text);

#endif
