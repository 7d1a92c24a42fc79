/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "burst/burst.h"
#include "nexmark/query.h"
#include "runtime/topology.h"
#include "tools/spillway/message.h"
#include "tools/spillway/run_options.h"

#define AT(field) offsetof(struct run_options, field)

static const struct option_row rows[] = {
	ROW_HEADING("Source (beside the generator's options below):"),
	ROW_TEXT("input", input, "DIR", NULL,
		"read DIR's person.csv, auction.csv, bid.csv instead of generating"),
	ROW_FLAG("replay", replay, "make the columns in memory before the start"),
	ROW_FLAG("is-rate-limited", is_rate_limited,
		"open loop at the generator's rates; else as fast as it can"),

	ROW_HEADING("Engine:"),
	ROW_COUNT("workers", workers, "N", "one per core", "worker threads", 1, SW_WORKERS_MAX),
	ROW_TEXT("pin", pin, "auto|none|LIST", "auto",
		"where workers are pinned; LIST is of cpus, like 0,2-5"),
	ROW_COUNT("batch-rows", batch_rows, "N", "1024", "most events of a batch", 1,
		SW_BATCH_ROWS_MAX),
	ROW_COUNT("ring-slots", ring_slots, "N", "64", "batches that a ring holds", 2, 65536),
	ROW_CHOICE("huge-pages", huge_pages, "auto|off", "auto", "for batches"),
	ROW_CHOICE("state", state, "auto|dense|hash", "auto",
		"how keyed state is laid out: arrays by id, hash tables, or as it fits"),
	{ "max-state-bytes", OPTION_BYTES, AT(max_state_bytes), "BYTES", "3/4 of free memory",
		"the run fails when its state passes this; K, M, G", 0, 0, NULL },
	ROW_NUMBER("op-delay-us", op_delay_us, "US", "0",
		"simulated cost per event of the burstable stage, us", 0, 1e6),

	ROW_HEADING("Query:"),
	ROW_COUNT("watermark-delay-ms", watermark_delay_ms, "MS", "4000",
		"--input: disorder that is waited for, ms", 0, 1e15),
	ROW_CHOICE(
		"processing-time", processing_time, "arrival|event", "arrival", "q12: its clock"),
	ROW_TEXT("side-input", side_input, "FILE.csv", "0 to 9999",
		"q13: the table that bids are joined to, key,value"),
	ROW_FLAG("tokens", tokens, "tokenize: one row per token, not counts"),

	ROW_HEADING("Sink:"),
	ROW_TEXT("output", output, "FILE.csv", "a blackhole",
		"where the result goes (q10: a folder)"),
	ROW_FLAG("checksum", checksum, "sum the hashes of the result's rows"),
	ROW_FLAG("ordered", ordered, "--output: rows sorted by their bytes"),
	ROW_TEXT("changelog", changelog, "FILE.csv", NULL,
		"every change of the result: kind (+I -U +U -D), watermark, row"),
	ROW_TEXT(
		"late", late, "FILE.csv", NULL, "--input: where rows go that are left out as late"),

	ROW_HEADING("Bursting:"),
	ROW_TEXT("policy", policy, "NAME", "none; spillway with an endpoint",
		"when batches are spilled: none; fixed: a share; spillway: when that is quicker; "
		"threshold, sponge, ds2: others' rules"),
	ROW_NUMBER("spill-share", spill_share, "F", "0.5", "fixed: share of the batches, 0 to 1", 0,
		1),
	ROW_TEXT("endpoint", endpoint, "URL", NULL, "https://HOST[:PORT][/PATH] of the functions"),
	ROW_CHOICE("contract", contract, "auto|invoke|http", "auto",
		"invoke: Lambda's Invoke API; http: frames by POST to the URL; auto: http at "
		"Function URLs, APIs and paths"),
	ROW_TEXT("function", function, "NAME", "spillway", "invoke: the function's name there"),
	ROW_TEXT("ca", ca, "FILE", "the system's", "PEM file the endpoint is checked against"),
	ROW_CHOICE("sign", sign, "auto|always|never", "auto",
		"AWS signatures; auto: with --region or at AWS, if there are credentials"),
	ROW_TEXT("region", region, "NAME", "the endpoint's, AWS_REGION", "AWS region to sign for"),
	{ "lambda-local", OPTION_MAYBE, AT(lambda_local), "[=OPTIONS]", NULL,
		"start a lambda-local for this run, like =concurrency=8,rtt-ms=5", 0, 0, NULL },
	ROW_COUNT("sample-us", sample_us, "US", "250", "the controller's period, us", 50, 2000000),
	ROW_COUNT("max-inflight", max_inflight, "N", "64", "invocations at once", 1,
		SW_BURST_INFLIGHT_MAX),
	ROW_COUNT("max-invocations", max_invocations, "N", "no limit",
		"invocations of the run: retries, hedges and prewarms included", 1, 1e15),
	ROW_NUMBER("budget-usd-per-hour", budget_usd_per_hour, "USD", "no limit",
		"most to spend in any hour, dollars; half of it at once at most", 0, 1e9),
	ROW_COUNT("deadline-ms", deadline_ms, "MS", "10000", "of one invocation, ms", 1, 900000),
	ROW_TEXT("dial-back", dial_back, "HOST:PORT", "no dial-back",
		"listen here: functions connect back and work through batches; port 0: any"),
	ROW_TEXT("dial-back-advertise", dial_back_advertise, "HOST:PORT", "as --dial-back",
		"the address that functions connect to, where it is another one"),
	ROW_COUNT("dial-back-ms", dial_back_ms, "MS", "25000",
		"a function that dialled back stays so long at most, ms", 1000, 900000),
	ROW_COUNT("retries", retries, "N", "3",
		"of one batch, before it is run locally; of all, 15 of 100 at most", 0, 100),
	ROW_COUNT("prewarm", prewarm, "N", "0",
		"function environments to start ahead; costs N invocations without rows", 0,
		SW_BURST_INFLIGHT_MAX),
	ROW_COUNT("prewarm-every-s", prewarm_every_s, "S", "at the start only",
		"--prewarm again every S seconds; costs N invocations each time", 1, 86400),

	ROW_HEADING("Report:"),
	ROW_TEXT("report", report, "FILE.json", NULL, "everything that was measured"),
	ROW_PROGRESS,
	ROW_TEXT("trace", trace, "FILE", NULL, "time series, one JSON object per 100 ms"),
};

void run_options_init(struct run_options *options)
{
	*options = (struct run_options){
		.generator = SW_NEXMARK_OPTIONS_INIT,
		.pin = "auto",
		.batch_rows = 1024,
		.ring_slots = 64,
		.huge_pages = "auto",
		.state = "auto",
		.watermark_delay_ms = 4000,
		.processing_time = "arrival",
		.spill_share = 0.5,
		.contract = "auto",
		.sign = "auto",
		.sample_us = 250,
		.max_inflight = 64,
		.deadline_ms = 10000,
		.dial_back_ms = 25000,
		.retries = 3,
		.progress = "auto",
	};
}

static int set_generator(
	void *target, const char *name, const char *value, char *why, size_t why_bytes)
{
	const struct sw_nexmark_option *option = sw_nexmark_option_find(name);
	struct sw_error error = { 0 };

	if (!option)
		return -ENOENT;
	if (!value || sw_nexmark_options_set(target, name, value, &error) == 0)
		return 0;
	snprintf(why, why_bytes, "%s", error.text);
	return -EINVAL;
}

static int set_run_generator(
	void *target, const char *name, const char *value, char *why, size_t why_bytes)
{
	struct run_options *options = target;

	options->generator_given |= value != NULL;
	return set_generator(&options->generator, name, value, why, why_bytes);
}

static bool generator_flag(void *target, const char *name)
{
	const struct sw_nexmark_option *option = sw_nexmark_option_find(name);

	(void)target;
	return option && option->unit[0] == '\0';
}

void run_options_sets(struct run_options *options, struct option_set sets[RUN_OPTION_SETS])
{
	sets[0] = (struct option_set){ rows, sizeof(rows) / sizeof(rows[0]), options, NULL, NULL };
	sets[1] = (struct option_set){ NULL, 0, options, set_run_generator, generator_flag };
}

struct option_set generator_option_set(struct sw_nexmark_options *options)
{
	return (struct option_set){ NULL, 0, options, set_generator, generator_flag };
}

void generator_options_print(FILE *out)
{
	const struct sw_nexmark_option *option;

	fprintf(out, "\nGenerator (also as --camelCase):\n");
	for (uint32_t i = 0; (option = sw_nexmark_option_at(i)); i++)
		options_print_row(
			out, option->name, option->unit, option->default_text, option->help);
}

void run_options_print(FILE *out)
{
	options_print(out, rows, sizeof(rows) / sizeof(rows[0]));
	generator_options_print(out);
}

const char *run_options_policy(const struct run_options *options)
{
	if (options->policy)
		return options->policy;
	return options->endpoint || options->lambda_local ? "spillway" : "none";
}

static int check_policy(const struct run_options *options)
{
	const char *policy = run_options_policy(options);
	const char *const *names = sw_burst_policies();
	char list[256] = "";

	for (size_t i = 0; names[i]; i++) {
		if (strcmp(names[i], policy) == 0)
			return 0;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
			names[i]);
	}
	return say(EXIT_USAGE, "unknown policy: %s: not one of %s", policy, list);
}

static int check_query(const struct run_options *options)
{
	char list[512] = "";

	if (options->query && sw_nexmark_query_find(options->query))
		return 0;
	for (unsigned i = 0; i < sw_nexmark_query_count(); i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
			sw_nexmark_query_at(i)->name);
	if (!options->query)
		return say(EXIT_USAGE, "no query: run: which one is missing (%s)", list);
	return say(EXIT_USAGE, "unknown query: %s: not one of %s", options->query, list);
}

static int check_places(const struct run_options *options)
{
	struct sw_place places[SW_WORKERS_MAX];
	unsigned workers = (unsigned)options->workers;
	struct sw_topology *topology;
	struct sw_error error = { 0 };
	int result;

	if (sw_topology_open(&topology, &error) != 0)
		return 0; /* the run says so, if it matters */
	result = sw_topology_place(topology, options->pin, &workers, places, &error);
	sw_topology_close(topology);
	return result ? say(EXIT_USAGE, "bad option: --pin %s: %s", options->pin, error.text) : 0;
}

static int clash(const char *option, const char *why)
{
	return say(EXIT_USAGE, "bad options: --%s: %s", option, why);
}

int run_options_check(const struct run_options *options)
{
	struct sw_error error = { 0 };
	bool none = strcmp(run_options_policy(options), "none") == 0;

	if (check_query(options) || check_policy(options))
		return EXIT_USAGE;
	if (check_places(options))
		return EXIT_USAGE;
	if (sw_nexmark_options_check(&options->generator, &error) != 0)
		return say(EXIT_USAGE, "bad option: %s", error.text);
	if (options->input && options->generator_given)
		return clash("input", "the generator's options do not go with it (leave one out)");
	if (options->input && options->is_rate_limited)
		return clash("is-rate-limited", "a file has no rate (only the generator has)");
	if (options->replay && !options->input && options->generator.num_events == 0)
		return clash(
			"replay", "an endless stream does not fit into memory (--num-events N)");
	if (options->ordered && !options->output)
		return clash("ordered", "there is nothing to order without --output");
	if (options->late && !options->input)
		return clash("late", "only a stream from files (--input) has late rows");
	if (options->endpoint && options->lambda_local)
		return clash("lambda-local", "--endpoint is given too (one of them)");
	if (options->function && strcmp(options->contract, "http") == 0)
		return clash("function", "with --contract http the URL says which (leave one out)");
	if (options->dial_back_advertise && !options->dial_back)
		return clash("dial-back-advertise", "nobody listens there (--dial-back HOST:PORT)");
	if (options->region && strcmp(options->sign, "never") == 0)
		return clash("region", "nothing is signed with --sign never (leave one out)");
	if (options->prewarm > options->max_inflight)
		return clash("prewarm", "more than may be in flight at once (--max-inflight)");
	if (!none && !options->endpoint && !options->lambda_local)
		return say(EXIT_USAGE,
			"bad options: --policy %s: it needs somewhere to spill to "
			"(--endpoint URL, or --lambda-local)",
			options->policy);
	return 0;
}
