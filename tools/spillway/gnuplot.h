/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_GNUPLOT_H
#define SW_TOOLS_SPILLWAY_GNUPLOT_H

/* Runs gnuplot on SCRIPT in a folder and waits for it. 0 or EXIT_FAILED, said. */
int gnuplot_run(const char *folder, const char *script);

#endif
