/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/spillway/gnuplot.h"
#include "tools/spillway/message.h"

static void become_gnuplot(const char *folder, const char *script)
{
	int nowhere = open("/dev/null", O_RDWR);

	if (nowhere >= 0) {
		dup2(nowhere, STDIN_FILENO);
		dup2(nowhere, STDOUT_FILENO);
	}
	if (chdir(folder) == 0)
		execlp("gnuplot", "gnuplot", script, (char *)NULL);
	_exit(127);
}

int gnuplot_run(const char *folder, const char *script)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		become_gnuplot(folder, script);
	if (pid < 0)
		return say(EXIT_FAILED, "plot: fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return say(EXIT_FAILED, "plot: gnuplot: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return say(EXIT_FAILED,
			"plot: gnuplot: it cannot be started (install gnuplot-nox; the figures are "
			"in %s)",
			folder);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return say(EXIT_FAILED, "plot: gnuplot: it failed on %s/%s", folder, script);
	return 0;
}
