/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"

/* The local Lambda of the experiments, and its functions in other languages. */

#define JAVA_SOURCES_MAX 32
/* A folder and a name in it. */
#define WITH_NAME_BYTES (PATH_MAX + 272)

static bool is_there(const char *folder, const char *name, int mode)
{
	char path[WITH_NAME_BYTES];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, mode) == 0;
}

static bool on_path(const char *program)
{
	const char *path = getenv("PATH");
	char folder[PATH_MAX];

	while (path && *path) {
		size_t length = strcspn(path, ":");

		snprintf(folder, sizeof(folder), "%.*s", (int)length, path);
		if (is_there(folder, program, X_OK))
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

/* False: it could not be started or did not succeed. What it prints goes nowhere. */
static bool run_quietly(char *const words[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int nowhere = open("/dev/null", O_RDWR);

		for (int i = 0; nowhere >= 0 && i < 3; i++)
			dup2(nowhere, i);
		execvp(words[0], words);
		_exit(127);
	}
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* OUTPUT/java-classes, from the sources. */
static bool compile_java(struct session *session)
{
	char sources[JAVA_SOURCES_MAX][WITH_NAME_BYTES], folder[PATH_MAX];
	char *words[JAVA_SOURCES_MAX + 6] = { "javac", "--release", "17", "-d" };
	const struct dirent *entry;
	size_t count = 0;
	DIR *directory;

	snprintf(folder, sizeof(folder), "%s/java/spillway", session->functions);
	directory = opendir(folder);
	if (!directory)
		return false;
	while ((entry = readdir(directory)) && count < JAVA_SOURCES_MAX) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".java") != 0)
			continue;
		snprintf(sources[count], sizeof(sources[count]), "%s/%s", folder, entry->d_name);
		words[5 + count] = sources[count];
		count++;
	}
	closedir(directory);
	snprintf(session->java_classes, sizeof(session->java_classes), "%s/java-classes",
		session->output);
	words[4] = session->java_classes;
	words[5 + count] = NULL;
	if (count > 0 && run_quietly(words))
		return true;
	session->java_classes[0] = '\0';
	return false;
}

/* They become words of a command and parts of lambda-local's options. */
static bool is_plain(const char *path)
{
	for (; *path; path++)
		if (!isalnum((unsigned char)*path) && !strchr("-_./+@%:~", *path))
			return false;
	return true;
}

/* Null: it can be had; else why not. */
static const char *why_no_python(const struct session *session)
{
	if (!is_there(session->functions, "python/__main__.py", R_OK))
		return "its sources are not there (--functions)";
	if (!is_plain(session->functions))
		return "its folder's name has more than letters, digits and -_./+@%:~";
	return on_path("python3") ? NULL : "python3 is not installed";
}

static const char *why_no_java(struct session *session)
{
	if (!is_there(session->functions, "java/spillway", R_OK))
		return "its sources are not there (--functions)";
	if (!is_plain(session->functions) || !is_plain(session->output))
		return "its folder's name (or --output) has more than letters, digits and "
		       "-_./+@%:~";
	if (!on_path("java") || !on_path("javac"))
		return "a JDK is not installed";
	if (session->java_classes[0] || compile_java(session))
		return NULL;
	return "its sources cannot be compiled (javac of version 17 or newer)";
}

void session_languages(struct session *session, const char *languages[LANGUAGES_MAX + 1])
{
	const char *python = why_no_python(session), *java = why_no_java(session);
	size_t count = 0;

	languages[count++] = "c";
	if (python)
		session_note(session, NOTE_SKIPPED, "the function in Python: %s", python);
	else
		languages[count++] = "python";
	if (java)
		session_note(session, NOTE_SKIPPED, "the function in Java: %s", java);
	else
		languages[count++] = "java";
	languages[count] = NULL;
}

static void add_functions(struct session *session, char *options, size_t bytes)
{
	const char *languages[LANGUAGES_MAX + 1];
	size_t used = strlen(options);

	session_languages(session, languages);
	for (size_t i = 1; languages[i] && used < bytes; i++) {
		bool java = strcmp(languages[i], "java") == 0;

		used += (size_t)snprintf(options + used, bytes - used,
			java ? ",function=java=exec java -XX:+UseSerialGC "
			       "-XX:TieredStopAtLevel=1 -cp %s spillway.Bootstrap"
			     : ",function=python=exec python3 -B %s/python",
			java ? session->java_classes : session->functions);
	}
}

int session_endpoint(struct session *session, const struct endpoint *endpoint)
{
	char options[sizeof(session->lambda_options)];
	struct sw_error error = { 0 };

	snprintf(options, sizeof(options),
		"concurrency=%u,rtt-ms=%u,cold-start-ms=%u,timeout-ms=60000", endpoint->concurrency,
		endpoint->rtt_ms, endpoint->cold_start_ms);
	if (endpoint->languages)
		add_functions(session, options, sizeof(options));
	/* What was started for cold starts is warm now. */
	if (session->lambda.pid > 0 && endpoint->cold_start_ms == 0 &&
		strcmp(options, session->lambda_options) == 0)
		return 0;
	session_endpoint_end(session);
	snprintf(session->lambda_options, sizeof(session->lambda_options), "%s", options);
	if (lambda_process_start(&session->lambda, options, false, &error) != 0)
		return say(EXIT_FAILED, "experiments: lambda-local: %s", error.text);
	return 0;
}

void session_endpoint_end(struct session *session)
{
	if (session->lambda.pid > 0)
		lambda_process_end(&session->lambda);
	session->lambda_options[0] = '\0';
	session->is_warm = false;
}

/* So many at once, held long enough that none can do the work of two. */
int session_warm(struct session *session, const char *function, unsigned environments)
{
	struct cell cell;

	cell_init(session, &cell, "warm", "warm", 0);
	cell_burst(session, &cell, "fixed");
	cell.run.spill_share = 1;
	cell.run.function = function;
	cell.run.max_inflight = environments;
	cell.run.batch_rows = 4;
	cell.run.op_delay_us = 25000;
	cell.discard = true;
	cell_offer(&cell, 400.0 * environments, 0.05);
	return session_run(session, &cell);
}

int session_ready(struct session *session)
{
	int code = session_endpoint(session,
		&(struct endpoint){ .concurrency = WARM_FUNCTIONS, .rtt_ms = WARM_RTT_MS });

	if (code || session->is_warm)
		return code;
	code = session_warm(session, LAMBDA_FUNCTION, WARM_FUNCTIONS);
	session->is_warm = !code;
	return code;
}
