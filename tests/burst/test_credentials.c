/* SPDX-License-Identifier: MIT */
/* Credentials without a network: environment, files, answers' form. What is asked over HTTP is in
 * test_signing.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "burst/credentials_private.h"

static char file_path[] = "/tmp/test_credentials_XXXXXX";

static int make_file(void **state)
{
	const int file = mkstemp(file_path);

	(void)state;
	return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file_path);
}

static void write_file(const char *text)
{
	FILE *file = fopen(file_path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int clear(void **state)
{
	(void)state;
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	unsetenv("AWS_SESSION_TOKEN");
	unsetenv("AWS_CREDENTIAL_EXPIRATION");
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	unsetenv("AWS_CONFIG_FILE");
	unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	unsetenv("AWS_EC2_METADATA_DISABLED");
	unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	return 0;
}

/* ---- Answers ---- */

#define KEYS "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\""

static void test_json(void **state)
{
	static const char *const bad[] = { "", "null", "[]", "{", "{}", "{\"AccessKeyId\":\"A\"}",
		"{" KEYS, "{" KEYS "} x", "{" KEYS ",}", "{" KEYS ",\"Token\":{}}",
		"{" KEYS ",\"Token\":[\"a\"]}", "{" KEYS ",\"Token\":\"a b\"}",
		"{" KEYS ",\"Token\":\"a\\n\"}", "{" KEYS ",\"Token\":\"a\n\"}",
		"{" KEYS ",\"Token\":\"\\u0041\"}", "{" KEYS ",\"Token\":\"a\\",
		"{" KEYS ",\"Token\":", "{" KEYS ",\"Expiration\":\"tomorrow\"}",
		"{\"Code\":\"Failed\"}", "{" KEYS " " KEYS "}" };
	struct sw_keys keys;
	struct sw_error error;

	(void)state;
	assert_int_equal(
		credentials_json_read("\n{ \"Code\" : \"Success\", \"n\": -1.5e3, \"t\":true,"
				      "\"u\":\"\\u0041\\n\", \"AccessKeyId\": \"AKIA\",\r\n"
				      "\"SecretAccessKey\":\"a\\/b+\\\\c\", \"Token\":\"t==\","
				      "\"Expiration\":\"2026-11-22T10:00:00Z\" } ",
			&keys, &error),
		0);
	assert_string_equal(keys.access_key, "AKIA");
	assert_string_equal(keys.secret_key, "a/b+\\c");
	assert_string_equal(keys.session_token, "t==");
	assert_int_equal(keys.expires_s, 1795341600);
	assert_int_equal(credentials_json_read("{" KEYS "}", &keys, &error), 0);
	assert_int_equal(keys.expires_s, 0);
	assert_string_equal(keys.session_token, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (credentials_json_read(bad[i], &keys, &error) != -EBADMSG)
			fail_msg("was taken: %s", bad[i]);
	}
}

static void test_json_lengths(void **state)
{
	static char body[SW_SESSION_TOKEN_BYTES + 200];
	struct sw_keys keys;
	struct sw_error error;

	(void)state;
	for (int more = -1; more <= 1; more++) {
		const int bytes = SW_SESSION_TOKEN_BYTES - 1 + more;
		char *at = body + sprintf(body, "{" KEYS ",\"Token\":\"");

		memset(at, 't', (size_t)bytes);
		strcpy(at + bytes, "\"}");
		assert_int_equal(
			credentials_json_read(body, &keys, &error), more > 0 ? -EBADMSG : 0);
		if (more <= 0)
			assert_int_equal(strlen(keys.session_token), bytes);
	}
}

static void test_times(void **state)
{
	(void)state;
	assert_int_equal(credentials_time("1970-01-01T00:00:10Z"), 10);
	assert_int_equal(credentials_time("1970-01-01T00:00:10.999Z"), 10);
	assert_int_equal(credentials_time("1970-01-01T00:00:10+00:00"), 10);
	assert_int_equal(credentials_time("1970-01-01T00:00:10"), -1);
	assert_int_equal(credentials_time("1970-01-01T00:00:10+01:00"), -1);
	assert_int_equal(credentials_time(""), -1);
}

/* ---- Environment ---- */

static void test_environment(void **state)
{
	struct sw_keys keys = { 0 };
	struct sw_error error;

	(void)state;
	assert_int_equal(credentials_environment_read(&keys, &error), 0);
	setenv("AWS_ACCESS_KEY_ID", "AKIA", 1);
	assert_int_equal(credentials_environment_read(&keys, &error), -EINVAL);
	setenv("AWS_SECRET_ACCESS_KEY", "", 1);
	assert_int_equal(credentials_environment_read(&keys, &error), -EINVAL);
	setenv("AWS_SECRET_ACCESS_KEY", "very secret", 1);
	assert_int_equal(credentials_environment_read(&keys, &error), -EINVAL);
	assert_null(strstr(error.text, "very"));
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	setenv("AWS_SESSION_TOKEN", "token", 1);
	assert_int_equal(credentials_environment_read(&keys, &error), 1);
	assert_string_equal(keys.access_key, "AKIA");
	assert_string_equal(keys.secret_key, "secret");
	assert_string_equal(keys.session_token, "token");
	assert_int_equal(keys.expires_s, 0);
	setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-22T10:00:00Z", 1);
	assert_int_equal(credentials_environment_read(&keys, &error), 1);
	assert_int_equal(keys.expires_s, 1795341600);
	setenv("AWS_CREDENTIAL_EXPIRATION", "soon", 1);
	assert_int_equal(credentials_environment_read(&keys, &error), -EINVAL);
	unsetenv("AWS_ACCESS_KEY_ID");
	assert_int_equal(credentials_environment_read(&keys, &error), -EINVAL);
}

static void check_places(const char *container, const char *metadata)
{
	struct credentials_places places = { 0 };
	struct sw_error error = { 0 };

	if (credentials_places_read(&places, &error))
		fail_msg("%s", error.text);
	if (container)
		assert_string_equal(places.container_url, container);
	else
		assert_null(places.container_url);
	if (metadata)
		assert_string_equal(places.metadata_url, metadata);
	else
		assert_null(places.metadata_url);
	credentials_places_free(&places);
}

static void test_places(void **state)
{
	(void)state;
	check_places(NULL, "http://169.254.169.254");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6", 1);
	check_places(NULL, "http://[fd00:ec2::254]");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1//", 1);
	check_places(NULL, "http://127.0.0.1:1");
	setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
	check_places(NULL, NULL);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.9:2/x", 1);
	check_places("http://127.0.0.9:2/x", NULL);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1?a=b", 1);
	check_places("http://169.254.170.2/v2/credentials/1?a=b", NULL);
}

/* Credentials must not be asked for in clear from just anybody. */
static void test_container_addresses(void **state)
{
	static const char *const good[] = { "https://example.com/a", "http://localhost/a",
		"http://127.1.2.3:80", "http://[::1]:8080/", "http://169.254.170.2/x",
		"http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1" };
	static const char *const bad[] = { "http://example.com/a", "http://169.254.169.254/",
		"http://10.0.0.1", "ftp://127.0.0.1/", "http://127.0.0.1.example.com/", "nonsense",
		"http://localhost@example.com/", "file:///etc/passwd", "http://[::2]/" };
	struct sw_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (credentials_container_check(good[i], &error))
			fail_msg("was refused: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (credentials_container_check(bad[i], &error) != -EINVAL)
			fail_msg("was taken: %s", bad[i]);
	}
}

/* ---- Files ---- */

static int find(const char *profile, bool is_config, struct sw_keys *keys, struct sw_error *error)
{
	struct credentials_places places = {
		.profile = (char *)profile,
		.profile_given = strcmp(profile, "default") != 0,
		.credentials_file = is_config ? "/nowhere/at/all" : file_path,
		.config_file = is_config ? file_path : NULL,
	};

	memset(keys, 0, sizeof(*keys));
	error->text[0] = '\0';
	return credentials_file_find(&places, keys, error);
}

static void test_files(void **state)
{
	struct sw_keys keys;
	struct sw_error error;

	(void)state;
	write_file("# a comment\n"
		   "aws_access_key_id = outside\n"
		   "[default]\r\n"
		   "aws_access_key_id = AKIA1 ; mine\r\n"
		   "aws_secret_access_key=se#cret/+=\r\n"
		   "s3 =\n"
		   "  aws_session_token = nested\n"
		   "\n"
		   "  [ two words ] # why not\n"
		   "[two words]\n"
		   "aws_access_key_id\t=\tAKIA2\n"
		   "aws_secret_access_key = s2\n"
		   "aws_session_token = t2 # at night\n"
		   "[half]\n"
		   "aws_access_key_id = AKIA3\n"
		   "[region only]\n"
		   "region = eu-west-1\n"
		   "[role]\n"
		   "role_arn = arn:aws:iam::1:role/x\n"
		   "[strange]\n"
		   "aws_access_key_id = a b c\n"
		   "[last]\n"
		   "aws_secret_access_key = s4\n"
		   "aws_access_key_id = AKIA4");
	assert_int_equal(find("default", false, &keys, &error), 1);
	assert_string_equal(keys.access_key, "AKIA1");
	assert_string_equal(keys.secret_key, "se#cret/+=");
	assert_string_equal(keys.session_token, "");
	assert_int_equal(find("two words", false, &keys, &error), 1);
	assert_string_equal(keys.access_key, "AKIA2");
	assert_string_equal(keys.session_token, "t2");
	assert_int_equal(find("last", false, &keys, &error), 1);
	assert_string_equal(keys.secret_key, "s4");
	assert_int_equal(find("half", false, &keys, &error), -EINVAL);
	assert_non_null(strstr(error.text, "half"));
	assert_int_equal(find("region only", false, &keys, &error), 0);
	assert_int_equal(find("role", false, &keys, &error), -EINVAL);
	assert_non_null(strstr(error.text, "role_arn"));
	assert_int_equal(find("strange", false, &keys, &error), -EINVAL);
	assert_null(strstr(error.text, "a b c"));
	assert_int_equal(find("missing", false, &keys, &error), -EINVAL);
	assert_non_null(strstr(error.text, "missing"));
}

static void test_config_file(void **state)
{
	struct sw_keys keys;
	struct sw_error error;

	(void)state;
	write_file("[profile  one]\naws_access_key_id=A\naws_secret_access_key=S\n"
		   "[two]\naws_access_key_id=B\naws_secret_access_key=T\n"
		   "[default]\nregion=x\n[sso-session one]\nsso_start_url=y\n");
	assert_int_equal(find("one", true, &keys, &error), 1);
	assert_string_equal(keys.access_key, "A");
	assert_int_equal(find("two", true, &keys, &error), -EINVAL);
	assert_int_equal(find("default", true, &keys, &error), 0);
}

static void test_bad_files(void **state)
{
	struct credentials_places places = { .profile = "default", .credentials_file = "/" };
	struct sw_keys keys = { 0 };
	struct sw_error error;
	FILE *file;

	(void)state;
	assert_int_equal(credentials_file_find(&places, &keys, &error), -EISDIR);
	places.credentials_file = file_path;
	file = fopen(file_path, "w");
	assert_non_null(file);
	for (int i = 0; i < CREDENTIALS_FILE_MAX; i++)
		putc('#', file);
	fclose(file);
	assert_int_equal(credentials_file_find(&places, &keys, &error), -EFBIG);
	assert_int_equal(truncate(file_path, 5), 0);
	assert_int_equal(credentials_file_find(&places, &keys, &error), 0);
	assert_int_equal(truncate(file_path, 6), 0); /* a zero at its end */
	assert_int_equal(credentials_file_find(&places, &keys, &error), -EFBIG);
}

struct seen {
	unsigned count;
	char names[64];
};

static int note(void *context, const char *profile, const struct sw_keys *keys)
{
	struct seen *seen = context;

	seen->count++;
	strcat(strcat(seen->names, profile), keys->access_key);
	return seen->count == 3 ? -E2BIG : 0;
}

static void test_all_profiles(void **state)
{
	struct seen seen = { 0 };
	struct sw_error error;

	(void)state;
	write_file("[a]\naws_access_key_id=1\naws_secret_access_key=S\n[b]\n[c]\n"
		   "aws_access_key_id=2\naws_secret_access_key=T\n");
	assert_int_equal(sw_credentials_read_file(file_path, note, &seen, &error), 0);
	assert_string_equal(seen.names, "a1c2");
	assert_int_equal(sw_credentials_read_file(file_path, note, &seen, &error), -E2BIG);
	assert_int_equal(sw_credentials_read_file("/nowhere", note, &seen, &error), -ENOENT);
	write_file("[a]\naws_access_key_id=1\n");
	assert_int_equal(sw_credentials_read_file(file_path, note, &seen, &error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_lengths),
		cmocka_unit_test(test_times),
		cmocka_unit_test_setup_teardown(test_environment, clear, clear),
		cmocka_unit_test_setup_teardown(test_places, clear, clear),
		cmocka_unit_test(test_container_addresses),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_config_file),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_all_profiles),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
