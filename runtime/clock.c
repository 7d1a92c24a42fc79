/* SPDX-License-Identifier: MIT */
/* Burning time. The clocks themselves are inline in the header. */

#include "runtime/clock.h"

void sw_burn_until(uint64_t until_ns)
{
	while (sw_now_ns() < until_ns)
		sw_cpu_relax();
}
