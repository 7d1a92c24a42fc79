/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_BURST_H
#define SW_BURST_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"
#include "runtime/outlet.h"

/*
 * Cloud bursting for a graph: batches that would wait too long leave through outlets to a function
 * behind an HTTP/2 endpoint, and come back as the kernel's answers or to be run locally after all.
 *
 * One burst serves one graph at a time: give sw_burst_provider() in the graph's options; it must
 * outlive the graph. It runs two threads between the graph's start and end: I/O and, for policies
 * that sample, the controller.
 */

SW_BEGIN_DECLS

struct sw_burst;

#define SW_BURST_INFLIGHT_MAX 1024

/* How a batch is put to the endpoint, and its answer given. */
enum sw_burst_contract {
	/* HTTP at a Function URL, at an API of AWS's, and where the URL has a path; else INVOKE. */
	SW_BURST_CONTRACT_AUTO,
	SW_BURST_CONTRACT_INVOKE, /* Lambda's Invoke API: Base64 in JSON, for a function by name */
	SW_BURST_CONTRACT_HTTP,   /* the frame itself, by POST to the URL as it is */
};

/* AWS Signature Version 4 on requests, with the credentials that AWS's own tools would use. */
enum sw_burst_sign {
	SW_BURST_SIGN_AUTO, /* when the endpoint is AWS's or a region is given, and there are any */
	SW_BURST_SIGN_ALWAYS, /* wherever it is; without credentials nothing is sent */
	SW_BURST_SIGN_NEVER,
};

struct sw_burst_options {
	size_t size;          /* sizeof(struct sw_burst_options) */
	const char *policy;   /* default "spillway"; one of sw_burst_policies(); copied */
	double spill_share;   /* "fixed": share of eligible batches, 0..1; default 0.5 */
	const char *endpoint; /* required but for "none": "https://HOST[:PORT][/...]"; copied */
	enum sw_burst_contract contract; /* default SW_BURST_CONTRACT_AUTO */
	const char *function;    /* INVOKE only: name at the endpoint; null: "spillway"; copied */
	const char *ca_file;     /* PEM the peer is checked against; null: the system's; copied */
	enum sw_burst_sign sign; /* default SW_BURST_SIGN_AUTO */
	const char *region;    /* of the signature; null: the endpoint's or environment's; copied */
	uint32_t sample_us;    /* controller's period, 50..2000000; default 250 */
	uint32_t max_inflight; /* invocations at once, 1..SW_BURST_INFLIGHT_MAX; default 64 */
	/* Of one run; retries, hedges and prewarms included. 0: no limit. */
	uint64_t max_invocations;
	/* Most in any hour, half of it at once at most; an invocation counts with what it may cost
	 * until its deadline. 0: no limit; -EINVAL where half of it does not pay for one. */
	double budget_usd_per_hour;
	uint32_t deadline_ms; /* of one attempt, 1..900000; default 10000 */
	/* Of one batch after the first attempt, 0..100; default 3. Of all batches together at most
	 * 15 of 100, and 10 at once, of what may have run; beyond that they are run locally. */
	uint32_t retries;
	/* Environments to start before there is work for them, by as many invocations without rows
	 * at once: counted, capped and billed like all others. 0..max_inflight; default 0. */
	uint32_t prewarm;
	uint32_t prewarm_every_s; /* again after so long; 0: at the start only; at most 86400 */
	uint32_t function_mb;     /* memory of the function, for cost, 128..10240; default 1769 */
	/* Functions connect to this HOST:PORT of ours and work through batches, where they can;
	 * port 0: any; null: each batch is an invocation; copied. And what they are told instead,
	 * where that is another address; null: the same; copied. */
	const char *dial_back, *dial_back_advertise;
	uint32_t dial_back_ms; /* a function stays so long at most, 1000..900000; default 25000 */
	uint64_t seed;         /* of the back-off's jitter and the job's number; 0: random */
	/* Warnings for people, at most a few a second, on any of burst's threads; null: dropped. */
	void (*log)(void *context, const char *text);
	void *log_context;
};

#define SW_BURST_OPTIONS_INIT                                                                      \
	{                                                                                          \
		.size = sizeof(struct sw_burst_options), .policy = "spillway", .spill_share = 0.5, \
		.sample_us = 250, .max_inflight = 64, .deadline_ms = 10000, .retries = 3,          \
		.function_mb = 1769, .dial_back_ms = 25000                                         \
	}

/*
 * 0; -ENOTSUP: libcurl at run time is too old (the text says which and how to get a newer one);
 * -EINVAL: an option (the text names it); -ENOMEM. No connection is made before the graph starts.
 */
SW_API SW_MUST_CHECK int sw_burst_create(
	const struct sw_burst_options *options, struct sw_burst **burst, struct sw_error *error);
/* After the graph is destroyed. Null is fine. */
SW_API void sw_burst_destroy(struct sw_burst *burst);

/* For sw_graph_options.outlets; belongs to the burst. */
SW_API const struct sw_outlet_provider *sw_burst_provider(struct sw_burst *burst);

/* Names, ended by null. Static. */
SW_API const char *const *sw_burst_policies(void);

/* 0, or -ENOTSUP with the reason: HTTP/2 spilling needs libcurl 8 or newer, with HTTP/2 and TLS. */
SW_API int sw_burst_supported(struct sw_error *error);

/* Times in us; count 0: the others mean nothing. */
struct sw_burst_times {
	uint64_t count;
	uint64_t p50, p90, p99, max;
};

/* One of the two ways to a function: an invocation for each batch, or dial-back. */
struct sw_burst_way {
	uint64_t batches, rows;              /* that came back as answers */
	uint64_t bytes_sent, bytes_received; /* HTTP bodies, or frames */
	struct sw_burst_times round_trip;
	uint64_t cpu_ns; /* CPU time of the I/O thread: encoding, TLS, reading answers */
};

struct sw_burst_stats {
	const char *policy;         /* static */
	const char *contract;       /* static, "invoke" or "http"; null: nothing can leave */
	uint64_t batches_eligible;  /* that passed an outlet, spilled or not */
	uint64_t batches_spilled;   /* taken by an outlet */
	uint64_t batches_merged;    /* came back as answers */
	uint64_t batches_reclaimed; /* came back to be run locally */
	uint64_t outstanding; /* taken and not yet back; after a cancelled run: dropped with it */
	uint64_t rows_spilled;
	uint64_t attempts;     /* requests sent: retries, hedges and prewarms included */
	uint64_t hedges;       /* second requests for slow batches */
	uint64_t prewarms;     /* requests without rows, to start environments */
	uint64_t late_answers; /* good answers that came after the batch was decided; dropped */
	uint64_t lost;         /* spilled - merged - reclaimed - outstanding: 0 */
	uint64_t doubled;      /* came back twice: 0 */
	uint64_t throttled, function_errors, timeouts, transport_errors, corrupt;
	struct sw_burst_times onset_to_wire; /* fill reaches the threshold -> first byte sent */
	struct sw_burst_times round_trip; /* of good attempts: first byte sent -> answer decoded */
	uint32_t inflight, inflight_max;  /* invocations, now and most ever */
	uint64_t cold_starts;             /* as told by the endpoint */
	uint64_t bytes_sent, bytes_received; /* HTTP bodies */
	uint64_t function_us;                /* billed time as told by the endpoint */
	bool function_us_known;              /* false: the endpoint did not tell (yet) */
	double usd;           /* requests + function time (round trips where it is not told) */
	uint64_t io_cpu_ns;   /* CPU time of the I/O thread */
	uint64_t invocations; /* attempts that were, and invitations */
	struct sw_burst_way invoke, dial_back;
	uint64_t invitations;      /* functions asked to dial back */
	uint64_t dial_connections; /* that did */
	uint64_t dial_refused;     /* connections that were not theirs, or said nothing */
	bool breaker_open;         /* the endpoint fails so often that it is only probed */
};

/* Any thread, also after the run (until the next one starts). */
SW_API void sw_burst_stats(const struct sw_burst *burst, struct sw_burst_stats *stats);

/*
 * Any thread. Copies why edge `edge` (number in the graph) spills or not, as of now, e.g. "never:
 * 38 ns to ship, 3 ns to compute". -ENOENT: the edge has no outlet.
 */
SW_API int sw_burst_edge_why(
	const struct sw_burst *burst, uint32_t edge, char *text, size_t text_bytes);

SW_END_DECLS

#endif
