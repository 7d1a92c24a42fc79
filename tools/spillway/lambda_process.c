/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/spillway/lambda_process.h"

#define URL_PATH      "/url/" LAMBDA_FUNCTION
#define START_MS      20000
#define END_MS        5000
#define ARGUMENTS_MAX 64
#define OPTIONS_BYTES 2048
#define PROGRAM_BYTES 4096
#define EXIT_REFUSED  2 /* lambda-local's, for its options */

/* What is handed to exec. */
struct arguments {
	char *list[ARGUMENTS_MAX + 1];
	unsigned count;
	char program[PROGRAM_BYTES + 16];
	char function[PROGRAM_BYTES + 64];
	char options[OPTIONS_BYTES];
};

static bool add(struct arguments *arguments, char *text)
{
	if (arguments->count == ARGUMENTS_MAX)
		return false;
	arguments->list[arguments->count++] = text;
	arguments->list[arguments->count] = NULL;
	return true;
}

/* "--concurrency 8 --rtt-ms 5" */
static bool add_as_typed(struct arguments *arguments, char *text)
{
	char *rest;

	for (char *word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
		if (!add(arguments, word))
			return false;
	return true;
}

/* "concurrency=8,faults=error:0.1,kill:0.05" */
static bool add_list(struct arguments *arguments, const char *text)
{
	char *out = arguments->options;
	char *end = out + sizeof(arguments->options);

	while (*text) {
		size_t length = strcspn(text, ",");
		const char *start = text;

		/* Later parts that name no option belong to this one's value. */
		while (text[length] == ',') {
			size_t part = strcspn(text + length + 1, ",");

			if (memchr(text + length + 1, '=', part))
				break;
			length += 1 + part;
		}
		if (length + 3 > (size_t)(end - out) || !add(arguments, out))
			return false;
		out += sprintf(out, "--%.*s", (int)length, start) + 1;
		text += length + (text[length] == ',');
	}
	return true;
}

static bool add_options(struct arguments *arguments, const char *options)
{
	if (options[0] != '-')
		return add_list(arguments, options);
	if (strlen(options) >= sizeof(arguments->options))
		return false;
	strcpy(arguments->options, options);
	return add_as_typed(arguments, arguments->options);
}

static int beside(const char *name, char *path, size_t path_bytes, struct sw_error *error)
{
	char self[PROGRAM_BYTES];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length < 0)
		return sw_error_set(error, -errno, "/proc/self/exe: %s", strerror(errno));
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	if ((size_t)snprintf(path, path_bytes, "%s/%s", self, name) >= path_bytes)
		return sw_error_set(error, -ENAMETOOLONG, "%s: the path is too long", name);
	if (access(path, X_OK) != 0)
		return sw_error_set(error, -errno,
			"%s: %s (it is built and installed beside spillway)", path,
			strerror(errno));
	return 0;
}

static int build_arguments(struct arguments *arguments, struct lambda_process *process,
	const char *options, bool check, struct sw_error *error)
{
	size_t prefix = strlen("--function=" LAMBDA_FUNCTION "=");
	int result;

	arguments->count = 0;
	result = beside("lambda-local", arguments->program, sizeof(arguments->program), error);
	if (result)
		return result;
	strcpy(arguments->function, "--function=" LAMBDA_FUNCTION "=");
	result = beside("bootstrap", arguments->function + prefix,
		sizeof(arguments->function) - prefix, error);
	if (result)
		return result;
	add(arguments, arguments->program);
	if (check)
		add(arguments, "--check");
	add(arguments, "--listen");
	add(arguments, "127.0.0.1:0");
	add(arguments, "--ca-out");
	add(arguments, process->ca);
	add(arguments, "--function");
	add(arguments, arguments->function + strlen("--function="));
	if (!add_options(arguments, options))
		return sw_error_set(error, -E2BIG,
			"--lambda-local: too many options (%d words, "
			"%d bytes)",
			ARGUMENTS_MAX, OPTIONS_BYTES);
	return 0;
}

/* The child: nothing but async-signal-safe calls. A group of its own keeps the terminal's ^C from
 * it: it must outlive the run that drains through it. */
static void become(const struct arguments *arguments, int output, int errors)
{
	int nowhere = open("/dev/null", O_RDONLY);
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (nowhere >= 0)
		dup2(nowhere, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	execv(arguments->program, arguments->list);
	_exit(127);
}

/* Its one line. False: it ended or took too long. */
static bool read_url(struct lambda_process *process)
{
	uint64_t deadline = sw_now_ns() + START_MS * 1000000ull;
	size_t length = 0;

	while (length < sizeof(process->url) - sizeof(URL_PATH) && sw_now_ns() < deadline) {
		struct pollfd poller = { .fd = process->output, .events = POLLIN };
		ssize_t got;

		if (poll(&poller, 1, 100) <= 0)
			continue;
		got = read(process->output, process->url + length, 1);
		if (got <= 0)
			return false;
		if (process->url[length] == '\n') {
			process->url[length] = '\0';
			return true;
		}
		length++;
	}
	return false;
}

/* All that comes until the end, as much as there is room for. */
static void read_text(int from, char *text, size_t bytes)
{
	char rest[256];
	size_t length = 0;
	ssize_t got;

	do {
		size_t room = bytes - 1 - length;

		got = room ? read(from, text + length, room) : read(from, rest, sizeof(rest));
		if (got > 0 && room)
			length += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	text[length] = '\0';
}

int lambda_process_check(const char *options, struct sw_error *error)
{
	struct lambda_process nobody = { .output = -1 };
	static const char name[] = "lambda-local: ";
	struct arguments arguments;
	int ends[2], status = 0, result;
	char text[sizeof(error->text)];
	pid_t pid;

	result = build_arguments(&arguments, &nobody, options, true, error);
	if (result)
		return result == -E2BIG ? result : 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return 0;
	pid = fork();
	if (pid == 0)
		become(&arguments, ends[1], ends[1]);
	close(ends[1]);
	read_text(ends[0], text, sizeof(text));
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		WEXITSTATUS(status) != EXIT_REFUSED)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return sw_error_set(error, -EINVAL, "--lambda-local: %s",
		strncmp(text, name, sizeof(name) - 1) == 0 ? text + sizeof(name) - 1 : text);
}

int lambda_process_start(struct lambda_process *process, const char *options, bool function_url,
	struct sw_error *error)
{
	struct arguments arguments;
	int ends[2] = { -1, -1 };
	int result;

	*process = (struct lambda_process){ .output = -1 };
	snprintf(process->folder, sizeof(process->folder), "/tmp/spillway-lambda-XXXXXX");
	if (!mkdtemp(process->folder)) {
		result = sw_error_set(error, -errno, "%s: %s", process->folder, strerror(errno));
		process->folder[0] = '\0';
		return result;
	}
	snprintf(process->ca, sizeof(process->ca), "%s/ca.pem", process->folder);
	result = build_arguments(&arguments, process, options, false, error);
	if (result)
		goto fail;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		result = sw_error_set(error, -errno, "pipe: %s", strerror(errno));
		goto fail;
	}
	process->output = ends[0];
	process->pid = fork();
	if (process->pid == 0)
		become(&arguments, ends[1], STDERR_FILENO);
	close(ends[1]);
	if (process->pid < 0) {
		process->pid = 0;
		result = sw_error_set(error, -errno, "fork: %s", strerror(errno));
		goto fail;
	}
	if (!read_url(process)) {
		result = sw_error_set(error, -ECHILD,
			"%s: it ended before it listened, or took "
			"longer than %d s",
			arguments.program, START_MS / 1000);
		goto fail;
	}
	if (function_url)
		strcat(process->url, URL_PATH);
	return 0;
fail:
	lambda_process_end(process);
	return result;
}

void lambda_process_end(struct lambda_process *process)
{
	uint64_t deadline = sw_now_ns() + END_MS * 1000000ull;
	struct timespec pause = { .tv_nsec = 5000000 };

	if (process->pid > 0) {
		kill(process->pid, SIGTERM);
		while (waitpid(process->pid, NULL, WNOHANG) == 0) {
			if (sw_now_ns() > deadline) {
				kill(-process->pid, SIGKILL);
				kill(process->pid, SIGKILL);
				waitpid(process->pid, NULL, 0);
				break;
			}
			nanosleep(&pause, NULL);
		}
	}
	if (process->output >= 0)
		close(process->output);
	if (process->folder[0]) {
		unlink(process->ca);
		rmdir(process->folder);
	}
	*process = (struct lambda_process){ .output = -1 };
}
