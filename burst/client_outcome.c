/* SPDX-License-Identifier: MIT */
/* What became of a request: from libcurl's result, the status and the service's name for the error
 * to one of the outcomes. What nobody knows counts as unknown where a server failed, as permanent
 * where it refused. */
#include <stdio.h>
#include <string.h>

#include "burst/client_private.h"

/* Errors of Invoke that their status alone tells too little of. Those that are not here go by it.
 */
static const struct {
	const char *name;
	enum sw_outcome outcome;
} errors[] = {
	{ "EC2ThrottledException", SW_OUTCOME_THROTTLED },
	/* No environment could be made, this time. */
	{ "EC2UnexpectedException", SW_OUTCOME_NOT_RUN },
	{ "EFSMountConnectivityException", SW_OUTCOME_NOT_RUN },
	{ "EFSMountTimeoutException", SW_OUTCOME_NOT_RUN },
	{ "ENILimitReachedException", SW_OUTCOME_NOT_RUN },
	{ "ResourceConflictException", SW_OUTCOME_NOT_RUN },
	{ "ResourceNotReadyException", SW_OUTCOME_NOT_RUN },
	{ "S3FilesMountConnectivityException", SW_OUTCOME_NOT_RUN },
	{ "S3FilesMountTimeoutException", SW_OUTCOME_NOT_RUN },
	{ "SnapStartNotReadyException", SW_OUTCOME_NOT_RUN },
	{ "SnapStartTimeoutException", SW_OUTCOME_NOT_RUN },
	{ "SubnetIPAddressLimitReachedException", SW_OUTCOME_NOT_RUN },
	/* It had begun. */
	{ "EFSIOException", SW_OUTCOME_BROKEN },
	/* Until somebody mends the function's set-up. */
	{ "EC2AccessDeniedException", SW_OUTCOME_PERMANENT },
	{ "InvalidRuntimeException", SW_OUTCOME_PERMANENT },
	{ "InvalidSecurityGroupIDException", SW_OUTCOME_PERMANENT },
	{ "InvalidSubnetIDException", SW_OUTCOME_PERMANENT },
	{ "InvalidZipFileException", SW_OUTCOME_PERMANENT },
	{ "KMSAccessDeniedException", SW_OUTCOME_PERMANENT },
	{ "KMSDisabledException", SW_OUTCOME_PERMANENT },
	{ "KMSInvalidStateException", SW_OUTCOME_PERMANENT },
	{ "KMSNotFoundException", SW_OUTCOME_PERMANENT },
};

enum sw_outcome client_outcome_of(long status, bool function_failed, const char *error_type)
{
	if (function_failed)
		return SW_OUTCOME_FUNCTION;
	if (status == 200)
		return SW_OUTCOME_ANSWER;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(errors[i].name, error_type) == 0)
			return errors[i].outcome;
	}
	if (status == 429)
		return SW_OUTCOME_THROTTLED;
	return status >= 500 || status == 408 ? SW_OUTCOME_BROKEN : SW_OUTCOME_PERMANENT;
}

/* The peer has answered the handshake, and it does not fit: no version or cipher in common, no TLS,
 * another authority's signature. libcurl has one code for this and for a broken connection. */
static bool is_tls_refused(CURLcode code, const char *text)
{
	return code == CURLE_SSL_CONNECT_ERROR && strstr(text, ": error:") &&
	       !strstr(text, "error:00000000") && !strstr(text, "unexpected eof");
}

static enum sw_outcome of_failure(CURLcode code, const struct client_easy *easy)
{
	const struct sw_exchange *exchange = easy->exchange;

	if (is_tls_refused(code, easy->error))
		return SW_OUTCOME_PERMANENT;
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return SW_OUTCOME_PERMANENT;
	case CURLE_OPERATION_TIMEDOUT:
		return exchange->sent_ns ? SW_OUTCOME_TIMEOUT : SW_OUTCOME_NOT_RUN;
	default:
		return exchange->sent_ns ? SW_OUTCOME_BROKEN : SW_OUTCOME_NOT_RUN;
	}
}

void client_describe(struct sw_exchange *exchange, long status)
{
	const size_t bytes = exchange->answer_bytes < 100 ? exchange->answer_bytes : 100;

	snprintf(exchange->detail, sizeof(exchange->detail), "status %ld: %.*s", status, (int)bytes,
		bytes > 0 ? exchange->answer : "");
	for (char *at = exchange->detail; *at; at++) {
		if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f)
			*at = ' ';
	}
}

/* Seconds, or a date; 0: no hint, or one that is none. */
static uint64_t retry_after_ms(CURL *curl)
{
	curl_off_t seconds = 0;

	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds <= 0)
		return 0;
	return seconds < UINT32_MAX ? (uint64_t)seconds * 1000 : UINT32_MAX;
}

void client_conclude(struct client_easy *easy, CURLcode code)
{
	struct sw_exchange *exchange = easy->exchange;
	long status = 0, version = 0;

	/* What was cut is decided by its head. */
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && exchange->cut)) {
		exchange->outcome = of_failure(code, easy);
		snprintf(exchange->detail, sizeof(exchange->detail), "%.150s",
			easy->error[0] ? easy->error : curl_easy_strerror(code));
		return;
	}
	curl_easy_getinfo(easy->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy->curl, CURLINFO_HTTP_VERSION, &version);
	if (version != CURL_HTTP_VERSION_2_0 && version != CURL_HTTP_VERSION_3) {
		exchange->outcome = SW_OUTCOME_PERMANENT;
		snprintf(exchange->detail, sizeof(exchange->detail),
			"it speaks no HTTP/2 (HTTP/1.1 was negotiated)");
		return;
	}
	/* What a Function URL makes of a function that failed; of others' 502 nobody knows. */
	if (status == 502 && easy->client->is_http && easy->from_lambda)
		easy->function_failed = true;
	exchange->outcome = SW_OUTCOME_ANSWER;
	if (!exchange->warm_up)
		exchange->outcome =
			client_outcome_of(status, easy->function_failed, easy->error_type);
	if (status == 403 && easy->client->signer && !exchange->warm_up)
		client_signature_refused(easy->client->signer);
	if (exchange->outcome != SW_OUTCOME_ANSWER) {
		exchange->retry_after_ms = retry_after_ms(easy->curl);
		client_describe(exchange, status);
	}
}
