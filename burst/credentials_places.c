/* SPDX-License-Identifier: MIT */
/* The environment: keys in it, and where it says that others are. Read once, on the opener's
 * thread. */
#include "burst/credentials_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "burst/secret.h"

#define ECS_ADDRESS       "http://169.254.170.2"
#define METADATA_ADDRESS  "http://169.254.169.254"
#define METADATA_ADDRESS6 "http://[fd00:ec2::254]"

enum { METADATA_URL_MAX = 512 };

/* Set to nothing is as good as not set. */
static const char *given(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

bool credentials_copy(char *to, size_t to_bytes, const char *from, size_t bytes)
{
	if (bytes >= to_bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		if (from[i] <= ' ' || from[i] > '~')
			return false;
	}
	memcpy(to, from, bytes);
	to[bytes] = '\0';
	return true;
}

int64_t credentials_time(const char *text)
{
	struct tm utc = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

	if (!end)
		return -1;
	if (*end == '.') {
		end++;
		end += strspn(end, "0123456789");
	}
	if (strcmp(end, "Z") != 0 && strcmp(end, "+00:00") != 0)
		return -1;
	return timegm(&utc);
}

/* ---- Keys ---- */

static int read_key(const char *name, char *to, size_t to_bytes, struct sw_error *error)
{
	const char *value = given(name);

	if (!value || credentials_copy(to, to_bytes, value, strlen(value)))
		return 0;
	return sw_error_set(error, -EINVAL,
		"credentials: %s: is no key (too long, or characters that no key has)", name);
}

int credentials_environment_read(struct sw_keys *keys, struct sw_error *error)
{
	const char *expires = given("AWS_CREDENTIAL_EXPIRATION");
	const bool access = given("AWS_ACCESS_KEY_ID") != NULL;
	int rc;

	if (access != (given("AWS_SECRET_ACCESS_KEY") != NULL))
		return sw_error_set(error, -EINVAL,
			"credentials: the environment has %s, but not %s",
			access ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
			access ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	if (!access)
		return 0;
	rc = read_key("AWS_ACCESS_KEY_ID", keys->access_key, sizeof(keys->access_key), error);
	if (!rc)
		rc = read_key(
			"AWS_SECRET_ACCESS_KEY", keys->secret_key, sizeof(keys->secret_key), error);
	if (!rc)
		rc = read_key("AWS_SESSION_TOKEN", keys->session_token, sizeof(keys->session_token),
			error);
	if (rc)
		return rc;
	keys->expires_s = expires ? credentials_time(expires) : 0;
	if (keys->expires_s < 0)
		return sw_error_set(error, -EINVAL,
			"credentials: AWS_CREDENTIAL_EXPIRATION: %.40s: not a time like "
			"2030-12-31T23:59:59Z",
			expires);
	return 1;
}

/* ---- Places ---- */

/* The file that a variable names, or the usual one; null with *out_of_memory unset: neither. */
static char *file_of(const char *name, const char *usual, bool *out_of_memory)
{
	const char *home = given("HOME");
	char *file = NULL;

	if (given(name))
		file = strdup(given(name));
	else if (!home)
		return NULL;
	else if (asprintf(&file, "%s/.aws/%s", home, usual) < 0)
		file = NULL;
	*out_of_memory = *out_of_memory || !file;
	return file;
}

static int read_container(struct credentials_places *places, struct sw_error *error)
{
	const char *relative = given("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = given("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *file = given("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = given("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	bool out_of_memory = false;

	if (!relative && !full)
		return 0;
	if (relative && relative[0] != '/')
		return sw_error_set(error, -EINVAL,
			"credentials: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: does not begin with "
			"a slash");
	if (!relative && credentials_container_check(full, error))
		return -EINVAL;
	if (asprintf(&places->container_url, "%s%s", relative ? ECS_ADDRESS : "",
		    relative ? relative : full) < 0) {
		places->container_url = NULL;
		out_of_memory = true;
	}
	if (file) {
		places->authorization_file = strdup(file);
		out_of_memory = out_of_memory || !places->authorization_file;
	} else if (token) {
		if (strlen(token) >= CREDENTIALS_AUTHORIZATION_MAX)
			return sw_error_set(error, -EINVAL,
				"credentials: AWS_CONTAINER_AUTHORIZATION_TOKEN: longer than 16 "
				"KiB");
		places->authorization = sw_secret_alloc(CREDENTIALS_AUTHORIZATION_MAX);
		out_of_memory = out_of_memory || !places->authorization;
		if (places->authorization)
			strcpy(places->authorization, token);
	}
	return out_of_memory ? sw_error_set(error, -ENOMEM, "credentials: memory is out") : 0;
}

static int read_metadata(struct credentials_places *places, struct sw_error *error)
{
	const char *disabled = given("AWS_EC2_METADATA_DISABLED");
	const char *mode = given("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	const char *url = given("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	size_t bytes;

	if (disabled && strcasecmp(disabled, "true") == 0)
		return 0;
	if (!url)
		url = mode && strcasecmp(mode, "IPv6") == 0 ? METADATA_ADDRESS6 : METADATA_ADDRESS;
	for (bytes = strlen(url); bytes > 0 && url[bytes - 1] == '/'; bytes--)
		;
	if (bytes > METADATA_URL_MAX || strncmp(url, "http", 4) != 0)
		return sw_error_set(error, -EINVAL,
			"credentials: AWS_EC2_METADATA_SERVICE_ENDPOINT: is no http:// address");
	places->metadata_url = strndup(url, bytes);
	if (!places->metadata_url)
		return sw_error_set(error, -ENOMEM, "credentials: memory is out");
	return 0;
}

int credentials_places_read(struct credentials_places *places, struct sw_error *error)
{
	const char *profile = given("AWS_PROFILE");
	bool out_of_memory = false;
	int rc;

	places->profile_given = profile != NULL;
	places->profile = strdup(profile ? profile : "default");
	places->credentials_file =
		file_of("AWS_SHARED_CREDENTIALS_FILE", "credentials", &out_of_memory);
	places->config_file = file_of("AWS_CONFIG_FILE", "config", &out_of_memory);
	if (!places->profile || out_of_memory)
		return sw_error_set(error, -ENOMEM, "credentials: memory is out");
	rc = read_container(places, error);
	return rc ? rc : read_metadata(places, error);
}

void credentials_places_free(struct credentials_places *places)
{
	free(places->profile);
	free(places->credentials_file);
	free(places->config_file);
	free(places->container_url);
	free(places->authorization_file);
	sw_secret_free(places->authorization, CREDENTIALS_AUTHORIZATION_MAX);
	free(places->metadata_url);
}
