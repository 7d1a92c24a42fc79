/* SPDX-License-Identifier: MIT */
/* The two sources that are asked over HTTP: a container's endpoint, and an instance's metadata. */
#include "burst/credentials_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "burst/secret.h"

enum {
	URL_BYTES = 1024,
	ROLE_BYTES = 129,
	TOKEN_BYTES = 1024, /* of instance metadata */
	HEADER_BYTES = CREDENTIALS_AUTHORIZATION_MAX + 64,
};

/* What a fetch works in: all of it may be secret. */
struct scratch {
	char body[CREDENTIALS_BODY_MAX + 1];
	char header[HEADER_BYTES];
	char authorization[CREDENTIALS_AUTHORIZATION_MAX];
};

static struct scratch *scratch_alloc(struct sw_error *error)
{
	struct scratch *scratch = sw_secret_alloc(sizeof(*scratch));

	if (!scratch)
		sw_error_set(error, -ENOMEM, "credentials: memory is out");
	return scratch;
}

/* Puts what was being done before what went wrong. */
static int say(struct sw_error *error, int rc, const char *what)
{
	const struct sw_error cause = *error;

	return sw_error_set(error, rc, "credentials: %s: %s", what, cause.text);
}

/* ---- Container ---- */

/* Where credentials may travel in clear: this machine, and the fixed addresses of ECS and EKS. */
static bool is_near(const char *host)
{
	static const char *const fixed[] = { "localhost", "169.254.170.2", "169.254.170.23",
		"[fd00:ec2::23]", "[::1]" };
	struct in_addr address;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (strcasecmp(host, fixed[i]) == 0)
			return true;
	}
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

int credentials_container_check(const char *url, struct sw_error *error)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL, *host = NULL;
	bool good = false;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		good = strcmp(scheme, "https") == 0 ||
		       (strcmp(scheme, "http") == 0 && is_near(host));
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parsed);
	if (good)
		return 0;
	return sw_error_set(error, -EINVAL,
		"credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI: neither https nor an address of "
		"this machine, of ECS or of EKS");
}

/* The token's file is read at each fetch: it is replaced from time to time. */
static int read_authorization(
	const struct credentials_places *places, char *to, struct sw_error *error)
{
	ssize_t bytes;
	int file;

	if (!places->authorization_file) {
		strcpy(to, places->authorization ? places->authorization : "");
		return 0;
	}
	file = open(places->authorization_file, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return sw_error_set(error, -errno, "credentials: %.200s: %s",
			places->authorization_file, strerror(errno));
	bytes = read(file, to, CREDENTIALS_AUTHORIZATION_MAX);
	close(file);
	if (bytes < 0 || bytes == CREDENTIALS_AUTHORIZATION_MAX)
		return sw_error_set(error, -EINVAL,
			"credentials: %.200s: cannot be read, or is "
			"no token of at most 16 KiB",
			places->authorization_file);
	while (bytes > 0 && strchr(" \t\r\n", to[bytes - 1]))
		bytes--;
	to[bytes] = '\0';
	return 0;
}

/* A line's end in it would be a header of somebody else's choice. */
static int make_authorization(
	const struct credentials_places *places, struct scratch *scratch, struct sw_error *error)
{
	int rc = read_authorization(places, scratch->authorization, error);

	if (rc)
		return rc;
	if (strpbrk(scratch->authorization, "\r\n"))
		return sw_error_set(error, -EINVAL,
			"credentials: the container endpoint's authorization token: has more "
			"than one line");
	snprintf(scratch->header, sizeof(scratch->header), "Authorization: %s",
		scratch->authorization);
	return 0;
}

int credentials_container_fetch(const struct credentials_places *places,
	const struct credentials_http *http, struct sw_keys *keys, struct sw_error *error)
{
	struct scratch *scratch = scratch_alloc(error);
	struct credentials_call call = { .url = places->container_url };
	int rc;

	if (!scratch)
		return -ENOMEM;
	call.body = scratch->body;
	rc = make_authorization(places, scratch, error);
	if (rc)
		goto out;
	if (scratch->authorization[0])
		call.header = scratch->header;
	rc = credentials_http_call(http, &call, error);
	if (!rc && call.status != 200)
		rc = sw_error_set(error, -EACCES, "status %ld", call.status);
	if (!rc)
		rc = credentials_json_read(scratch->body, keys, error);
	if (rc)
		rc = say(error, rc, "container endpoint");
out:
	sw_secret_free(scratch, sizeof(*scratch));
	return rc ? rc : 1;
}

/* ---- Instance metadata ---- */

/* 1: a session token is in the header from now on; 0: there is no such service here. */
static int begin_session(const struct credentials_places *places,
	const struct credentials_http *http, struct scratch *scratch)
{
	char url[URL_BYTES];
	struct sw_error ignored;
	struct credentials_call call = {
		.url = url,
		.put = true,
		.header = "X-aws-ec2-metadata-token-ttl-seconds: 21600",
		.body = scratch->body,
	};

	snprintf(url, sizeof(url), "%s/latest/api/token", places->metadata_url);
	if (credentials_http_call(http, &call, &ignored) || call.status != 200)
		return 0;
	if (call.body_bytes == 0 || call.body_bytes > TOKEN_BYTES || strpbrk(scratch->body, "\r\n"))
		return 0;
	snprintf(scratch->header, sizeof(scratch->header), "X-aws-ec2-metadata-token: %.*s",
		TOKEN_BYTES, scratch->body);
	return 1;
}

static int get(const struct credentials_http *http, struct scratch *scratch, const char *url,
	long *status, struct sw_error *error)
{
	struct credentials_call call = {
		.url = url,
		.header = scratch->header,
		.body = scratch->body,
	};
	int rc = credentials_http_call(http, &call, error);

	*status = call.status;
	return rc;
}

/* The first line, if it is a role's name. */
static bool take_role(const char *body, char role[ROLE_BYTES])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+=,.@-";
	const size_t bytes = strspn(body, allowed);

	if (bytes == 0 || bytes >= ROLE_BYTES || (body[bytes] && !strchr("\r\n", body[bytes])))
		return false;
	memcpy(role, body, bytes);
	role[bytes] = '\0';
	return true;
}

/* 1: *role; 0: the instance has none. */
static int find_role(const struct credentials_places *places, const struct credentials_http *http,
	struct scratch *scratch, char role[ROLE_BYTES], struct sw_error *error)
{
	char url[URL_BYTES];
	long status = 0;
	int rc;

	snprintf(url, sizeof(url), "%s/latest/meta-data/iam/security-credentials/",
		places->metadata_url);
	rc = get(http, scratch, url, &status, error);
	if (rc)
		return rc;
	if (status == 404)
		return 0;
	if (status != 200)
		return sw_error_set(error, -EACCES, "status %ld", status);
	return take_role(scratch->body, role)
		       ? 1
		       : sw_error_set(error, -EBADMSG, "its answer is no role's name");
}

static int get_keys(const struct credentials_places *places, const struct credentials_http *http,
	struct scratch *scratch, const char *role, struct sw_keys *keys, struct sw_error *error)
{
	char url[URL_BYTES];
	long status = 0;
	int rc;

	snprintf(url, sizeof(url), "%s/latest/meta-data/iam/security-credentials/%s",
		places->metadata_url, role);
	rc = get(http, scratch, url, &status, error);
	if (rc)
		return rc;
	if (status != 200)
		return sw_error_set(error, -EACCES, "status %ld", status);
	return credentials_json_read(scratch->body, keys, error);
}

int credentials_metadata_fetch(const struct credentials_places *places,
	const struct credentials_http *http, struct sw_keys *keys, struct sw_error *error)
{
	struct scratch *scratch = scratch_alloc(error);
	char role[ROLE_BYTES];
	int rc;

	if (!scratch)
		return -ENOMEM;
	rc = begin_session(places, http, scratch);
	if (rc == 1)
		rc = find_role(places, http, scratch, role, error);
	if (rc == 1) {
		rc = get_keys(places, http, scratch, role, keys, error);
		rc = rc ? rc : 1;
	}
	sw_secret_free(scratch, sizeof(*scratch));
	return rc < 0 ? say(error, rc, "instance metadata") : rc;
}
