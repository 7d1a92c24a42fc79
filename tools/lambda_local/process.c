/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tools/lambda_local/environment.h"

static void set_variables(const struct ll_environment *environment)
{
	const char *name = environment->function->name;
	char text[128], *folder;

	snprintf(text, sizeof(text), "127.0.0.1:%u", environment->port);
	setenv("AWS_LAMBDA_RUNTIME_API", text, 1);
	setenv("AWS_LAMBDA_FUNCTION_NAME", name, 1);
	setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST", 1);
	setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769", 1);
	setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand", 1);
	snprintf(text, sizeof(text), "/aws/lambda/%s", name);
	setenv("AWS_LAMBDA_LOG_GROUP_NAME", text, 1);
	snprintf(text, sizeof(text), "local/[$LATEST]%u", environment->number);
	setenv("AWS_LAMBDA_LOG_STREAM_NAME", text, 1);
	setenv("AWS_REGION", "us-east-1", 0);
	setenv("AWS_DEFAULT_REGION", "us-east-1", 0);
	setenv("TZ", ":UTC", 1);
	folder = getcwd(NULL, 0);
	if (folder)
		setenv("LAMBDA_TASK_ROOT", folder, 0);
}

/* In the child. lambda-local has one thread, so anything may be called here. */
static void run(const struct ll_environment *environment, pid_t parent)
{
	const char *command = environment->function->command;
	sigset_t none;
	int null;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	set_variables(environment);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(127);
	/* A program's path, whatever is in it, needs no shell. */
	if (strchr(command, '/') && access(command, X_OK) == 0)
		execl(command, command, (char *)NULL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int ll_process_start(const struct ll_environment *environment)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		run(environment, parent);
	/* On both sides: whoever comes first, kill(-pid) finds the group. */
	setpgid(pid, pid);
	return pid;
}
