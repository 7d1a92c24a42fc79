/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_PLOT_H
#define SW_TOOLS_SPILLWAY_PLOT_H

/* The demo's figure: both runs over time, by gnuplot, as SVG and PNG. */

struct plot {
	const char *folder; /* holds none.csv and spillway.csv; the figure goes there */
	double spike_from_s, spike_to_s, schedule_s; /* base, spike, base */
	double base_per_s, spike_per_s, capacity_per_s;
	double end_s; /* of the longer run */
	double op_delay_us;
};

/* Writes FOLDER/demo.gp and runs gnuplot on it: demo.svg, demo.png. 0 or EXIT_FAILED, said. */
int plot_make(const struct plot *plot);

#endif
