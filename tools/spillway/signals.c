/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "tools/spillway/signals.h"

static volatile sig_atomic_t seen;

static void on_signal(int number)
{
	(void)number;
	seen = seen + 1;
}

void signals_install(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int signals_seen(void)
{
	return seen;
}
