/* SPDX-License-Identifier: MIT */
/*
 * The credentials in force, and the thread that keeps them so.
 *
 * Protocol. The thread alone looks at sources and alone writes the keys; anybody may get them.
 * Ordering. One lock, held for a copy and never while a source is asked. It is not for workers.
 * Progress. Blocking; get waits for a copy at most.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burst/credentials_private.h"
#include "burst/thread_private.h"
#include "burst/secret.h"
#include "runtime/clock.h"

enum {
	/* Before they expire; of short-lived ones at half of their life. */
	REFRESH_BEFORE_S = 600,
	/* The wall clock may jump: nothing is waited for longer than this at once. */
	LOOK_AT_CLOCK_S = 30,
	RETRY_FIRST_S = 1,
	RETRY_LONGEST_S = 60,
	REFUSED_PAUSE_S = 30, /* between looks because the service refuses the keys */
	WHY_BYTES = 400,
};

struct sw_credentials {
	/* Fixed at open. */
	struct sw_credentials_options options;
	struct credentials_places places;
	struct credentials_http http;
	bool fixed; /* from the environment, which does not change: there is no thread */

	/* The thread's, and open's before it starts. */
	struct sw_keys *fresh;
	uint32_t failures;    /* in a row */
	uint64_t retry_at_ns; /* after a failure; 0: none */
	uint64_t looked_at_ns;
	pthread_t thread;
	bool started;

	_Atomic int stop; /* set by close; also ends a transfer */

	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	bool refused;
	enum sw_credentials_state state; /* never FAILED because of time: get sees to that */
	struct sw_keys *keys;            /* valid while version > 0 */
	uint64_t version;
	int64_t refresh_at_s; /* by the wall clock; 0: never */
	char why[WHY_BYTES];
};

/* Wall-clock time is what expirations are told in. */
static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* ---- Looking ---- */

/* The sources after the environment. 1: found; 0: nobody has any; -errno. `near` asks only what
 * needs no connection. */
static int look(struct sw_credentials *credentials, bool near, struct sw_error *error)
{
	const struct credentials_places *places = &credentials->places;
	struct sw_keys *fresh = credentials->fresh;
	int rc;

	explicit_bzero(fresh, sizeof(*fresh));
	rc = credentials_file_find(places, fresh, error);
	if (rc != 0 || near)
		return rc;
	if (places->container_url)
		return credentials_container_fetch(places, &credentials->http, fresh, error);
	if (places->metadata_url)
		return credentials_metadata_fetch(places, &credentials->http, fresh, error);
	return 0;
}

static int64_t refresh_time(int64_t expires_s)
{
	const int64_t now = now_s(), life_s = expires_s - now;

	if (expires_s == 0)
		return 0;
	if (life_s <= 2)
		return now + 1;
	return life_s > 2 * REFRESH_BEFORE_S ? expires_s - REFRESH_BEFORE_S : now + life_s / 2;
}

static bool is_same(const struct sw_keys *left, const struct sw_keys *right)
{
	return strcmp(left->access_key, right->access_key) == 0 &&
	       strcmp(left->secret_key, right->secret_key) == 0 &&
	       strcmp(left->session_token, right->session_token) == 0 &&
	       left->expires_s == right->expires_s;
}

/* Under the lock. */
static void adopt(struct sw_credentials *credentials)
{
	if (credentials->version == 0 || !is_same(credentials->keys, credentials->fresh)) {
		memcpy(credentials->keys, credentials->fresh, sizeof(*credentials->keys));
		credentials->version++;
	}
	credentials->state = SW_CREDENTIALS_READY;
	credentials->refresh_at_s = refresh_time(credentials->fresh->expires_s);
	credentials->why[0] = '\0';
}

static void log_failure(struct sw_credentials *credentials, const char *text)
{
	if (credentials->options.log)
		credentials->options.log(credentials->options.log_context, text);
}

/* Looks everywhere, and books what came of it. Keys that were had stay until they expire. */
static void look_again(struct sw_credentials *credentials)
{
	struct sw_error error = { 0 };
	const bool had = credentials->version > 0;
	int rc = look(credentials, false, &error);
	uint64_t pause_s = RETRY_FIRST_S;

	if (rc == 0 && had)
		rc = sw_error_set(&error, -ENOENT, "credentials: no source has any more");
	pthread_mutex_lock(&credentials->lock);
	if (rc == 1) {
		adopt(credentials);
	} else if (rc == 0) {
		credentials->state = SW_CREDENTIALS_NONE;
	} else {
		snprintf(credentials->why, sizeof(credentials->why), "%s", error.text);
		if (!had)
			credentials->state = SW_CREDENTIALS_FAILED;
	}
	pthread_mutex_unlock(&credentials->lock);
	explicit_bzero(credentials->fresh, sizeof(*credentials->fresh));
	credentials->looked_at_ns = sw_now_ns();
	credentials->retry_at_ns = 0;
	if (rc >= 0) {
		credentials->failures = 0;
		return;
	}
	for (uint32_t i = 0; i < credentials->failures && pause_s < RETRY_LONGEST_S; i++)
		pause_s *= 2;
	if (pause_s > RETRY_LONGEST_S)
		pause_s = RETRY_LONGEST_S;
	credentials->failures++;
	credentials->retry_at_ns = credentials->looked_at_ns + pause_s * 1000000000ull;
	if (rc != -EINTR)
		log_failure(credentials, error.text);
}

/* ---- The thread ---- */

/* Under the lock. */
static bool is_due(const struct sw_credentials *credentials)
{
	const uint64_t now_ns = sw_now_ns();

	if (credentials->state == SW_CREDENTIALS_LOOKING)
		return true;
	if (credentials->retry_at_ns)
		return now_ns >= credentials->retry_at_ns;
	if (credentials->refused)
		return now_ns - credentials->looked_at_ns >= REFUSED_PAUSE_S * 1000000000ull;
	return credentials->refresh_at_s && now_s() >= credentials->refresh_at_s;
}

/* Under the lock, which it lets go of. A second's grain is enough while something is due soon. */
static void wait_a_little(struct sw_credentials *credentials)
{
	const int64_t left_s = credentials->refresh_at_s - now_s();
	int64_t wait_s = LOOK_AT_CLOCK_S;
	struct timespec until;

	if (credentials->refresh_at_s && left_s < wait_s)
		wait_s = left_s;
	if (credentials->retry_at_ns || credentials->refused || wait_s < 1)
		wait_s = 1;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_s;
	pthread_cond_timedwait(&credentials->wakeup, &credentials->lock, &until);
}

static bool is_stopped(struct sw_credentials *credentials)
{
	/* Acquire only as elsewhere: the lock or the join hand over what there is. */
	return atomic_load_explicit(&credentials->stop, memory_order_acquire);
}

static void *helper_main(void *context)
{
	struct sw_credentials *credentials = context;

	pthread_mutex_lock(&credentials->lock);
	while (!is_stopped(credentials)) {
		if (!is_due(credentials)) {
			wait_a_little(credentials);
			continue;
		}
		credentials->refused = false;
		pthread_mutex_unlock(&credentials->lock);
		look_again(credentials);
		if (credentials->options.changed)
			credentials->options.changed(credentials->options.changed_context);
		pthread_mutex_lock(&credentials->lock);
	}
	pthread_mutex_unlock(&credentials->lock);
	return NULL;
}

/* ---- Getting ---- */

enum sw_credentials_state sw_credentials_get(struct sw_credentials *credentials,
	struct sw_keys *keys, uint64_t *version, char *why, size_t why_bytes)
{
	enum sw_credentials_state state;

	pthread_mutex_lock(&credentials->lock);
	state = credentials->state;
	if (state == SW_CREDENTIALS_FAILED)
		snprintf(why, why_bytes, "%s", credentials->why);
	if (state == SW_CREDENTIALS_READY && credentials->keys->expires_s &&
		credentials->keys->expires_s <= now_s()) {
		state = SW_CREDENTIALS_FAILED;
		snprintf(why, why_bytes, "credentials: expired%s%s",
			credentials->why[0] ? "; " : "", credentials->why);
	}
	if (state == SW_CREDENTIALS_READY && *version != credentials->version) {
		memcpy(keys, credentials->keys, sizeof(*keys));
		*version = credentials->version;
	}
	pthread_mutex_unlock(&credentials->lock);
	return state;
}

void sw_credentials_refused(struct sw_credentials *credentials)
{
	pthread_mutex_lock(&credentials->lock);
	if (!credentials->refused) {
		credentials->refused = true;
		pthread_cond_signal(&credentials->wakeup);
	}
	pthread_mutex_unlock(&credentials->lock);
}

/* ---- Opening and closing ---- */

int sw_credentials_start(struct sw_credentials *credentials)
{
	int rc;

	if (credentials->fixed)
		return 0;
	rc = burst_thread_start(&credentials->thread, "sw-credentials", helper_main, credentials);
	credentials->started = rc == 0;
	return rc;
}

static void make_lock(struct sw_credentials *credentials)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&credentials->wakeup, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&credentials->lock, NULL);
}

static int look_near(struct sw_credentials *credentials, struct sw_error *error)
{
	const struct credentials_places *places = &credentials->places;
	int rc = credentials_environment_read(credentials->fresh, error);

	credentials->fixed = rc == 1;
	if (rc == 0)
		rc = look(credentials, true, error);
	if (rc == 1)
		adopt(credentials);
	else if (rc == 0)
		credentials->state = places->container_url || places->metadata_url
					     ? SW_CREDENTIALS_LOOKING
					     : SW_CREDENTIALS_NONE;
	explicit_bzero(credentials->fresh, sizeof(*credentials->fresh));
	return rc < 0 ? rc : 0;
}

int sw_credentials_open(const struct sw_credentials_options *options, struct sw_credentials **made,
	struct sw_error *error)
{
	struct sw_credentials *credentials;
	int rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return sw_error_set(error, -ENOMEM, "credentials: libcurl does not start");
	credentials = calloc(1, sizeof(*credentials));
	if (!credentials) {
		curl_global_cleanup();
		return sw_error_set(error, -ENOMEM, "credentials: memory is out");
	}
	credentials->options = *options;
	credentials->keys = sw_secret_alloc(sizeof(*credentials->keys));
	credentials->fresh = sw_secret_alloc(sizeof(*credentials->fresh));
	credentials->http.multi = curl_multi_init();
	credentials->http.stop = &credentials->stop;
	make_lock(credentials);
	if (!credentials->keys || !credentials->fresh || !credentials->http.multi)
		rc = sw_error_set(error, -ENOMEM, "credentials: memory is out");
	else
		rc = credentials_places_read(&credentials->places, error);
	if (!rc)
		rc = look_near(credentials, error);
	if (rc) {
		sw_credentials_close(credentials);
		return rc;
	}
	*made = credentials;
	return 0;
}

void sw_credentials_close(struct sw_credentials *credentials)
{
	if (!credentials)
		return;
	if (credentials->started) {
		pthread_mutex_lock(&credentials->lock);
		/* Release only as elsewhere: see is_stopped. */
		atomic_store_explicit(&credentials->stop, 1, memory_order_release);
		pthread_cond_signal(&credentials->wakeup);
		pthread_mutex_unlock(&credentials->lock);
		curl_multi_wakeup(credentials->http.multi);
		pthread_join(credentials->thread, NULL);
	}
	curl_multi_cleanup(credentials->http.multi);
	pthread_cond_destroy(&credentials->wakeup);
	pthread_mutex_destroy(&credentials->lock);
	credentials_places_free(&credentials->places);
	sw_secret_free(credentials->keys, sizeof(*credentials->keys));
	sw_secret_free(credentials->fresh, sizeof(*credentials->fresh));
	free(credentials);
	curl_global_cleanup();
}
