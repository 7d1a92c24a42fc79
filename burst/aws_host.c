/* SPDX-License-Identifier: MIT */
#include "burst/aws_host.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *const domains[] = { ".amazonaws.com", ".amazonaws.com.cn", ".on.aws",
	".api.aws" };

/* A label of the name, and the service whose signatures are wanted there. */
static const struct service {
	const char *label, *name;
	bool takes_http;
} services[] = {
	{ "lambda", "lambda", false },
	{ "lambda-fips", "lambda", false },
	{ "lambda-url", "lambda", true },
	{ "execute-api", "execute-api", true },
};

static bool ends_in(const char *host, const char *domain)
{
	const size_t bytes = strlen(host), end_bytes = strlen(domain);

	return bytes > end_bytes && strcasecmp(host + bytes - end_bytes, domain) == 0;
}

static const struct service *service_of(const char *label, size_t bytes)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (strlen(services[i].label) == bytes &&
			strncasecmp(label, services[i].label, bytes) == 0)
			return &services[i];
	}
	return NULL;
}

/* The label behind the service's. */
static void take_region(const char *label, char region[SW_SIGV4_REGION_BYTES])
{
	const size_t bytes = strcspn(label, ".");

	if (bytes >= SW_SIGV4_REGION_BYTES)
		return;
	for (size_t i = 0; i < bytes; i++)
		region[i] = (char)tolower((unsigned char)label[i]);
	region[bytes] = '\0';
}

void aws_host_parse(const char *host, struct aws_host *parsed)
{
	memset(parsed, 0, sizeof(*parsed));
	strcpy(parsed->service, "lambda");
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		parsed->is_aws = parsed->is_aws || ends_in(host, domains[i]);
	if (!parsed->is_aws)
		return;
	for (const char *label = host; *label;) {
		const size_t bytes = strcspn(label, ".");
		const struct service *service = service_of(label, bytes);

		label += bytes + (label[bytes] == '.');
		if (!service)
			continue;
		strcpy(parsed->service, service->name);
		parsed->takes_http = service->takes_http;
		take_region(label, parsed->region);
		return;
	}
}
