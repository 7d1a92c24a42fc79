/* SPDX-License-Identifier: MIT */
/* lambda-local: runs functions as AWS Lambda does, on this machine. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tools/lambda_local/front.h"
#include "tools/lambda_local/server.h"
#include "tools/lambda_local/signature.h"
#include "tools/lambda_local/tls.h"

/* The server and what only its start and end are concerned with. */
struct program {
	struct ll_server server;
	struct ll_front *front;
	struct ll_source signals;
};

static void signal_ready(struct ll_source *source, uint32_t events)
{
	struct program *program = LL_CONTAINER(source, struct program, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(source->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			ll_environment_reap(&program->server);
		else
			program->server.loop.stop = true;
	}
}

/* Signals come through the loop. Only then may processes be started. */
static int watch_signals(struct program *program, struct sw_error *error)
{
	sigset_t signals;
	int ret;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	program->signals.ready = signal_ready;
	program->signals.fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (program->signals.fd < 0)
		return sw_error_set(error, -errno, "start: signalfd: %s", strerror(errno));
	ret = ll_loop_add(&program->server.loop, &program->signals, EPOLLIN);
	if (ret)
		return sw_error_set(error, ret, "start: epoll: %s", strerror(-ret));
	return 0;
}

static void round_end(void *context)
{
	struct program *program = context;

	ll_front_flush(program->front);
}

/* Three descriptors for each environment and one for each connection: as many as are allowed. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	/* Payloads of some 100 KB come and go: do not map and unmap each. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

static int serve(struct program *program, struct sw_error *error)
{
	struct ll_server *server = &program->server;
	SSL_CTX *context;
	char url[300];
	int ret = watch_signals(program, error);

	if (ret)
		return ret;
	ret = ll_tls_create(&context, server->options.host, server->options.ca_out, error);
	if (ret)
		return ret;
	ret = ll_front_open(&program->front, server, context, url, error);
	if (ret)
		return ret;
	server->loop.round_end = round_end;
	server->loop.context = program;
	if (printf("%s\n", url) < 0 || fflush(stdout) != 0)
		ret = sw_error_set(error, -EIO, "standard output: %s", strerror(errno));
	if (!ret) {
		ret = ll_loop_run(&server->loop);
		if (ret)
			sw_error_set(error, ret, "epoll: %s", strerror(-ret));
	}
	ll_environment_end_all(server);
	ll_front_close(program->front);
	return ret;
}

static int run(struct program *program, struct sw_error *error)
{
	struct ll_server *server = &program->server;
	struct ll_options *options = &server->options;
	struct sw_error ledger_error;
	int ret, ledger_ret;

	server->function_count = options->functions;
	for (uint32_t i = 0; i < options->functions; i++) {
		server->functions[i].name = options->function[i].name;
		server->functions[i].command = options->function[i].command;
	}
	if (getrandom(&server->id_key, sizeof(server->id_key), 0) != sizeof(server->id_key))
		return sw_error_set(error, -EIO, "start: no random numbers");
	if (options->keys) {
		ret = ll_signatures_open(&server->signatures, options->keys, error);
		if (ret)
			return ret;
	}
	ret = ll_loop_init(&server->loop);
	if (ret)
		return sw_error_set(error, ret, "start: %s", strerror(-ret));
	ret = ll_ledger_open(&server->ledger, &server->loop, options->ledger, error);
	if (!ret) {
		ret = serve(program, error);
		ledger_ret = ll_ledger_close(&server->ledger, &ledger_error);
		if (!ret && ledger_ret) {
			*error = ledger_error;
			ret = ledger_ret;
		}
	}
	if (program->signals.fd > 0)
		close(program->signals.fd);
	ll_loop_fini(&server->loop);
	ll_signatures_close(server->signatures);
	return ret;
}

int main(int argc, char **argv)
{
	struct program *program = calloc(1, sizeof(*program));
	struct sw_error error = { .text = "no memory" };
	int ret = 2;

	if (!program)
		goto fail;
	ret = ll_options_parse(&program->server.options, argc, argv, stdout, &error);
	if (ret == 1) {
		free(program);
		return 0;
	}
	if (ret) {
		ret = 2;
		goto fail;
	}
	raise_limits();
	ret = run(program, &error) ? 1 : 0;
	if (ret)
		goto fail;
	free(program);
	return 0;
fail:
	fprintf(stderr, "lambda-local: %s\n", error.text);
	free(program);
	return ret;
}
