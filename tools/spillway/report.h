/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_REPORT_H
#define SW_TOOLS_SPILLWAY_REPORT_H

#include <jansson.h>

#include "tools/spillway/run.h"

/* The report as JSON; figures that are absent are null. Null: memory is out. The caller's. */
json_t *report_json(const struct run_report *report);

/* Its "environment": the machine and the build. */
json_t *report_environment(const struct run_options *options);

/* Writes the report and closes the file. 0 or EXIT_FAILED, said. */
int report_write(const struct run_report *report, FILE *file, const char *path);

/* A summary for people. */
void report_summary(const struct run_report *report, FILE *out);

#endif
