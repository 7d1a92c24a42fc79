/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_SIGNALS_H
#define SW_TOOLS_SPILLWAY_SIGNALS_H

/* SIGINT and SIGTERM: the first ends a run gently, the second at once. SIGPIPE is ignored. */

void signals_install(void);
int signals_seen(void);

#endif
