/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_KERNELS_H
#define SW_NEXMARK_KERNELS_H

#include "runtime/kernel.h"

/* Every kernel of the queries, by name: what a function must be able to run. Any thread. */

SW_BEGIN_DECLS

SW_API const struct sw_kernel *sw_nexmark_kernel(const char *name); /* null: unknown */
SW_API unsigned sw_nexmark_kernel_count(void);
SW_API const struct sw_kernel *sw_nexmark_kernel_at(unsigned index); /* null: out of range */

SW_END_DECLS

#endif
