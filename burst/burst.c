/* SPDX-License-Identifier: MIT */
/* What a program sees: create, attach to a graph, look, destroy. */
#include "burst/burst_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "burst/dialback.h"
#include "runtime/clock.h"

/* ---- Options ---- */

static int check_options(const struct sw_burst_options *options, struct sw_error *error)
{
	if (options->size != sizeof(*options))
		return sw_error_set(error, -EINVAL, "burst options: size %zu: not this library's",
			options->size);
	if (!(options->spill_share >= 0 && options->spill_share <= 1))
		return sw_error_set(
			error, -EINVAL, "spill-share: %g: not in 0..1", options->spill_share);
	if (options->sample_us < 50 || options->sample_us > 2000000)
		return sw_error_set(
			error, -EINVAL, "sample-us: %u: not in 50..2000000", options->sample_us);
	if (options->max_inflight < 1 || options->max_inflight > SW_BURST_INFLIGHT_MAX)
		return sw_error_set(error, -EINVAL, "max-inflight: %u: not in 1..%d",
			options->max_inflight, SW_BURST_INFLIGHT_MAX);
	if (options->deadline_ms < 1 || options->deadline_ms > 900000)
		return sw_error_set(
			error, -EINVAL, "deadline-ms: %u: not in 1..900000", options->deadline_ms);
	if (options->contract > SW_BURST_CONTRACT_HTTP)
		return sw_error_set(
			error, -EINVAL, "contract: %d: unknown", (int)options->contract);
	if (options->dial_back_ms < 1000 || options->dial_back_ms > 900000)
		return sw_error_set(error, -EINVAL, "dial-back-ms: %u: not in 1000..900000",
			options->dial_back_ms);
	if (options->sign > SW_BURST_SIGN_NEVER)
		return sw_error_set(error, -EINVAL, "sign: %d: unknown", (int)options->sign);
	if (options->retries > 100)
		return sw_error_set(error, -EINVAL, "retries: %u: not in 0..100", options->retries);
	if (options->prewarm > options->max_inflight)
		return sw_error_set(error, -EINVAL,
			"prewarm: %u: more than may be in flight at once (max-inflight: %u)",
			options->prewarm, options->max_inflight);
	if (options->prewarm_every_s > 86400)
		return sw_error_set(error, -EINVAL, "prewarm-every-s: %u: not in 0..86400",
			options->prewarm_every_s);
	if (options->function_mb < 128 || options->function_mb > 10240)
		return sw_error_set(
			error, -EINVAL, "function-mb: %u: not in 128..10240", options->function_mb);
	if (!(options->budget_usd_per_hour >= 0 && options->budget_usd_per_hour < 1e9))
		return sw_error_set(error, -EINVAL, "budget-usd-per-hour: %g: not in 0..1e9",
			options->budget_usd_per_hour);
	if (options->budget_usd_per_hour > 0 &&
		limits_budget_at_once(options) < limits_dearest_usd(options))
		return sw_error_set(error, -EINVAL,
			"budget-usd-per-hour: %g: half of it does not pay for one invocation (%.3g "
			"dollars until its deadline)",
			options->budget_usd_per_hour, limits_dearest_usd(options));
	if (options->budget_usd_per_hour > 0 && options->dial_back &&
		limits_budget_at_once(options) < limits_dearest_visit_usd(options))
		return sw_error_set(error, -EINVAL,
			"budget-usd-per-hour: %g: half of it does not pay for one function that "
			"dials back (%.3g dollars for dial-back-ms)",
			options->budget_usd_per_hour, limits_dearest_visit_usd(options));
	return 0;
}

static int find_policy(const char *name, const struct policy **policy, struct sw_error *error)
{
	char list[128] = "";
	size_t used = 0;

	*policy = policy_find(name);
	if (*policy)
		return 0;
	for (const char *const *at = sw_burst_policies(); *at; at++)
		used += (size_t)snprintf(
			list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "", *at);
	return sw_error_set(error, -EINVAL, "policy: %.60s: unknown (there are %s)", name, list);
}

static int copy_text(const char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int copy_options(struct sw_burst *burst, const struct sw_burst_options *options)
{
	struct sw_burst_options *own = &burst->options;
	int rc = 0;

	*own = *options;
	own->policy = burst->policy->name;
	rc |= copy_text(&own->endpoint, options->endpoint);
	rc |= copy_text(&own->function, options->function);
	rc |= copy_text(&own->ca_file, options->ca_file);
	rc |= copy_text(&own->region, options->region);
	rc |= copy_text(&own->dial_back, options->dial_back);
	rc |= copy_text(&own->dial_back_advertise, options->dial_back_advertise);
	return rc ? -ENOMEM : 0;
}

/* ---- Messages ---- */

void burst_log(struct sw_burst *burst, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (!burst->options.log)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	burst->options.log(burst->options.log_context, text);
}

void burst_set_why(struct sw_burst *burst, uint32_t edge, const char *text)
{
	pthread_mutex_lock(&burst->why_lock);
	for (uint32_t i = 0; i < burst->edge_count; i++) {
		if (burst->edges[i].edge == edge)
			snprintf(burst->edges[i].text, BURST_WHY_BYTES, "%s", text);
	}
	pthread_mutex_unlock(&burst->why_lock);
}

int sw_burst_edge_why(const struct sw_burst *burst, uint32_t edge, char *text, size_t text_bytes)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&burst->why_lock;
	int rc = -ENOENT;

	pthread_mutex_lock(lock);
	for (uint32_t i = 0; i < burst->edge_count; i++) {
		if (burst->edges[i].edge != edge)
			continue;
		snprintf(text, text_bytes, "%s", burst->edges[i].text);
		rc = 0;
		break;
	}
	pthread_mutex_unlock(lock);
	return rc;
}

/* ---- Provider: on the thread that starts and ends the graph ---- */

static bool has_ended(struct sw_burst *burst)
{
	/* Relaxed: this thread has written it. */
	return atomic_load_explicit(&burst->ended, memory_order_relaxed);
}

static void forget_run(struct sw_burst *burst)
{
	for (uint32_t i = 0; i < burst->outlet_count; i++)
		outlet_destroy(burst->outlets[i]);
	free(burst->outlets);
	burst->outlets = NULL;
	burst->outlet_count = 0;
	pthread_mutex_lock(&burst->why_lock);
	burst->edge_count = 0;
	pthread_mutex_unlock(&burst->why_lock);
	atomic_store_explicit(&burst->ended, 0, memory_order_relaxed);
}

/* The edge's place among the burst's, or -E2BIG. */
static int add_edge(struct sw_burst *burst, const struct sw_site_options *site)
{
	int rc = 0;

	pthread_mutex_lock(&burst->why_lock);
	for (; rc < (int)burst->edge_count; rc++) {
		if (burst->edges[rc].edge == site->edge)
			goto out;
	}
	if (burst->edge_count == BURST_EDGES_MAX) {
		rc = -E2BIG;
		goto out;
	}
	burst->edges[burst->edge_count].edge = site->edge;
	burst->edges[burst->edge_count].text[0] = '\0';
	burst->edge_count++;
out:
	pthread_mutex_unlock(&burst->why_lock);
	return rc;
}

static int attach(void *context, const struct sw_site_options *site, struct sw_outlet **made,
	struct sw_error *error)
{
	struct sw_burst *burst = context;
	struct outlet **outlets;
	struct outlet *outlet = NULL;
	int rc, edge;

	if (burst->running)
		return sw_error_set(error, -EBUSY, "burst: serves another graph");
	if (has_ended(burst))
		forget_run(burst);
	edge = add_edge(burst, site);
	if (burst->outlet_count == BURST_OUTLETS_MAX || edge < 0)
		return sw_error_set(error, -E2BIG, "burst: %s: more than %d outlets or %d edges",
			site->edge_name, BURST_OUTLETS_MAX, BURST_EDGES_MAX);
	outlets = realloc(burst->outlets, (burst->outlet_count + 1) * sizeof(*outlets));
	if (!outlets)
		return sw_error_set(error, -ENOMEM, "burst: memory is out");
	burst->outlets = outlets;
	rc = outlet_create(burst, site, &outlet, error);
	if (rc)
		return rc;
	outlet->index = burst->outlet_count;
	outlet->edge_place = (uint32_t)edge;
	burst->outlets[burst->outlet_count++] = outlet;
	*made = &outlet->base;
	return 0;
}

static void choose_job(struct sw_burst *burst)
{
	burst->job = burst->options.seed;
	if (burst->job == 0 &&
		getrandom(&burst->job, sizeof(burst->job), GRND_NONBLOCK) != sizeof(burst->job))
		burst->job = sw_now_ns();
	/* Fits a signed 64-bit number, which is all that some JSON readers know. */
	burst->job &= INT64_MAX;
}

static void stop(void *context)
{
	struct sw_burst *burst = context;

	if (!burst->running) {
		/* Attached, never started: the next attach forgets these outlets. */
		atomic_store_explicit(&burst->ended, 1, memory_order_release);
		return;
	}
	controller_stop(burst);
	io_stop(burst);
	burst->running = false;
	/* Outlets stay until the next run: answers may still go home to their pools. */
	/* R4 -> A4 (settle, stats.c): the threads are gone. */
	atomic_store_explicit(&burst->ended, 1, memory_order_release);
}

static int make_histograms(struct sw_burst *burst)
{
	struct sw_histogram **all[] = { &burst->onset, &burst->round_trip,
		&burst->way_round_trips[WAY_INVOKE], &burst->way_round_trips[WAY_DIAL_BACK] };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sw_histogram_destroy(*all[i]);
		*all[i] = sw_histogram_create(-1);
		if (!*all[i])
			return -ENOMEM;
	}
	return 0;
}

static int start(void *context, struct sw_error *error)
{
	struct sw_burst *burst = context;
	int rc = 0;

	if (has_ended(burst))
		forget_run(burst);
	memset(&burst->counters, 0, sizeof(burst->counters));
	if (make_histograms(burst))
		return sw_error_set(error, -ENOMEM, "burst: memory is out");
	choose_job(burst);
	rc = controller_prepare(burst, error);
	if (!rc && burst->policy->offers && burst->outlet_count > 0)
		rc = io_start(burst, error);
	if (!rc)
		rc = controller_start(burst, error);
	/* Set after a failure too: the outlets are to be forgotten. */
	burst->running = true;
	if (rc)
		stop(burst);
	return rc;
}

const struct sw_outlet_provider *sw_burst_provider(struct sw_burst *burst)
{
	return &burst->provider;
}

/* ---- Create and destroy ---- */

static int open_dialback(struct sw_burst *burst, struct sw_transport *client,
	struct sw_transport **transport, struct sw_error *error)
{
	const struct dialback_options options = {
		.listen = burst->options.dial_back,
		.advertise = burst->options.dial_back_advertise,
		.connections_max = burst->options.max_inflight,
		.life_ms = burst->options.dial_back_ms,
		.counters = &burst->counters.dial,
		.log = burst->options.log,
		.log_context = burst->options.log_context,
	};
	int rc = dialback_open(&options, client, transport, error);

	if (rc)
		client->ops->close(client);
	return rc;
}

/* The transport that is bound for functions: the source's, with dial-back around it if wanted. */
int burst_open_transport(
	struct sw_burst *burst, struct sw_transport **transport, struct sw_error *error)
{
	struct sw_transport *client;
	int rc = burst->source.open(burst->source.context, &client, error);

	if (rc)
		return rc;
	if (burst->options.dial_back)
		return open_dialback(burst, client, transport, error);
	*transport = client;
	return 0;
}

static int open_client(void *context, struct sw_transport **transport, struct sw_error *error)
{
	const struct sw_burst *burst = context;
	const struct sw_client_options options = {
		.endpoint = burst->options.endpoint,
		.function = burst->options.function,
		.contract = burst->endpoint.contract,
		.ca_file = burst->options.ca_file,
		.region = burst->options.region,
		.sign = burst->options.sign,
		.max_inflight = burst->options.max_inflight,
		.log = burst->options.log,
		.log_context = burst->options.log_context,
	};

	return sw_client_open(&options, transport, error);
}

static int take_endpoint(struct sw_burst *burst, struct sw_error *error)
{
	struct sw_burst_options *own = &burst->options;
	int rc;

	if (!own->endpoint)
		return sw_error_set(
			error, -EINVAL, "policy: %s: needs an endpoint", burst->policy->name);
	rc = endpoint_parse(own->endpoint, own->contract, &burst->endpoint, error);
	if (rc)
		return rc;
	if (burst->endpoint.contract == SW_BURST_CONTRACT_HTTP && own->function)
		return sw_error_set(error, -EINVAL,
			"function: %.60s: with the http contract the endpoint's URL says which "
			"(leave it out, or use the invoke contract)",
			own->function);
	if (burst->endpoint.contract == SW_BURST_CONTRACT_HTTP && own->dial_back)
		return sw_error_set(error, -EINVAL,
			"dial-back: %.60s: functions are invited by the invoke contract only",
			own->dial_back);
	if (!own->function && copy_text(&own->function, "spillway"))
		return sw_error_set(error, -ENOMEM, "burst: memory is out");
	return 0;
}

/* Opens a client once, so that a bad endpoint is told at create. */
static int try_client(struct sw_burst *burst, struct sw_error *error)
{
	struct sw_transport *transport;
	int rc = sw_burst_supported(error);

	if (rc)
		return rc;
	rc = burst_open_transport(burst, &transport, error);
	if (!rc)
		transport->ops->close(transport);
	return rc;
}

int burst_create_with(const struct sw_burst_options *options, const struct transport_source *source,
	struct sw_burst **made, struct sw_error *error)
{
	const struct policy *policy;
	struct sw_burst *burst;
	int rc = check_options(options, error);

	if (!rc)
		rc = find_policy(options->policy ? options->policy : "spillway", &policy, error);
	if (rc)
		return rc;
	burst = aligned_alloc(SW_CACHE_LINE, sizeof(*burst));
	if (!burst)
		return sw_error_set(error, -ENOMEM, "burst: memory is out");
	memset(burst, 0, sizeof(*burst));
	pthread_mutex_init(&burst->why_lock, NULL);
	burst->policy = policy;
	burst->provider = (struct sw_outlet_provider){
		.context = burst, .attach = attach, .start = start, .stop = stop
	};
	rc = copy_options(burst, options);
	if (rc) {
		sw_error_set(error, rc, "burst: memory is out");
		goto fail;
	}
	burst->source = source ? *source : (struct transport_source){ open_client, burst };
	if (policy->offers)
		rc = take_endpoint(burst, error);
	if (!rc && !source && policy->offers)
		rc = try_client(burst, error);
	if (rc)
		goto fail;
	*made = burst;
	return 0;

fail:
	sw_burst_destroy(burst);
	return rc;
}

int sw_burst_create(
	const struct sw_burst_options *options, struct sw_burst **burst, struct sw_error *error)
{
	return burst_create_with(options, NULL, burst, error);
}

void sw_burst_destroy(struct sw_burst *burst)
{
	if (!burst)
		return;
	stop(burst);
	forget_run(burst);
	sw_histogram_destroy(burst->onset);
	sw_histogram_destroy(burst->round_trip);
	for (int way = 0; way < WAYS; way++)
		sw_histogram_destroy(burst->way_round_trips[way]);
	free((char *)burst->options.endpoint);
	free((char *)burst->options.function);
	free((char *)burst->options.ca_file);
	free((char *)burst->options.region);
	free((char *)burst->options.dial_back);
	free((char *)burst->options.dial_back_advertise);
	pthread_mutex_destroy(&burst->why_lock);
	free(burst);
}
