/* SPDX-License-Identifier: MIT */
#include "nexmark/generator_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/random_private.h"

/* The texts of low cardinality: made once, then handed out as codes. */

#define ENTRY_MAX 96
#define CHANNELS  (HOT_CHANNELS + COLD_CHANNELS)

static const char *const hot_channels[HOT_CHANNELS] = { "Google", "Facebook", "Baidu", "Apple" };
static const char *const cities[] = { "Phoenix", "Los Angeles", "San Francisco", "Boise",
	"Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne" };
static const char *const states[] = { "AZ", "CA", "ID", "OR", "WA", "WY" };

#define CITIES (sizeof(cities) / sizeof(cities[0]))
#define STATES (sizeof(states) / sizeof(states[0]))

/* Three to four letters, with '_' for the space. */
static void path_part(uint64_t *state, char part[5])
{
	const int32_t size = 3 + random_below(state, 2);

	for (int32_t i = 0; i < size; i++)
		part[i] =
			random_below(state, 13) == 0 ? '_' : (char)('a' + random_below(state, 26));
	part[size] = '\0';
}

static int32_t reversed(uint32_t bits)
{
	uint32_t result = 0;

	for (int i = 0; i < 32; i++, bits >>= 1)
		result = result << 1 | (bits & 1);
	return (int32_t)result;
}

/* The url that a channel code always has; returns its size. */
static int channel_url(int32_t code, char url[ENTRY_MAX])
{
	const bool hot = code < HOT_CHANNELS;
	const int32_t number = hot ? COLD_CHANNELS + code : code - HOT_CHANNELS;
	uint64_t state = random_seed((uint64_t)number);
	char part[3][5];
	int size;
	int32_t id;

	for (int i = 0; i < 3; i++)
		path_part(&state, part[i]);
	size = snprintf(url, ENTRY_MAX, "https://www.nexmark.com/%s/%s/%s/item.htm?query=1",
		part[0], part[1], part[2]);
	if (hot || random_below(&state, 10) == 0)
		return size;
	/* Like Java's, this absolute value leaves the least integer negative. */
	id = reversed((uint32_t)number);
	if (id < 0 && id != INT32_MIN)
		id = -id;
	return size + snprintf(url + size, (size_t)(ENTRY_MAX - size), "&channel_id=%d", id);
}

static int channel_name(int32_t code, char name[ENTRY_MAX])
{
	if (code < HOT_CHANNELS)
		return snprintf(name, ENTRY_MAX, "%s", hot_channels[code]);
	return snprintf(name, ENTRY_MAX, "channel-%d", code - HOT_CHANNELS);
}

static int city_name(int32_t code, char name[ENTRY_MAX])
{
	return snprintf(name, ENTRY_MAX, "%s", cities[code]);
}

static int state_name(int32_t code, char name[ENTRY_MAX])
{
	return snprintf(name, ENTRY_MAX, "%s", states[code]);
}

/* Lays a dictionary out in *at: offsets, then bytes; moves *at on. */
static void fill(struct sw_dictionary *dictionary, uint32_t entries,
	int (*text)(int32_t code, char bytes[ENTRY_MAX]), char **at)
{
	int32_t *offsets = (int32_t *)*at;
	char *bytes = *at + ((size_t)entries + 1) * sizeof(*offsets);
	char entry[ENTRY_MAX];

	offsets[0] = 0;
	for (uint32_t i = 0; i < entries; i++) {
		const int size = text((int32_t)i, entry);

		memcpy(bytes + offsets[i], entry, (size_t)size);
		offsets[i + 1] = offsets[i] + size;
	}
	*dictionary = (struct sw_dictionary){ entries, offsets, bytes };
	/* The next one's offsets need their alignment. */
	*at = bytes + ((size_t)offsets[entries] + 7) / 8 * 8;
}

int generator_dictionaries(struct dictionaries *dictionaries)
{
	const size_t entries = 2 * (size_t)CHANNELS + CITIES + STATES;
	char *at;

	at = malloc(entries * (ENTRY_MAX + sizeof(int32_t)) + 256);
	if (at == NULL)
		return -ENOMEM;
	dictionaries->block = at;
	fill(&dictionaries->channel, CHANNELS, channel_name, &at);
	fill(&dictionaries->url, CHANNELS, channel_url, &at);
	fill(&dictionaries->city, CITIES, city_name, &at);
	fill(&dictionaries->state, STATES, state_name, &at);
	return 0;
}

struct sw_text generator_entry(const struct sw_dictionary *dictionary, int32_t code)
{
	return (struct sw_text){ dictionary->bytes + dictionary->offsets[code],
		(uint32_t)(dictionary->offsets[code + 1] - dictionary->offsets[code]) };
}
