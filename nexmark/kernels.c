/* SPDX-License-Identifier: MIT */
#include "nexmark/kernels.h"

#include <string.h>

#include "nexmark/queries_private.h"

static const struct sw_kernel *const kernels[] = {
	&kernel_q0,
	&kernel_q1,
	&kernel_q2,
	&kernel_q7,
	&kernel_q12_arrival,
	&kernel_q12_event,
	&kernel_tokenize,
	&kernel_tokens,
};

unsigned sw_nexmark_kernel_count(void)
{
	return sizeof(kernels) / sizeof(kernels[0]);
}

const struct sw_kernel *sw_nexmark_kernel_at(unsigned index)
{
	return index < sw_nexmark_kernel_count() ? kernels[index] : NULL;
}

const struct sw_kernel *sw_nexmark_kernel(const char *name)
{
	for (unsigned i = 0; i < sw_nexmark_kernel_count(); i++)
		if (!strcmp(kernels[i]->name, name))
			return kernels[i];
	return NULL;
}
