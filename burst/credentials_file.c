/* SPDX-License-Identifier: MIT */
/* Profiles in the shared credentials and config files. Both are read whole, and wiped. */
#include "burst/credentials_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "burst/secret.h"

enum { PROFILE_BYTES = 128, SETTING_BYTES = 64 };

/* A file's text that is being taken apart, and what the present profile has had. */
struct reading {
	const char *path;
	bool is_config; /* sections are called "profile NAME" */
	struct sw_keys *keys;
	char profile[PROFILE_BYTES]; /* empty: none, or a section of another kind */
	/* A way to credentials that is not known here; empty: none. */
	char other_way[SETTING_BYTES];
};

/* Whole lines of text; the last may lack its end. */
struct line {
	const char *text;
	size_t bytes;
};

static bool next_line(const char **at, struct line *line)
{
	if (**at == '\0')
		return false;
	line->text = *at;
	line->bytes = strcspn(*at, "\n");
	*at += line->bytes + ((*at)[line->bytes] == '\n');
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct line *line)
{
	while (line->bytes > 0 && is_blank(line->text[0])) {
		line->text++;
		line->bytes--;
	}
	while (line->bytes > 0 && is_blank(line->text[line->bytes - 1]))
		line->bytes--;
}

/* A comment within a line needs a blank before it. */
static void cut_comment(struct line *line)
{
	for (size_t i = 1; i < line->bytes; i++) {
		if ((line->text[i] == '#' || line->text[i] == ';') && is_blank(line->text[i - 1])) {
			line->bytes = i;
			break;
		}
	}
	trim(line);
}

static bool is(const struct line *line, const char *text)
{
	return strlen(text) == line->bytes && memcmp(line->text, text, line->bytes) == 0;
}

/* "[NAME]" or, in a config file, "[profile NAME]" and "[default]". */
static void take_section(struct reading *reading, struct line line)
{
	static const char word[] = "profile";
	const char *end = memchr(line.text, ']', line.bytes);
	const size_t word_bytes = sizeof(word) - 1;

	reading->profile[0] = '\0';
	if (!end)
		return;
	line.text++;
	line.bytes = (size_t)(end - line.text);
	trim(&line);
	if (reading->is_config && !is(&line, "default")) {
		if (line.bytes <= word_bytes || memcmp(line.text, word, word_bytes) != 0 ||
			!is_blank(line.text[word_bytes]))
			return;
		line.text += word_bytes;
		line.bytes -= word_bytes;
		trim(&line);
	}
	if (line.bytes >= sizeof(reading->profile))
		return;
	memcpy(reading->profile, line.text, line.bytes);
	reading->profile[line.bytes] = '\0';
}

static void note_other_way(struct reading *reading, const struct line *name)
{
	static const char *const ways[] = { "role_arn", "sso_session", "sso_start_url",
		"credential_process", "web_identity_token_file" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (is(name, ways[i]))
			strcpy(reading->other_way, ways[i]);
	}
}

static int take_setting(struct reading *reading, const struct line *line, struct sw_error *error)
{
	const char *equals = memchr(line->text, '=', line->bytes);
	struct sw_keys *keys = reading->keys;
	struct line name, value;
	bool fits = true;

	if (!equals)
		return 0;
	name = (struct line){ line->text, (size_t)(equals - line->text) };
	value = (struct line){ equals + 1, line->bytes - name.bytes - 1 };
	trim(&name);
	cut_comment(&value);
	if (is(&name, "aws_access_key_id"))
		fits = credentials_copy(
			keys->access_key, sizeof(keys->access_key), value.text, value.bytes);
	else if (is(&name, "aws_secret_access_key"))
		fits = credentials_copy(
			keys->secret_key, sizeof(keys->secret_key), value.text, value.bytes);
	else if (is(&name, "aws_session_token"))
		fits = credentials_copy(
			keys->session_token, sizeof(keys->session_token), value.text, value.bytes);
	else
		note_other_way(reading, &name);
	if (!fits)
		return sw_error_set(error, -EINVAL,
			"credentials: %.200s: profile %s: %.*s: is no key (too long, or "
			"characters that no key has)",
			reading->path, reading->profile, (int)name.bytes, name.text);
	return 0;
}

/* 1: the profile has keys; 0: none; -EINVAL: half of them. */
static int check(const struct reading *reading, struct sw_error *error)
{
	const bool access = reading->keys->access_key[0] != '\0';

	if (access != (reading->keys->secret_key[0] != '\0'))
		return sw_error_set(error, -EINVAL,
			"credentials: %.200s: profile %s: %s is missing", reading->path,
			reading->profile, access ? "aws_secret_access_key" : "aws_access_key_id");
	return access;
}

/* Null with errno in *rc: 0 is a file that is not there. */
static char *read_whole(const char *path, int *rc, struct sw_error *error)
{
	char *text = sw_secret_alloc(CREDENTIALS_FILE_MAX);
	const int file = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	size_t used = 0;
	ssize_t got = -1;

	*rc = 0;
	if (file < 0) {
		if (!text || (errno != ENOENT && errno != ENOTDIR))
			*rc = sw_error_set(error, text ? -errno : -ENOMEM,
				"credentials: %.200s: %s", path, strerror(text ? errno : ENOMEM));
		sw_secret_free(text, CREDENTIALS_FILE_MAX);
		return NULL;
	}
	while (used < CREDENTIALS_FILE_MAX - 1) {
		got = read(file, text + used, CREDENTIALS_FILE_MAX - 1 - used);
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (got == 0 && !memchr(text, '\0', used)) {
		close(file);
		return text;
	}
	*rc = got < 0 ? -errno : -EFBIG;
	close(file);
	sw_secret_free(text, CREDENTIALS_FILE_MAX);
	sw_error_set(error, *rc, "credentials: %.200s: %s", path,
		*rc == -EFBIG ? "is no text of at most 1 MiB" : strerror(-*rc));
	return NULL;
}

/* Blank lines, comments, and lines that go on with a setting of no interest. */
static bool says_nothing(const struct line *line)
{
	struct line trimmed = *line;

	trim(&trimmed);
	return trimmed.bytes == 0 || is_blank(line->text[0]) || line->text[0] == '#' ||
	       line->text[0] == ';';
}

/* ---- One profile ---- */

/* Adds what the file says of the profile. 1: it has keys; 0: none; *there: it is there at all. */
static int read_profile(
	struct reading *reading, const char *profile, bool *there, struct sw_error *error)
{
	struct line line;
	int rc;
	char *text = read_whole(reading->path, &rc, error);

	if (!text)
		return rc;
	for (const char *at = text; !rc && next_line(&at, &line);) {
		if (says_nothing(&line))
			continue;
		if (line.text[0] == '[')
			take_section(reading, line);
		if (strcmp(reading->profile, profile) != 0)
			continue;
		*there = true;
		if (line.text[0] != '[')
			rc = take_setting(reading, &line, error);
	}
	sw_secret_free(text, CREDENTIALS_FILE_MAX);
	snprintf(reading->profile, sizeof(reading->profile), "%s", profile);
	return rc ? rc : check(reading, error);
}

int credentials_file_find(
	const struct credentials_places *places, struct sw_keys *keys, struct sw_error *error)
{
	struct reading reading = { .path = places->credentials_file, .keys = keys };
	bool there = false;
	int rc = 0;

	if (reading.path)
		rc = read_profile(&reading, places->profile, &there, error);
	if (rc == 0 && places->config_file) {
		reading.path = places->config_file;
		reading.is_config = true;
		reading.profile[0] = '\0';
		rc = read_profile(&reading, places->profile, &there, error);
	}
	if (rc != 0)
		return rc;
	if (places->profile_given && !there)
		return sw_error_set(error, -EINVAL,
			"credentials: AWS_PROFILE: %.100s: no such profile in %.120s or %.120s",
			places->profile, places->credentials_file ? places->credentials_file : "-",
			places->config_file ? places->config_file : "-");
	if (reading.other_way[0])
		return sw_error_set(error, -EINVAL,
			"credentials: profile %.100s: %s: is not supported (put keys into the "
			"environment: aws configure export-credentials)",
			places->profile, reading.other_way);
	return 0;
}

/* ---- All profiles ---- */

typedef int (*each_fn)(void *context, const char *profile, const struct sw_keys *keys);

/* The profile is over: hands its keys out, and forgets them. */
static int end_profile(
	const struct reading *reading, each_fn each, void *context, struct sw_error *error)
{
	int rc = check(reading, error);

	if (rc == 1)
		rc = each(context, reading->profile, reading->keys);
	explicit_bzero(reading->keys, sizeof(*reading->keys));
	return rc;
}

int sw_credentials_read_file(const char *path, each_fn each, void *context, struct sw_error *error)
{
	struct reading reading = { .path = path };
	struct line line;
	int rc;
	char *text = read_whole(path, &rc, error);

	if (!text)
		return rc ? rc
			  : sw_error_set(error, -ENOENT, "credentials: %.200s: %s", path,
				    strerror(ENOENT));
	reading.keys = sw_secret_alloc(sizeof(*reading.keys));
	if (!reading.keys)
		rc = sw_error_set(error, -ENOMEM, "credentials: memory is out");
	for (const char *at = text; !rc && next_line(&at, &line);) {
		if (says_nothing(&line))
			continue;
		if (line.text[0] == '[') {
			rc = end_profile(&reading, each, context, error);
			take_section(&reading, line);
		} else if (reading.profile[0]) {
			rc = take_setting(&reading, &line, error);
		}
	}
	if (!rc)
		rc = end_profile(&reading, each, context, error);
	sw_secret_free(reading.keys, sizeof(*reading.keys));
	sw_secret_free(text, CREDENTIALS_FILE_MAX);
	return rc;
}
