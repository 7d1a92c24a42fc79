/* SPDX-License-Identifier: MIT */
/* What follows from a status and the service's name for an error. */
#include "burst/client_private.h"
#include "tests/runtime/cmocka_all.h"

static void names_are_sorted(void **unused)
{
	static const struct {
		long status;
		const char *name;
		enum sw_outcome outcome;
	} cases[] = {
		{ 400, "InvalidRequestContentException", SW_OUTCOME_PERMANENT },
		{ 403, "EFSMountFailureException", SW_OUTCOME_PERMANENT },
		{ 404, "ResourceNotFoundException", SW_OUTCOME_PERMANENT },
		{ 408, "EFSMountConnectivityException", SW_OUTCOME_NOT_RUN },
		{ 408, "EFSMountTimeoutException", SW_OUTCOME_NOT_RUN },
		{ 408, "S3FilesMountConnectivityException", SW_OUTCOME_NOT_RUN },
		{ 408, "S3FilesMountTimeoutException", SW_OUTCOME_NOT_RUN },
		{ 408, "SnapStartTimeoutException", SW_OUTCOME_NOT_RUN },
		{ 409, "DurableExecutionAlreadyStartedException", SW_OUTCOME_PERMANENT },
		{ 409, "ResourceConflictException", SW_OUTCOME_NOT_RUN },
		{ 409, "SnapStartNotReadyException", SW_OUTCOME_NOT_RUN },
		{ 410, "EFSIOException", SW_OUTCOME_BROKEN },
		{ 413, "RequestTooLargeException", SW_OUTCOME_PERMANENT },
		{ 415, "UnsupportedMediaTypeException", SW_OUTCOME_PERMANENT },
		{ 429, "TooManyRequestsException", SW_OUTCOME_THROTTLED },
		{ 500, "ServiceException", SW_OUTCOME_BROKEN },
		{ 502, "EC2AccessDeniedException", SW_OUTCOME_PERMANENT },
		{ 502, "EC2ThrottledException", SW_OUTCOME_THROTTLED },
		{ 502, "EC2UnexpectedException", SW_OUTCOME_NOT_RUN },
		{ 502, "ENILimitReachedException", SW_OUTCOME_NOT_RUN },
		{ 502, "InvalidRuntimeException", SW_OUTCOME_PERMANENT },
		{ 502, "InvalidSecurityGroupIDException", SW_OUTCOME_PERMANENT },
		{ 502, "InvalidSubnetIDException", SW_OUTCOME_PERMANENT },
		{ 502, "InvalidZipFileException", SW_OUTCOME_PERMANENT },
		{ 502, "KMSAccessDeniedException", SW_OUTCOME_PERMANENT },
		{ 502, "KMSDisabledException", SW_OUTCOME_PERMANENT },
		{ 502, "KMSInvalidStateException", SW_OUTCOME_PERMANENT },
		{ 502, "KMSNotFoundException", SW_OUTCOME_PERMANENT },
		{ 502, "ResourceNotReadyException", SW_OUTCOME_NOT_RUN },
		{ 502, "SubnetIPAddressLimitReachedException", SW_OUTCOME_NOT_RUN },
		{ 502, "NobodyHasHeardOfIt", SW_OUTCOME_BROKEN },
		{ 403, "NobodyHasHeardOfIt", SW_OUTCOME_PERMANENT },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			client_outcome_of(cases[i].status, false, cases[i].name), cases[i].outcome);
}

static void statuses_are_sorted(void **unused)
{
	(void)unused;
	for (long status = 100; status < 1000; status++) {
		enum sw_outcome outcome = SW_OUTCOME_PERMANENT;

		if (status == 200)
			outcome = SW_OUTCOME_ANSWER;
		else if (status == 429)
			outcome = SW_OUTCOME_THROTTLED;
		else if (status == 408 || status >= 500)
			outcome = SW_OUTCOME_BROKEN;
		assert_int_equal(client_outcome_of(status, false, ""), outcome);
	}
	assert_int_equal(client_outcome_of(200, true, ""), SW_OUTCOME_FUNCTION);
	assert_int_equal(client_outcome_of(200, false, "KMSDisabledException"), SW_OUTCOME_ANSWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_sorted),
		cmocka_unit_test(statuses_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
