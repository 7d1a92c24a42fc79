/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_RUN_OPTIONS_H
#define SW_TOOLS_SPILLWAY_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "nexmark/options.h"
#include "tools/spillway/options.h"

/* What `run` can be told, as typed. Texts are borrowed from the command line. */

struct run_options {
	const char *query;

	/* Source. */
	struct sw_nexmark_options generator;
	const char *input;
	bool replay, is_rate_limited;
	bool generator_given; /* some option of the generator was */

	/* Engine. */
	uint64_t workers; /* 0: one per core */
	const char *pin;
	uint64_t batch_rows, ring_slots;
	const char *huge_pages, *state;
	uint64_t max_state_bytes;
	double op_delay_us;

	/* Query. */
	uint64_t watermark_delay_ms;
	const char *processing_time, *side_input;
	bool tokens;

	/* Sink. */
	const char *output, *changelog, *late;
	bool checksum, ordered;

	/* Bursting. */
	const char *policy; /* null: by what else is given */
	double spill_share;
	const char *endpoint, *function, *contract, *ca, *lambda_local, *sign, *region;
	uint64_t sample_us, max_inflight, max_invocations, deadline_ms, retries;
	uint64_t prewarm, prewarm_every_s;
	double budget_usd_per_hour;
	const char *dial_back, *dial_back_advertise;
	uint64_t dial_back_ms;

	/* Report. */
	const char *report, *progress, *trace;

	/* Not options: what the demo and the experiments want beyond them. */
	const struct sw_nexmark_pace *pace; /* with is_rate_limited; null: the generator's rates */
	double stop_after_s;                /* sources end then; 0: when their events do */
	bool cut_stages;     /* rings before burstable stages also where nothing is spilled */
	const char *command; /* as typed, for reports */
	const char *title;   /* in front of the progress line */
};

void run_options_init(struct run_options *options);
/* The tables to hand to options_parse: run's own and the generator's. */
#define RUN_OPTION_SETS 2
void run_options_sets(struct run_options *options, struct option_set sets[RUN_OPTION_SETS]);
/* The generator's alone, for `generate`. */
struct option_set generator_option_set(struct sw_nexmark_options *options);
/* What only holds between options. 0 or EXIT_USAGE, said. */
int run_options_check(const struct run_options *options);
/* The policy in force. */
const char *run_options_policy(const struct run_options *options);

void run_options_print(FILE *out);
void generator_options_print(FILE *out);

#endif
