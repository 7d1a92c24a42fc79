/* SPDX-License-Identifier: MIT */
/* What endpoints' URLs tell: the contract, where the host ends, how much they take. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "burst/endpoint.h"

#define AUTO   SW_BURST_CONTRACT_AUTO
#define INVOKE SW_BURST_CONTRACT_INVOKE
#define HTTP   SW_BURST_CONTRACT_HTTP

/* 6,291,556 bytes of an event, less 16 KiB for the rest of it, as Base64. */
#define LAMBDA_HTTP_BYTES 4706379

static void test_contracts(void **state)
{
	static const struct {
		const char *url;
		enum sw_burst_contract asked, given;
		size_t request_max;
	} urls[] = {
		{ "https://127.0.0.1:443", AUTO, INVOKE, 6291556 },
		{ "https://127.0.0.1:443/", AUTO, INVOKE, 6291556 },
		{ "https://[::1]:443//", AUTO, INVOKE, 6291556 },
		{ "https://lambda.eu-west-1.amazonaws.com", AUTO, INVOKE, 6291556 },
		{ "https://vpce-1.lambda.us-west-2.vpce.amazonaws.com", AUTO, INVOKE, 6291556 },
		{ "https://lambda-url.example.com", AUTO, INVOKE, 6291556 },
		{ "https://a.lambda-url.eu-west-1.on.aws", AUTO, HTTP, LAMBDA_HTTP_BYTES },
		{ "https://a.lambda-url.eu-west-1.on.aws:443/", AUTO, HTTP, LAMBDA_HTTP_BYTES },
		{ "https://A.Lambda-URL.eu-west-1.on.aws/x?y", AUTO, HTTP, LAMBDA_HTTP_BYTES },
		{ "https://a.execute-api.eu-west-1.amazonaws.com", AUTO, HTTP, LAMBDA_HTTP_BYTES },
		{ "https://a.execute-api.cn-north-1.amazonaws.com.cn/f", AUTO, HTTP,
			LAMBDA_HTTP_BYTES },
		{ "https://host/path", AUTO, HTTP, 0 },
		{ "https://host//path/", AUTO, HTTP, 0 },
		{ "https://host?q", AUTO, HTTP, 0 },
		{ "https://host", HTTP, HTTP, 0 },
		{ "https://host/path", INVOKE, INVOKE, 6291556 },
		{ "https://a.lambda-url.eu-west-1.on.aws", INVOKE, INVOKE, 6291556 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct endpoint endpoint;
		struct sw_error error;

		assert_int_equal(endpoint_parse(urls[i].url, urls[i].asked, &endpoint, &error), 0);
		assert_int_equal(endpoint.contract, urls[i].given);
		assert_int_equal(endpoint.request_max, urls[i].request_max);
	}
}

static void test_parts(void **state)
{
	struct endpoint endpoint;
	struct sw_error error;

	(void)state;
	assert_int_equal(endpoint_parse("https://a:1//", AUTO, &endpoint, &error), 0);
	assert_int_equal(endpoint.root_bytes, strlen("https://a:1"));
	assert_int_equal(endpoint.url_bytes, strlen("https://a:1"));
	assert_int_equal(endpoint_parse("https://a:1/b/", INVOKE, &endpoint, &error), 0);
	assert_int_equal(endpoint.url_bytes, strlen("https://a:1/b"));
	assert_int_equal(endpoint_parse("https://a?b", HTTP, &endpoint, &error), 0);
	assert_int_equal(endpoint.root_bytes, strlen("https://a"));
	assert_string_equal(endpoint_contract_name(&endpoint), "http");
}

static void test_refusals(void **state)
{
	static const char *const urls[] = { "", "https://", "https:///", "https:///a", "https://?a",
		"http://a", "ftp://a", "a", "https://a/b c", "https://a#b", "https://a/b#c",
		"https://a\n" };
	struct endpoint endpoint;
	struct sw_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_int_equal(endpoint_parse(urls[i], AUTO, &endpoint, &error), -EINVAL);
		assert_non_null(strstr(error.text, "not an https:// address"));
	}
	assert_int_equal(endpoint_parse("https://a?b", INVOKE, &endpoint, &error), -EINVAL);
	assert_non_null(strstr(error.text, "no query"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contracts),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
