/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "nexmark/query.h"
#include "tools/spillway/commands.h"
#include "tools/spillway/message.h"
#include "tools/spillway/options.h"

static const char *or_none(const char *text)
{
	return text && text[0] ? text : "none";
}

int cmd_queries(int argc, char **argv)
{
	struct command_line line = { .command = "queries" };
	int code = options_parse(&line, argc, argv);

	if (code)
		return code;
	if (line.help) {
		puts("usage: spillway queries\n\n"
		     "Lists the queries: columns read, columns of the result, keys, what spills "
		     "and what state is held.");
		return EXIT_DONE;
	}
	for (unsigned i = 0; i < sw_nexmark_query_count(); i++) {
		const struct sw_nexmark_query *query = sw_nexmark_query_at(i);

		printf("%-9s %s\n"
		       "  reads   %s\n  gives   %s\n  keys    %s\n  spills  %s\n  state   %s\n",
			query->name, query->title, query->reads, query->columns,
			or_none(query->keys), or_none(query->spills), or_none(query->state));
	}
	return EXIT_DONE;
}
