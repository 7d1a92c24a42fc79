/* SPDX-License-Identifier: MIT */
#include "nexmark/kernels.h"

#include <string.h>

#include "nexmark/queries_private.h"

static const struct sw_kernel *const kernels[] = {
	&kernel_q0,
	&kernel_q1,
	&kernel_q2,
	&kernel_q3_persons,
	&kernel_q3_auctions,
	&kernel_q4_auctions,
	&kernel_q4_bids,
	&kernel_q5,
	&kernel_q6_auctions,
	&kernel_q7,
	&kernel_q8_persons,
	&kernel_q8_auctions,
	&kernel_q9_auctions,
	&kernel_q9_bids,
	&kernel_q10,
	&kernel_q11,
	&kernel_q12_arrival,
	&kernel_q12_event,
	&kernel_q13,
	&kernel_q14,
	&kernel_q15,
	&kernel_q16,
	&kernel_q17,
	&kernel_q18,
	&kernel_q19,
	&kernel_q20_auctions,
	&kernel_q20_bids,
	&kernel_q21,
	&kernel_q22,
	&kernel_q23_persons,
	&kernel_q23_auctions,
	&kernel_q23_bids,
	&kernel_cep,
	&kernel_tokenize,
	&kernel_tokens,
};

int hand_on(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	(void)in;
	(void)out;
	return 0;
}

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
