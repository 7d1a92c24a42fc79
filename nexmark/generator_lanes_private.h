/* SPDX-License-Identifier: MIT */

/*
 * Several events at a time: the body of a vector path, included once by each of them, after
 * generator_avx2.c or generator_avx512.c has defined
 *
 *	v, d, m	LANES 64-bit integers, doubles, and a choice among them
 *	v_..., d_..., m_...	operations; names as in the instruction sets
 *	FN	attributes of a function here
 *
 * A lane is an event. The draws of all lanes are made together, whether a lane needs them or not,
 * and blended. Rows that the vector form does not get right for sure are marked in a `redo` and
 * left to the portable code: a draw that java.util.Random would throw away, a price next to a
 * rounding boundary.
 *
 * Vector forms hold only once the stream is steady, that is when there are as many open auctions
 * and active people as options ask for; before that the portable code makes all.
 */

#define DRAW1_A RANDOM_MULTIPLIER
#define DRAW1_C RANDOM_ADDEND
/* n steps at once: multiplier^n, addend * (1 + multiplier + ... + multiplier^(n - 1)) */
#define DRAW2_A ((DRAW1_A * DRAW1_A) & RANDOM_MASK)
#define DRAW2_C ((DRAW1_A * DRAW1_C + DRAW1_C) & RANDOM_MASK)

#define ID_MAX (UINT64_C(1) << 46)
/* Products up to here, divided by multiplying with an inverse made larger by 2^-50, have the exact
 * quotient when rounded down. */
#define EXACT_MAX (UINT64_C(1) << 49)
#define INVERSE(n) (1.0 / (n) * (1.0 + 0x1p-50))

/* How far from a rounding boundary, in cents, a price is sure: the vector form is off by less than
 * 1e8 * 2^-46. */
#define PRICE_MARGIN 0x1p-16

/* nextInt(n) for all lanes with one n. */
struct bound {
	v n, magic, last; /* last: greatest start of a complete run of n values */
	int shift;
	bool power; /* of two */
};

struct redo {
	uint64_t bits[CHUNK_ROWS / 64];
};

FN struct bound bound_of(uint64_t n)
{
	const int log = n > 1 ? 64 - __builtin_clzll(n - 1) : 0;
	struct bound bound;

	bound.power = (n & (n - 1)) == 0;
	bound.shift = 31 + (bound.power ? -log : log);
	bound.n = v_set(n);
	bound.magic = v_set(bound.power ? 0 : ((UINT64_C(1) << bound.shift) / n) + 1);
	bound.last = v_set((UINT64_C(1) << 31) - n);
	return bound;
}

FN v bits31(v state)
{
	return v_and(v_srl(state, 17), v_set(INT32_MAX));
}

/* Uniform below the bound, from 31 bits; adds the lanes that have to draw again to *again. */
FN v below(v u, const struct bound *bound, m *again)
{
	v quotient, r;

	if (bound->power)
		return v_srlv(u, bound->shift);
	quotient = v_srlv(v_mul32(u, bound->magic), bound->shift);
	r = v_sub(u, v_mul32(quotient, bound->n));
	*again = m_or(*again, v_gt(v_sub(u, r), bound->last));
	return r;
}

FN v step1(v state)
{
	return v_lcg(state, DRAW1_A, DRAW1_C);
}

FN v step2(v state)
{
	return v_lcg(state, DRAW2_A, DRAW2_C);
}

/* floor(10^(6 u) * 100 + 0.5) of u = bits * 2^-53; adds unsure lanes to *again. */
FN v prices(v first, v second, m *again)
{
	/* 1 / k!: what is left out is below 2^-46 of the sum */
	static const double taylor[] = { 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
		1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1.0, 1.0 };
	const v high = v_and(v_srl(first, 22), v_set((1u << 26) - 1));
	const v low = v_and(v_srl(second, 21), v_set((1u << 27) - 1));
	/* Exact, so that x has the one rounding that it has in Beam. */
	const d bits = d_fma(v_to_d(high), d_set(0x1p27), v_to_d(low));
	const d x = d_mul(bits, d_set(6 * 0x1p-53));
	const d exponent = d_mul(x, d_set(3.321928094887362347870319429489390));
	const d whole = d_round(exponent);
	const d z = d_mul(d_sub(exponent, whole), d_set(0.693147180559945309417232121458177));
	d sum = d_set(taylor[0]), rounded;

	for (unsigned k = 1; k < sizeof(taylor) / sizeof(taylor[0]); k++)
		sum = d_fma(sum, z, d_set(taylor[k]));
	sum = d_fma(d_scale(sum, whole), d_set(100.0), d_set(0.5));
	rounded = d_floor(sum);
	sum = d_sub(sum, rounded);
	*again = m_or(*again, m_or(d_lt(sum, d_set(PRICE_MARGIN)),
				      d_lt(d_set(1 - PRICE_MARGIN), sum)));
	return d_to_v(rounded);
}

FN void mark(struct redo *redo, uint32_t i, m again)
{
	redo->bits[i / 64] |= (uint64_t)m_bits(again) << (i % 64);
}

FN void store(void *column, uint32_t row, uint32_t left, v value)
{
	uint64_t *at = (uint64_t *)column + row;

	if (left >= LANES)
		v_store(at, value);
	else
		v_store_part(at, value, left);
}

/* What the bids' loop needs, broadcast. */
struct plan {
	struct bound hot_auction, cold_auction, hot_bidder, cold_bidder, extra;
	d auctions, people;          /* a group's */
	d last_auction, last_person; /* less a group's */
	d cold_auction_base, cold_bidder_base, hot_bidder_base;
	v extra_least;
};

FN void plan_init(struct plan *plan, const struct sw_nexmark_generator *generator)
{
	const struct sw_nexmark_options *options = &generator->options;

	plan->hot_auction = bound_of((uint64_t)options->hot_auction_ratio);
	plan->hot_bidder = bound_of((uint64_t)options->hot_bidders_ratio);
	plan->cold_auction = bound_of((uint64_t)options->num_in_flight_auctions + 1 + AHEAD);
	plan->cold_bidder = bound_of((uint64_t)options->num_active_people + AHEAD);
	plan->extra = bound_of(generator->bid_extra.spread > 0 ? generator->bid_extra.spread : 1);
	plan->extra_least = v_set(generator->bid_extra.least);
	plan->auctions = d_set((double)generator->auctions);
	plan->people = d_set((double)generator->people);
	plan->last_auction = d_set((double)generator->auctions - 1);
	plan->last_person = d_set((double)generator->people - 1);
	plan->cold_auction_base = d_set((double)(FIRST_ID - options->num_in_flight_auctions));
	plan->cold_bidder_base = d_set(
		(double)(generator->bidder_offset + 1 - options->num_active_people));
	plan->hot_bidder_base = d_set((double)(generator->bidder_offset + 1));
}

/* last / 100 * 100 + base */
FN v hot_id(d last, d base)
{
	const d hundreds = d_floor(d_mul(last, d_set(INVERSE(HOT_STEP))));

	return d_to_v(d_fma(hundreds, d_set(HOT_STEP), base));
}

/* Draws the auction; gives the state after it. */
FN v draw_auction(const struct plan *plan, v state, v group, v *auction, m *again)
{
	const v first = step1(state), second = step2(state);
	const m hot = v_nonzero(below(bits31(first), &plan->hot_auction, again));
	const v cold = below(bits31(second), &plan->cold_auction, again);
	const d last = d_fma(v_to_d(group), plan->auctions, plan->last_auction);

	*auction = v_blend(hot, v_add(d_to_v(d_add(last, plan->cold_auction_base)), cold),
		hot_id(last, d_set(FIRST_ID)));
	return v_blend(hot, second, first);
}

FN v draw_bidder(const struct plan *plan, v state, v group, v *bidder, m *again)
{
	const v first = step1(state), second = step2(state);
	const m hot = v_nonzero(below(bits31(first), &plan->hot_bidder, again));
	const v cold = below(bits31(second), &plan->cold_bidder, again);
	const d last = d_fma(v_to_d(group), plan->people, plan->last_person);

	*bidder = v_blend(hot, v_add(d_to_v(d_add(last, plan->cold_bidder_base)), cold),
		hot_id(last, plan->hot_bidder_base));
	return v_blend(hot, second, first);
}

/* Numbers of a chunk's bids; for each row's extra the state before its letters and its size. */
FN void bid_numbers(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	const struct out *out, uint64_t *states, uint64_t *sizes, struct redo *redo)
{
	const uint32_t later = SW_BID_BIDDER | SW_BID_PRICE | SW_BID_EXTRA;
	void *const auctions = out->data[COLUMN(SW_BID_AUCTION)];
	void *const bidders = out->data[COLUMN(SW_BID_BIDDER)];
	void *const cents = out->data[COLUMN(SW_BID_PRICE)];
	const bool extra = out->data[COLUMN(SW_BID_EXTRA)] != NULL;
	const bool spread = generator->bid_extra.spread > 0;
	struct plan plan;

	plan_init(&plan, generator);
	for (uint32_t i = 0; i < chunk->rows; i += LANES) {
		const uint32_t row = out->row + i, left = chunk->rows - i;
		const v group = v_load(chunk->group + i);
		v state = v_xor(v_load(chunk->id + i), v_set(RANDOM_MULTIPLIER)), value;
		m again = m_none();

		state = draw_auction(&plan, state, group, &value, &again);
		if (auctions != NULL)
			store(auctions, row, left, value);
		if (out->mask & later) {
			state = draw_bidder(&plan, state, group, &value, &again);
			if (bidders != NULL)
				store(bidders, row, left, value);
			if (cents != NULL)
				store(cents, row, left,
					prices(step1(state), step2(state), &again));
		}
		if (extra) {
			state = step2(state);
			value = plan.extra_least;
			if (spread) {
				state = step1(state);
				value = v_add(value, below(bits31(state), &plan.extra, &again));
			}
			v_store(states + i, state);
			v_store(sizes + i, value);
		}
		mark(redo, i, again);
	}
}

/* Codes of channel and url, from the second Random. */
FN void bid_channels(const struct chunk *chunk, int32_t *codes, struct redo *redo)
{
	const struct bound cold = bound_of(COLD_CHANNELS);

	for (uint32_t i = 0; i < chunk->rows; i += LANES) {
		v x = v_load(chunk->id + i), u, code;
		m again = m_none(), hot;

		x = v_mul64(v_xor(x, v_srl(x, 30)), UINT64_C(0xBF58476D1CE4E5B9));
		x = v_mul64(v_xor(x, v_srl(x, 27)), UINT64_C(0x94D049BB133111EB));
		x = v_xor(v_xor(x, v_srl(x, 31)), v_set(RANDOM_MULTIPLIER));
		hot = v_nonzero(v_srl(bits31(step1(x)), 30));
		u = bits31(step2(x));
		code = v_add(below(u, &cold, &again), v_set(HOT_CHANNELS));
		v_store32(codes + i, v_blend(hot, code, v_srl(u, 29)));
		mark(redo, i, again);
	}
}

FN void put_codes(const struct out *out, uint32_t column, const struct chunk *chunk,
	const struct sw_dictionary *dictionary, const int32_t *codes)
{
	if (out->data[column] == NULL)
		return;
	if (out->offsets[column] == NULL) {
		memcpy((int32_t *)out->data[column] + out->row, codes,
			chunk->rows * sizeof(*codes));
		return;
	}
	for (uint32_t i = 0; i < chunk->rows; i++)
		generator_put_code(out, column, out->row + i, dictionary, codes[i]);
}

/* exact(size) at bytes, which has room for size and LETTERS_SLACK. */
FN void letters(uint64_t state, char *bytes, uint32_t size)
{
	for (uint32_t done = 0; done < size; done += LETTERS_BLOCK) {
		letters_block(state, bytes + done);
		state = state * draws_jump.a + draws_jump.c;
	}
}

FN_OUTER void lanes_letters(uint64_t state, char *bytes, uint32_t size)
{
	letters(state, bytes, size);
}

/* The first set bit of [from, size), or size. */
FN uint32_t next_bit(const uint64_t bits[2], uint32_t from, uint32_t size)
{
	for (; from < size; from = (from / 64 + 1) * 64) {
		const uint64_t rest = bits[from / 64] >> (from % 64);

		if (rest != 0) {
			from += (uint32_t)__builtin_ctzll(rest);
			return from < size ? from : size;
		}
	}
	return size;
}

/*
 * string(max). Were every draw to begin a character, draw p would be a space or begin a letter that
 * draw p + 1 tells. So between two spaces letters are every other draw: runs of one of two arrays,
 * draws 0, 2, 4, ... and 1, 3, 5, ...
 */
FN_OUTER uint32_t lanes_words(const struct sw_nexmark_generator *generator, uint64_t *state,
	int32_t max, char *bytes)
{
	const uint64_t first = *state;
	const uint32_t size = 3 + (uint32_t)random_below(state, max - 3);
	char draws[2][WORDS_MAX + LANES + WORDS_SLACK];
	uint64_t spaces[2][2] = { { 0 } }, block = *state;
	uint32_t used = 0, p = 0;
	m again = m_none();

	for (uint32_t i = 0; i <= size; i += LANES) {
		uint32_t even, odd;

		words_block(block, draws[0] + i, draws[1] + i, &even, &odd, &again);
		spaces[0][i / 64] |= (uint64_t)even << (i % 64);
		spaces[1][i / 64] |= (uint64_t)odd << (i % 64);
		block = block * draws_jump.a + draws_jump.c;
	}
	if (m_bits(again) != 0) {
		*state = first;
		return generator_words(generator, state, max, bytes);
	}
	while (used < size) {
		const uint32_t side = p % 2, at = p / 2, left = at + (size - used);
		const uint32_t end = next_bit(spaces[side], at, left);
		const char *from = draws[!side] + at + side;

		for (uint32_t done = 0; done < end - at; done += 32)
			memcpy(bytes + used + done, from + done, 32);
		used += end - at;
		p = 2 * end + side;
		if (used < size) {
			bytes[used++] = ' ';
			p++;
		}
	}
	*state = (*state * generator->jumps[p].a + generator->jumps[p].c) & RANDOM_MASK;
	return generator_trim(bytes, size);
}

/* The extras of a chunk, in row order, and all columns of rows to be redone. */
FN void bid_extras(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	const struct out *out, const uint64_t *states, const uint64_t *sizes,
	const struct redo *redo)
{
	const uint32_t column = COLUMN(SW_BID_EXTRA);
	int32_t *const offsets = out->offsets[column] + out->row;
	char *const data = out->data[column];

	for (uint32_t i = 0; i < chunk->rows; i++) {
		const uint64_t end = (uint64_t)offsets[i] + sizes[i];

		if ((redo->bits[i / 64] >> (i % 64) & 1) ||
			end + LETTERS_SLACK > out->text_capacity[column]) {
			generator_bid(generator, chunk, i, out);
			continue;
		}
		letters(states[i], data + offsets[i], (uint32_t)sizes[i]);
		offsets[i + 1] = (int32_t)end;
	}
}

FN void redo_bids(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	const struct out *out, const struct redo *redo)
{
	for (uint32_t w = 0; w * 64 < chunk->rows; w++)
		for (uint64_t bits = redo->bits[w]; bits != 0; bits &= bits - 1) {
			const uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(bits);

			if (i < chunk->rows)
				generator_bid(generator, chunk, i, out);
		}
}

/* Whether every row's draws have their steady bounds. */
FN bool steady(const struct sw_nexmark_generator *generator, const struct chunk *chunk)
{
	const uint32_t last = chunk->rows - 1;
	uint64_t least = chunk->group[0];

	if (generator->people == 0 || generator->auctions == 0)
		return false;
	if (!generator->simple)
		for (uint32_t i = 1; i <= last; i++)
			least = chunk->group[i] < least ? chunk->group[i] : least;
	if (chunk->id[0] > ID_MAX || chunk->id[last] > ID_MAX)
		return false;
	return (least + 1) * generator->auctions >
		       (uint64_t)generator->options.num_in_flight_auctions &&
	       (least + 1) * generator->people >= (uint64_t)generator->options.num_active_people;
}

FN_OUTER void lanes_bids(const struct sw_nexmark_generator *generator, struct chunk *chunk,
	const struct out *out)
{
	const uint32_t drawn = SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_EXTRA;
	struct redo redo = { { 0 } };

	if (!steady(generator, chunk)) {
		generator_portable.bids(generator, chunk, out);
		return;
	}
	/* The last vector's idle lanes do some event again. */
	for (uint32_t i = chunk->rows; i % LANES != 0; i++) {
		chunk->id[i] = chunk->id[0];
		chunk->group[i] = chunk->group[0];
	}
	if (out->mask & (SW_BID_CHANNEL | SW_BID_URL)) {
		int32_t codes[CHUNK_ROWS];

		bid_channels(chunk, codes, &redo);
		put_codes(out, COLUMN(SW_BID_CHANNEL), chunk, &generator->dictionaries.channel,
			codes);
		put_codes(out, COLUMN(SW_BID_URL), chunk, &generator->dictionaries.url, codes);
	}
	if (out->mask & drawn) {
		uint64_t states[CHUNK_ROWS], sizes[CHUNK_ROWS];

		bid_numbers(generator, chunk, out, states, sizes, &redo);
		if (out->mask & SW_BID_EXTRA) {
			bid_extras(generator, chunk, out, states, sizes, &redo);
			return;
		}
	}
	redo_bids(generator, chunk, out, &redo);
}

FN_OUTER void lanes_times(const struct stream_time *time, struct chunk *chunk, int64_t *ms)
{
	uint64_t *const numbers = chunk->number;
	const uint32_t rows = chunk->rows;
	struct stream_segment segment;
	uint64_t least = numbers[0], most = numbers[0], start;
	d num, rest, inverse;

	for (uint32_t i = 1; i < rows; i++) {
		least = numbers[i] < least ? numbers[i] : least;
		most = numbers[i] > most ? numbers[i] : most;
	}
	stream_time_locate(time, least, &segment);
	/* Beyond these bounds (at a step's end, or in a strange stream) the slow way is right. */
	if (most >= segment.end || segment.num >= EXACT_MAX ||
		(most - least + 1) * (unsigned __int128)segment.num + segment.den > EXACT_MAX ||
		(least - segment.first) * (unsigned __int128)segment.num > INT64_MAX) {
		stream_time_fill(time, numbers, rows, ms);
		return;
	}
	start = (least - segment.first) * segment.num;
	num = d_set((double)segment.num);
	rest = d_set((double)(start % segment.den));
	inverse = d_set(INVERSE((double)segment.den));
	start = (uint64_t)segment.start_ms + start / segment.den;
	for (uint32_t i = rows; i % LANES != 0; i++)
		numbers[i] = numbers[0];
	for (uint32_t i = 0; i < rows; i += LANES) {
		const d number = v_to_d(v_sub(v_load(numbers + i), v_set(least)));
		const d scaled = d_floor(d_mul(d_fma(number, num, rest), inverse));

		store(ms, i, rows - i, v_add(d_to_v(scaled), v_set(start)));
	}
}
