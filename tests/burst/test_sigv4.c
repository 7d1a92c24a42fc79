/* SPDX-License-Identifier: MIT */
/* Signatures: AWS's published values, limits, times; and what a host's name tells. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "burst/aws_host.h"
#include "burst/sigv4.h"

#define ACCESS_KEY "AKIDEXAMPLE"
#define SECRET_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TIME       "20150830T123600Z"

enum { HEADERS_MAX = 6 };

/* AWS's Signature Version 4 test suite: names, requests and signatures as published. */
static const struct {
	const char *name, *method, *target;
	struct sw_sigv4_header headers[HEADERS_MAX]; /* beside host and x-amz-date */
	const char *body, *signature;
} vectors[] = {
	{ "get-header-key-duplicate", "GET", "/",
		{ { "My-Header1", "value2" }, { "My-Header1", "value2" },
			{ "My-Header1", "value1" } },
		"", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
	{ "get-header-value-multiline", "GET", "/",
		{ { "My-Header1", "value1\n  value2\n     value3" } }, "",
		"cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd" },
	{ "get-header-value-order", "GET", "/",
		{ { "My-Header1", "value4" }, { "My-Header1", "value1" },
			{ "My-Header1", "value3" }, { "My-Header1", "value2" } },
		"", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
	{ "get-header-value-trim", "GET", "/",
		{ { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"" } }, "",
		"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "get-relative-normalized", "GET", "/example/..", { { 0 } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-relative-relative-normalized", "GET", "/example1/example2/../..", { { 0 } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-slash-dot-slash-normalized", "GET", "/./", { { 0 } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-slash-normalized", "GET", "//", { { 0 } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-slash-pointless-dot-normalized", "GET", "/./example", { { 0 } }, "",
		"ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5" },
	{ "get-slashes-normalized", "GET", "//example//", { { 0 } }, "",
		"9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84" },
	{ "get-space-unnormalized", "GET", "/example space/", { { 0 } }, "",
		"652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
	{ "get-unreserved", "GET",
		"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", { { 0 } },
		"", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "get-utf8", "GET", "/\341\210\264", { { 0 } }, "",
		"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "get-vanilla", "GET", "/", { { 0 } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-vanilla-empty-query-key", "GET", "/?Param1=value1", { { 0 } }, "",
		"a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ "get-vanilla-query", "GET", "/", { { 0 } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-vanilla-query-order-encoded", "GET",
		"/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", { { 0 } }, "",
		"371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac" },
	{ "get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", { { 0 } }, "",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-query-unreserved", "GET",
		"/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~"
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
		{ { 0 } }, "", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	{ "get-vanilla-utf8-query", "GET", "/?\341\210\264=bar", { { 0 } }, "",
		"2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ "get-vanilla-with-session-token", "GET", "/",
		{ { "X-Amz-Security-Token",
			"6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267" } },
		"", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8" },
	{ "post-header-key-case", "POST", "/", { { 0 } }, "",
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "post-header-key-sort", "POST", "/", { { "My-Header1", "value1" } }, "",
		"c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ "post-header-value-case", "POST", "/", { { "My-Header1", "VALUE1" } }, "",
		"cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d" },
	{ "post-sts-header-before", "POST", "/",
		{ { "X-Amz-Security-Token",
			"AQoDYXdzEPT//////////"
			"wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIe"
			"oIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/"
			"kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9H"
			"FvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"
			"scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==" } },
		"", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
	{ "post-vanilla", "POST", "/", { { 0 } }, "",
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "post-vanilla-empty-query-value", "POST", "/?Param1=value1", { { 0 } }, "",
		"28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
	{ "post-vanilla-query", "POST", "/?Param1=value1", { { 0 } }, "",
		"28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
	{ "post-x-www-form-urlencoded", "POST", "/",
		{ { "Content-Type", "application/x-www-form-urlencoded" },
			{ "Content-Length", "13" },
			{ "x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a65419232910"
						  "6275f4c7b24d0b6e" } },
		"Param1=value1",
		"d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b" },
	{ "post-x-www-form-urlencoded-parameters", "POST", "/",
		{ { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
			{ "Content-Length", "13" },
			{ "x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a65419232910"
						  "6275f4c7b24d0b6e" } },
		"Param1=value1",
		"328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422" },
};

/* Of a vector: its headers, and those that all have. */
static void make(struct sw_sigv4_request *request, struct sw_sigv4_header *headers, size_t i)
{
	uint32_t count = 0;

	headers[count++] = (struct sw_sigv4_header){ "Host", "example.amazonaws.com" };
	for (uint32_t at = 0; at < HEADERS_MAX && vectors[i].headers[at].name; at++)
		headers[count++] = vectors[i].headers[at];
	headers[count++] = (struct sw_sigv4_header){ "X-Amz-Date", TIME };
	*request = (struct sw_sigv4_request){
		.method = vectors[i].method,
		.target = vectors[i].target,
		.headers = headers,
		.header_count = count,
		.body = vectors[i].body,
		.body_bytes = strlen(vectors[i].body),
	};
}

static void test_vectors(void **state)
{
	struct sw_sigv4_key key;

	(void)state;
	assert_int_equal(sw_sigv4_derive(&key, SECRET_KEY, TIME, "us-east-1", "service"), 0);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct sw_sigv4_header headers[HEADERS_MAX + 2];
		char signature[SW_SIGV4_SIGNATURE_BYTES];
		struct sw_sigv4_request request;

		make(&request, headers, i);
		assert_int_equal(sw_sigv4_signature(&key, &request, TIME, signature), 0);
		if (strcmp(signature, vectors[i].signature) != 0)
			fail_msg("%s: %s", vectors[i].name, signature);
	}
}

/* The header whole, as the suite has it for get-vanilla. */
static void test_authorization(void **state)
{
	static const char expected[] =
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
		"SignedHeaders=host;x-amz-date, Signature="
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
	const struct sw_sigv4_header headers[] = {
		{ "X-AMZ-date", TIME },
		{ "HOST", "example.amazonaws.com" },
	};
	const struct sw_sigv4_request request = {
		.method = "GET", .target = "/", .headers = headers, .header_count = 2
	};
	char text[sizeof(expected)];
	struct sw_sigv4_key key;

	(void)state;
	assert_int_equal(sw_sigv4_derive(&key, SECRET_KEY, TIME, "us-east-1", "service"), 0);
	assert_int_equal(
		sw_sigv4_authorization(&key, ACCESS_KEY, &request, TIME, text, sizeof(text)), 0);
	assert_string_equal(text, expected);
	for (size_t bytes = 1; bytes < sizeof(expected); bytes++)
		assert_int_equal(
			sw_sigv4_authorization(&key, ACCESS_KEY, &request, TIME, text, bytes),
			-ENOSPC);
}

static int sign_target(const char *target)
{
	const struct sw_sigv4_request request = { .method = "GET", .target = target };
	char signature[SW_SIGV4_SIGNATURE_BYTES];
	struct sw_sigv4_key key;

	assert_int_equal(sw_sigv4_derive(&key, SECRET_KEY, TIME, "us-east-1", "service"), 0);
	return sw_sigv4_signature(&key, &request, TIME, signature);
}

static void test_limits(void **state)
{
	static struct sw_sigv4_header headers[SW_SIGV4_HEADERS_MAX + 1];
	struct sw_sigv4_request request = { .method = "GET", .target = "/", .headers = headers };
	char target[SW_SIGV4_TARGET_MAX + 2], long_name[SW_SIGV4_REGION_BYTES + 1];
	char signature[SW_SIGV4_SIGNATURE_BYTES], secret[2000];
	struct sw_sigv4_key key;

	(void)state;
	memset(target, '/', sizeof(target));
	target[SW_SIGV4_TARGET_MAX] = '\0';
	assert_int_equal(sign_target(target), 0);
	for (size_t i = 1; i < SW_SIGV4_TARGET_MAX; i += 2)
		target[i] = 'a';
	assert_int_equal(sign_target(target), 0);
	memset(target, ' ', SW_SIGV4_TARGET_MAX);
	memcpy(target, "/?", 2);
	assert_int_equal(sign_target(target), 0);
	target[SW_SIGV4_TARGET_MAX] = ' ';
	target[SW_SIGV4_TARGET_MAX + 1] = '\0';
	assert_int_equal(sign_target(target), -E2BIG);

	strcpy(target, "/?");
	for (int i = 0; i < SW_SIGV4_PARAMETERS_MAX; i++)
		strcat(target, "a=b&");
	assert_int_equal(sign_target(target), 0);
	assert_int_equal(sign_target(strcat(target, "c")), -E2BIG);
	assert_int_equal(sign_target("/?a=%2"), -EINVAL);
	assert_int_equal(sign_target("/?a=%zz"), -EINVAL);
	assert_int_equal(sign_target("/?a=%"), -EINVAL);
	assert_int_equal(sign_target(""), 0);

	for (int i = 0; i <= SW_SIGV4_HEADERS_MAX; i++)
		headers[i] = (struct sw_sigv4_header){ "a", "b" };
	assert_int_equal(sw_sigv4_derive(&key, SECRET_KEY, TIME, "us-east-1", "service"), 0);
	request.header_count = SW_SIGV4_HEADERS_MAX;
	assert_int_equal(sw_sigv4_signature(&key, &request, TIME, signature), 0);
	request.header_count++;
	assert_int_equal(sw_sigv4_signature(&key, &request, TIME, signature), -E2BIG);

	memset(long_name, 'a', sizeof(long_name));
	long_name[SW_SIGV4_REGION_BYTES] = '\0';
	assert_int_equal(sw_sigv4_derive(&key, "", TIME, long_name, "s"), -ENAMETOOLONG);
	assert_int_equal(sw_sigv4_derive(&key, "", TIME, "r", long_name), -ENAMETOOLONG);
	memset(secret, 'a', sizeof(secret));
	secret[sizeof(secret) - 1] = '\0';
	assert_int_equal(sw_sigv4_derive(&key, secret, TIME, "r", "s"), -ENAMETOOLONG);
}

static void test_times(void **state)
{
	static const char *const bad[] = { "", "20150830", "20150830T123600", "20150830T123600Zx",
		"20150231T000000Z", "2015-08-30T12:36:00Z", " 20150830T123600Z",
		"20150830T12360Z" };
	char text[SW_SIGV4_TIME_BYTES];
	time_t at;

	(void)state;
	sw_sigv4_time(1440938160, text);
	assert_string_equal(text, TIME);
	assert_int_equal(sw_sigv4_time_parse(TIME, &at), 0);
	assert_int_equal(at, 1440938160);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sw_sigv4_time_parse(bad[i], &at), -EINVAL);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool is_aws;
		const char *service, *region;
	} hosts[] = {
		{ "lambda.us-east-1.amazonaws.com", true, "lambda", "us-east-1" },
		{ "LAMBDA.US-East-1.AmazonAWS.com", true, "lambda", "us-east-1" },
		{ "lambda-fips.us-gov-west-1.amazonaws.com", true, "lambda", "us-gov-west-1" },
		{ "lambda.cn-north-1.amazonaws.com.cn", true, "lambda", "cn-north-1" },
		{ "lambda.eu-west-1.api.aws", true, "lambda", "eu-west-1" },
		{ "abc123.lambda-url.eu-central-1.on.aws", true, "lambda", "eu-central-1" },
		{ "x1.execute-api.ap-south-1.amazonaws.com", true, "execute-api", "ap-south-1" },
		{ "vpce-1.lambda.us-west-2.vpce.amazonaws.com", true, "lambda", "us-west-2" },
		{ "something.amazonaws.com", true, "lambda", "" },
		{ "amazonaws.com", false, "lambda", "" },
		{ "lambda.us-east-1.amazonaws.com.evil.example", false, "lambda", "" },
		{ "notamazonaws.com", false, "lambda", "" },
		{ "127.0.0.1", false, "lambda", "" },
		{ "localhost", false, "lambda", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct aws_host parsed;

		aws_host_parse(hosts[i].host, &parsed);
		assert_int_equal(parsed.is_aws, hosts[i].is_aws);
		assert_string_equal(parsed.service, hosts[i].service);
		assert_string_equal(parsed.region, hosts[i].region);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_authorization),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
