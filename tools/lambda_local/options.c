/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
	"Usage: lambda-local --function NAME=COMMAND [OPTION]...\n"
	"\n"
	"Runs functions as AWS Lambda does, on this machine: the Invoke API over HTTP/2 and TLS "
	"in\n"
	"front, the Lambda Runtime API for the functions' processes behind. Prints one line, its\n"
	"URL, when it is ready, and ends on SIGTERM or SIGINT with all it started.\n"
	"\n"
	"  --listen HOST:PORT       where to listen; port 0: any free one (127.0.0.1:0)\n"
	"  --ca-out FILE            write the certificate to trust, PEM (made anew at each start)\n"
	"  --function NAME=COMMAND  a function and what runs its runtime client: a program's path "
	"or\n"
	"                           a shell command; may be repeated, up to 16\n"
	"  --concurrency N          environments (processes) of each function at most; beyond it\n"
	"                           429 is answered (64; 1 to 1000)\n"
	"  --timeout-ms N           a function may run this long (3000; 1 to 900000)\n"
	"  --api-timeout-ms N       an HTTP API waits this long for a function, and then answers "
	"503\n"
	"                           (30000; 50 to 30000)\n"
	"  --cold-start-ms N        added before a new environment's process starts (0)\n"
	"  --rtt-ms N               added to each round trip, half of it each way (0)\n"
	"  --faults SPEC            what goes wrong for which share of invocations: kind:share by\n"
	"                           commas; kinds error, timeout, truncate, corrupt, kill, reset,\n"
	"                           throttle, duplicate, slow\n"
	"  --seed N                 of the faults; the n-th invocation always gets the same (1)\n"
	"  --ledger FILE            write one JSON line for each execution\n"
	"  --require-signature FILE requests must be signed (AWS Signature Version 4) by one of\n"
	"                           the keys in FILE, which is like ~/.aws/credentials\n"
	"  --check                  look at the options, and no more\n"
	"  --help                   this text\n"
	"\n"
	"Beside the Invoke API each function has a Function URL, URL/url/NAME, and a route of an\n"
	"HTTP API, URL/api/NAME; both hand it events of format 2.0.\n"
	"\n"
	"Answers carry two headers of lambda-local's own: x-spillway-function-us, the time billed\n"
	"including the start of a cold environment, and x-spillway-cold: 1 from a cold one.\n";

enum {
	LISTEN = 256,
	CA_OUT,
	FUNCTION,
	CONCURRENCY,
	TIMEOUT,
	API_TIMEOUT,
	COLD_START,
	RTT,
	FAULTS,
	SEED,
	LEDGER,
	REQUIRE_SIGNATURE,
	CHECK,
	HELP,
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, LISTEN },
	{ "ca-out", required_argument, NULL, CA_OUT },
	{ "function", required_argument, NULL, FUNCTION },
	{ "concurrency", required_argument, NULL, CONCURRENCY },
	{ "timeout-ms", required_argument, NULL, TIMEOUT },
	{ "api-timeout-ms", required_argument, NULL, API_TIMEOUT },
	{ "cold-start-ms", required_argument, NULL, COLD_START },
	{ "rtt-ms", required_argument, NULL, RTT },
	{ "faults", required_argument, NULL, FAULTS },
	{ "seed", required_argument, NULL, SEED },
	{ "ledger", required_argument, NULL, LEDGER },
	{ "require-signature", required_argument, NULL, REQUIRE_SIGNATURE },
	{ "check", no_argument, NULL, CHECK },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static int parse_number(const char *option, const char *text, uint64_t low, uint64_t high,
	uint64_t *number, struct sw_error *error)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end)
		return sw_error_set(error, -EINVAL, "--%s: %s: not a whole number", option, text);
	if (errno || value < low || value > high)
		return sw_error_set(error, -EINVAL, "--%s: %s: out of range (%llu to %llu)", option,
			text, (unsigned long long)low, (unsigned long long)high);
	*number = value;
	return 0;
}

static int parse_small(const char *option, const char *text, uint32_t low, uint32_t high,
	uint32_t *number, struct sw_error *error)
{
	uint64_t value = 0;
	int ret = parse_number(option, text, low, high, &value, error);

	*number = (uint32_t)value;
	return ret;
}

/* HOST:PORT, or [V6-ADDRESS]:PORT. */
static int parse_listen(struct ll_options *options, const char *text, struct sw_error *error)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t size;
	uint64_t port = 0;
	int ret;

	if (!colon || colon == text)
		return sw_error_set(
			error, -EINVAL, "--listen: %s: not HOST:PORT (e.g. 127.0.0.1:0)", text);
	size = (size_t)(colon - text);
	if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
		host++;
		size -= 2;
	} else if (memchr(host, ':', size)) {
		return sw_error_set(error, -EINVAL,
			"--listen: %s: an IPv6 address needs brackets (e.g. [::1]:0)", text);
	}
	if (size == 0 || size >= sizeof(options->host))
		return sw_error_set(
			error, -EINVAL, "--listen: %s: no host (1 to 255 characters)", text);
	ret = parse_number("listen", colon + 1, 0, 65535, &port, error);
	if (ret)
		return ret;
	memcpy(options->host, host, size);
	options->host[size] = '\0';
	snprintf(options->port, sizeof(options->port), "%u", (unsigned)port);
	return 0;
}

static bool is_function_name(const char *name, size_t size)
{
	if (size == 0 || size > 64)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
			return false;
	}
	return true;
}

static int parse_function(struct ll_options *options, const char *text, struct sw_error *error)
{
	const char *equals = strchr(text, '=');
	size_t size;

	if (!equals || equals[1] == '\0')
		return sw_error_set(error, -EINVAL, "--function: %s: not NAME=COMMAND", text);
	size = (size_t)(equals - text);
	if (!is_function_name(text, size))
		return sw_error_set(error, -EINVAL,
			"--function: %.*s: not a function's name (1 to 64 letters, digits, - and "
			"_)",
			(int)size, text);
	if (options->functions == LL_FUNCTIONS_MAX)
		return sw_error_set(error, -EINVAL,
			"--function: %.*s: too many functions (at most %d)", (int)size, text,
			LL_FUNCTIONS_MAX);
	for (uint32_t i = 0; i < options->functions; i++) {
		if (strlen(options->function[i].name) == size &&
			memcmp(options->function[i].name, text, size) == 0)
			return sw_error_set(
				error, -EINVAL, "--function: %.*s: given twice", (int)size, text);
	}
	memcpy(options->function[options->functions].name, text, size);
	options->function[options->functions].name[size] = '\0';
	options->function[options->functions].command = equals + 1;
	options->functions++;
	return 0;
}

static int parse_one(
	struct ll_options *options, int option, const char *text, struct sw_error *error)
{
	switch (option) {
	case LISTEN:
		return parse_listen(options, text, error);
	case CA_OUT:
		options->ca_out = text;
		return 0;
	case FUNCTION:
		return parse_function(options, text, error);
	case CONCURRENCY:
		return parse_small(
			"concurrency", text, 1, LL_CONCURRENCY_MAX, &options->concurrency, error);
	case TIMEOUT:
		return parse_small("timeout-ms", text, 1, 900000, &options->timeout_ms, error);
	case API_TIMEOUT:
		return parse_small(
			"api-timeout-ms", text, 50, 30000, &options->api_timeout_ms, error);
	case COLD_START:
		return parse_small(
			"cold-start-ms", text, 0, 600000, &options->cold_start_ms, error);
	case RTT:
		return parse_small("rtt-ms", text, 0, 600000, &options->rtt_ms, error);
	case FAULTS:
		return ll_faults_parse(&options->faults, text, error);
	case SEED:
		return parse_number("seed", text, 0, UINT64_MAX, &options->seed, error);
	case REQUIRE_SIGNATURE:
		options->keys = text;
		return 0;
	case CHECK:
		options->check = true;
		return 0;
	default:
		options->ledger = text;
		return 0;
	}
}

int ll_options_parse(
	struct ll_options *options, int argc, char **argv, FILE *help, struct sw_error *error)
{
	int option, ret;

	*options = (struct ll_options){
		.host = "127.0.0.1",
		.port = "0",
		.concurrency = 64,
		.timeout_ms = 3000,
		.api_timeout_ms = 30000,
		.seed = 1,
	};
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (option == HELP) {
			fputs(help_text, help);
			return 1;
		}
		if (option == ':')
			return sw_error_set(
				error, -EINVAL, "%s: needs a value (see --help)", argv[optind - 1]);
		if (option == '?')
			return sw_error_set(error, -EINVAL, "%s: no such option (see --help)",
				argv[optind - 1]);
		ret = parse_one(options, option, optarg, error);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return sw_error_set(
			error, -EINVAL, "%s: no such argument (see --help)", argv[optind]);
	if (options->functions == 0)
		return sw_error_set(error, -EINVAL,
			"--function: none given (at least one NAME=COMMAND, see --help)");
	return options->check ? 1 : 0;
}
