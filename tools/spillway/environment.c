/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "revision.h"
#include "runtime/topology.h"
#include "tools/spillway/environment.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* The mode in force stands in brackets: "always [madvise] never". */
static void read_huge_pages(char *mode, size_t bytes)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[128] = "";
	const char *open, *end;

	if (!file)
		return;
	if (fgets(line, sizeof(line), file)) {
		open = strchr(line, '[');
		end = open ? strchr(open, ']') : NULL;
		if (end)
			snprintf(mode, bytes, "%.*s", (int)(end - open - 1), open + 1);
	}
	fclose(file);
}

static void read_machine(struct environment *environment)
{
	struct sw_topology *topology;

	if (sw_topology_open(&topology, NULL) != 0)
		return;
	snprintf(environment->cpu, sizeof(environment->cpu), "%s", sw_topology_cpu_model(topology));
	environment->cores = sw_topology_cores(topology);
	environment->nodes = sw_topology_nodes(topology);
	sw_topology_close(topology);
}

void environment_read(struct environment *environment)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
	struct utsname name;

	memset(environment, 0, sizeof(*environment));
	environment->compiler = COMPILER;
	environment->revision = SW_REVISION;
	read_machine(environment);
	read_huge_pages(environment->huge_pages, sizeof(environment->huge_pages));
	if (uname(&name) == 0)
		snprintf(environment->kernel, sizeof(environment->kernel), "%s %s %s", name.sysname,
			name.release, name.machine);
	snprintf(environment->curl, sizeof(environment->curl), "%s", curl->version);
	snprintf(environment->jansson, sizeof(environment->jansson), "%s", jansson_version_str());
	snprintf(environment->openssl, sizeof(environment->openssl), "%s",
		OpenSSL_version(OPENSSL_VERSION_STRING));
	if (curl->nghttp2_version)
		snprintf(environment->nghttp2, sizeof(environment->nghttp2), "%s",
			curl->nghttp2_version);
}
