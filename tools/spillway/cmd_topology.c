/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "nexmark/query.h"
#include "runtime/topology.h"
#include "tools/spillway/commands.h"
#include "tools/spillway/message.h"
#include "tools/spillway/options.h"

struct topology_options {
	uint64_t workers;
	const char *pin, *query;
};

#define AT(field) offsetof(struct topology_options, field)

static const struct option_row rows[] = {
	ROW_COUNT("workers", workers, "N", "one per core", "worker threads", 1, SW_WORKERS_MAX),
	ROW_TEXT("pin", pin, "auto|none|LIST", "auto",
		"where workers are pinned; LIST is of cpus, like 0,2-5"),
	ROW_TEXT("query", query, "QUERY", "q7", "whose rings and pools are shown"),
};

static int help(void)
{
	puts("usage: spillway topology [options]\n\n"
	     "Shows packages, nodes, caches and cores, and where each worker, ring and pool of\n"
	     "a query would go, and why.\n");
	options_print(stdout, rows, sizeof(rows) / sizeof(rows[0]));
	return EXIT_DONE;
}

static int print_workers(const struct topology_options *options)
{
	unsigned workers = (unsigned)options->workers;
	struct sw_place places[SW_WORKERS_MAX];
	struct sw_topology *topology;
	struct sw_error error = { 0 };
	int code = EXIT_DONE;

	if (sw_topology_open(&topology, &error) != 0)
		return say(EXIT_FAILED, "topology failed: %s", error.text);
	if (sw_topology_place(topology, options->pin, &workers, places, &error) != 0) {
		code = say(EXIT_USAGE, "bad option: --pin %s: %s", options->pin, error.text);
		goto done;
	}
	sw_topology_print(topology, stdout);
	puts("\nworkers");
	for (unsigned i = 0; i < workers; i++) {
		if (places[i].cpu < 0)
			printf("  %-3u not pinned: %s\n", i, places[i].why);
		else
			printf("  %-3u cpu %d, node %d: %s\n", i, places[i].cpu, places[i].node,
				places[i].why);
	}
done:
	sw_topology_close(topology);
	return code;
}

static int print_plan(const struct topology_options *options)
{
	struct sw_graph_options graph_options = SW_GRAPH_OPTIONS_INIT;
	struct sw_nexmark_job_options job_options = SW_NEXMARK_JOB_OPTIONS_INIT;
	struct sw_nexmark_job *job = NULL;
	struct sw_graph *graph = NULL;
	struct sw_error error = { 0 };
	int code = EXIT_DONE;

	graph_options.workers = (unsigned)options->workers;
	graph_options.pin = options->pin;
	job_options.query = options->query;
	if (sw_graph_create(&graph_options, &graph, &error) != 0 ||
		sw_nexmark_job_create(graph, &job_options, &job, &error) != 0) {
		code = say(EXIT_FAILED, "topology failed: %s", error.text);
	} else {
		printf("\nplan of %s\n", options->query);
		sw_graph_print_plan(graph, stdout);
	}
	sw_graph_destroy(graph);
	sw_nexmark_job_destroy(job);
	return code;
}

int cmd_topology(int argc, char **argv)
{
	struct topology_options options = { .pin = "auto", .query = "q7" };
	struct option_set set = { rows, sizeof(rows) / sizeof(rows[0]), &options, NULL, NULL };
	struct command_line line = { .command = "topology", .sets = &set, .set_count = 1 };
	int code = options_parse(&line, argc, argv);

	if (code)
		return code;
	if (line.help)
		return help();
	if (!sw_nexmark_query_find(options.query))
		return say(EXIT_USAGE,
			"unknown query: %s: not one of those that spillway queries "
			"lists",
			options.query);
	code = print_workers(&options);
	return code ? code : print_plan(&options);
}
