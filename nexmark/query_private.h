/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_QUERY_PRIVATE_H
#define SW_NEXMARK_QUERY_PRIVATE_H

#include "nexmark/event.h"
#include "nexmark/query.h"
#include "operators/csv_file.h"
#include "operators/partition_sink.h"
#include "operators/sink_totals.h"
#include "runtime/kernel.h"

/* Which clock the source's watermarks are in. */
enum time_domain { TIME_OF_EVENT, TIME_OF_ARRIVAL };

/* What is known of a stream beforehand, which allows to forget state without changing a result. */
struct stream_facts {
	bool never_late; /* no row is below the watermark that came before it */
	bool unique_ids; /* no two auctions and no two persons have the same id */
};

/* What a query reads of one kind of event: source -> kernel -> first merge (or sink). */
struct plan_input {
	uint32_t columns; /* mask; 0: nothing of this kind */
	const struct sw_kernel *kernel;
	const void *kernel_config; /* kernel->config_bytes; null: none */
	/* Most rows that the kernel can give; null: never more than its output batches hold. The
	 * source makes its batches small enough. */
	uint64_t (*kernel_rows)(uint64_t rows, uint64_t text_bytes);
	unsigned key_column; /* of the kernel's output: instances of the first merge own keys */
	/* Where the first merge is a join, and keeps its rows forward: this input's are kept apart.
	 */
	bool kept_apart;
};

/* A stateful stage. The first has an input for each kind of event that is read, in the order
 * person, auction, bid; the second takes the first's output. */
struct plan_merge {
	const struct sw_operator *op;
	const void *config;
	const struct sw_schema *out;
	bool forward;        /* each worker merges its own rows: they are not exchanged by key */
	unsigned key_column; /* of `out`, where a second merge follows */
	size_t text_bytes;   /* room for text in a batch of `out`, at least; 0: by schema */
};

#define PLAN_MERGES_MAX   2
#define PLAN_CONFIG_BYTES 4096

/*
 * How a query is carried out: source -> kernels -> merges (none for stateless ones) -> sink.
 * Schemas, kernels and configs are static, or in the plan's own space (plan_config).
 */
struct query_plan {
	struct plan_input inputs[SW_NEXMARK_EVENTS]; /* by enum sw_nexmark_event */
	enum time_domain time_domain;
	bool leaves_out_late; /* rows below the watermark (CSV) */
	struct plan_merge merges[PLAN_MERGES_MAX];
	unsigned merge_count;
	const struct sw_schema *result; /* of what reaches the sink */
	struct plan_sink {
		/* With an output the sink writes a folder (q10): operators/partition_sink.h. */
		bool partitioned;
		unsigned time_column; /* of the result */
		int64_t period_ms;
		void (*folder_name)(int64_t time_ms, char name[SW_PARTITION_NAME_BYTES]);
	} sink;
	struct stream_facts facts; /* set before plan() is called */
	size_t config_used;
	_Alignas(16) uint8_t config_space[PLAN_CONFIG_BYTES];
};

/* Zeroed bytes that live as long as the plan; asserts that there is room. */
void *plan_config(struct query_plan *plan, size_t bytes);
/* Adds a merge after those that there are: what it gives is the result so far. The caller may set
 * what else there is to say of it. */
struct plan_merge *plan_add_merge(struct query_plan *plan, const struct sw_operator *op,
	const void *config, const struct sw_schema *out);

/* A query: what it is, and how options make a plan of it. One file each. */
struct query {
	struct sw_nexmark_query about;
	int (*plan)(const struct sw_nexmark_job_options *options, struct query_plan *plan,
		struct sw_error *error);
	/* Frees what plan() made beside its configs (tables); null: nothing. Also after a failed
	 * plan(), and with the graph destroyed. */
	void (*unplan)(struct query_plan *plan);
};

extern const struct query query_q0, query_q1, query_q2, query_q3, query_q4, query_q5, query_q6,
	query_q7, query_q8, query_q9, query_q10, query_q11, query_q12, query_q13, query_q14,
	query_q15, query_q16, query_q17, query_q18, query_q19, query_q20, query_q21, query_q22,
	query_q23, query_cep0, query_cep1, query_cep2, query_cep3, query_tokenize;

/* ---- Sources ---- */

/* What all instances of a source share; see source_generator.c. */
struct source_shared;

/*
 * A source has an output for each kind of event that the plan reads, in the order person, auction,
 * bid. Its one watermark goes to all of them.
 */
struct source_config {
	const struct sw_nexmark_generator *generator; /* null: CSV */
	const struct query_plan *plan;
	/* What is made of each kind; null: nothing. */
	const struct sw_schema *schemas[SW_NEXMARK_EVENTS];
	uint32_t rows[SW_NEXMARK_EVENTS]; /* of a batch, at most */
	bool rate_limited, replay;
	const struct sw_nexmark_pace *pace; /* null: the generator's rates */
	struct source_shared *shared;
	int64_t (*clock_ms)(void *context);
	void *clock_context;
	bool (*stopped)(void *context);
	void *stopped_context;
	/* CSV */
	const char *input_dir;
	int64_t watermark_delay_ms;
	struct sw_csv_file *late; /* null: late rows go nowhere */
};

/* The source's output for this kind of event, which the plan reads. */
static inline unsigned source_output(const struct query_plan *plan, enum sw_nexmark_event type)
{
	unsigned output = 0;

	for (unsigned i = 0; i < (unsigned)type; i++)
		output += plan->inputs[i].columns != 0;
	return output;
}

struct source_shared *source_shared_create(void); /* null: memory is out */
void source_shared_destroy(struct source_shared *shared);
uint64_t source_late_rows(const struct source_shared *shared);

extern const struct sw_operator source_generator, source_replay, source_csv;

/* Most rows of a batch of at most `rows` whose kernel output fits, at row_bytes bytes of text a
 * row; 0: not even one row does. */
uint32_t source_batch_rows(const struct plan_input *input, uint32_t rows, uint64_t row_bytes);
/* Text of one row at most. */
uint64_t source_row_text(const struct sw_schema *schema);

/* Room for each text column of a batch of a CSV source, and so the longest field it takes. */
#define CSV_TEXT_BYTES 65536u

#endif
