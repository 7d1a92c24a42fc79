/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_CREDENTIALS_H
#define SW_BURST_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/*
 * AWS credentials, from the first of: environment; shared credentials and config files with their
 * profiles; container endpoint; instance metadata (IMDSv2). Where a source says when they expire,
 * a thread of its own fetches the next ones in time. Source: AWS's SDKs and Tools Reference Guide,
 * "Standardized credential providers".
 *
 * No secret is ever part of a message.
 */

enum {
	SW_ACCESS_KEY_BYTES = 129,
	SW_SECRET_KEY_BYTES = 257,
	SW_SESSION_TOKEN_BYTES = 8193,
};

/* Keep it in memory of sw_secret_alloc(). */
struct sw_keys {
	char access_key[SW_ACCESS_KEY_BYTES];
	char secret_key[SW_SECRET_KEY_BYTES];
	char session_token[SW_SESSION_TOKEN_BYTES]; /* empty: none */
	int64_t expires_s;                          /* since 1970; 0: never */
};

enum sw_credentials_state {
	SW_CREDENTIALS_LOOKING, /* nothing is known yet */
	SW_CREDENTIALS_READY,
	SW_CREDENTIALS_NONE,   /* no source has any */
	SW_CREDENTIALS_FAILED, /* a source that should have them gives none, or they expired */
};

struct sw_credentials_options {
	/* On the thread of the credentials; null: dropped. */
	void (*log)(void *context, const char *text);
	void *log_context;
	/* The state may have changed; on the same thread. Null: nobody needs to know. */
	void (*changed)(void *context);
	void *changed_context;
};

struct sw_credentials;

/*
 * Reads the environment and the files; connects to nothing. -EINVAL: the environment's or a
 * profile's are not whole, or the profile that is asked for is missing; -ENOMEM; -errno of a file.
 */
SW_MUST_CHECK int sw_credentials_open(const struct sw_credentials_options *options,
	struct sw_credentials **credentials, struct sw_error *error);
/* Starts the thread. 0 or -errno. */
SW_MUST_CHECK int sw_credentials_start(struct sw_credentials *credentials);
/* Ends the thread. Null is fine. */
void sw_credentials_close(struct sw_credentials *credentials);

/*
 * Any thread, at any rate. READY: *keys are the present ones, copied if *version (0 at first) is
 * not theirs. FAILED: `why` says why, at most why_bytes.
 */
enum sw_credentials_state sw_credentials_get(struct sw_credentials *credentials,
	struct sw_keys *keys, uint64_t *version, char *why, size_t why_bytes);

/* Any thread: the service did not take them. The thread looks again soon, but not all the time. */
void sw_credentials_refused(struct sw_credentials *credentials);

/*
 * Calls `each` for every profile with an access key in a file of the form of ~/.aws/credentials,
 * until it returns something else than 0, which is returned. The keys are wiped afterwards.
 * -EINVAL: a profile is not whole.
 */
SW_MUST_CHECK int sw_credentials_read_file(const char *path,
	int (*each)(void *context, const char *profile, const struct sw_keys *keys), void *context,
	struct sw_error *error);

#endif
