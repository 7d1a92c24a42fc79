/* SPDX-License-Identifier: MIT */
/*
 * A worker in its steady state makes no system call, allocates nothing and takes no lock.
 *
 * System calls are caught by a seccomp filter that the worker puts on itself from inside its
 * source: every call traps, is counted while the source says so, and is then made from one
 * instruction that the filter lets pass. Allocations and locks of the library are caught by the
 * linker's --wrap. With two workers, sleeping and waking (futex, sched_yield) are allowed: a worker
 * may be idle.
 */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/clock.h"
#include "tests/runtime/graph_fixture.h"

#define POLLS_BEFORE  2000
#define POLLS_WATCHED 20000

static _Thread_local bool watched;
static _Atomic unsigned long allocations, locks, calls, sleeps;
static _Atomic long first_call = -1;

/* ---- Allocations and locks ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *block);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void __wrap_free(void *block);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

void *__wrap_malloc(size_t bytes)
{
	allocations += watched;
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	allocations += watched;
	return __real_calloc(count, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
	allocations += watched;
	return __real_aligned_alloc(alignment, bytes);
}

void __wrap_free(void *block)
{
	allocations += watched;
	__real_free(block);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	locks += watched;
	return __real_pthread_mutex_lock(mutex);
}

/* ---- System calls ---- */

#ifdef __x86_64__

long passed_call(long number, long a, long b, long c, long d, long e, long f);
extern const char passed_call_end[];

__asm__(".text\n"
	".globl passed_call\n"
	".type passed_call, @function\n"
	"passed_call:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	"	mov %r9, %r8\n"
	"	mov 8(%rsp), %r9\n"
	"	syscall\n"
	".globl passed_call_end\n"
	"passed_call_end:\n"
	"	ret\n"
	".size passed_call, . - passed_call\n");

static void on_call(int signal, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	if (watched && (info->si_syscall == SYS_futex || info->si_syscall == SYS_sched_yield)) {
		sleeps++;
	} else if (watched) {
		long none = -1;

		calls++;
		atomic_compare_exchange_strong(&first_call, &none, info->si_syscall);
	}
	r[REG_RAX] = passed_call(info->si_syscall, r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10],
		r[REG_R8], r[REG_R9]);
}

/* All calls of this thread trap from now on, but for the one instruction, and the return from the
 * handler. */
static int trap_calls(void)
{
	uint64_t after = (uint64_t)(uintptr_t)passed_call_end;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 4, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)after, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(after >> 32), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	struct sigaction action = { .sa_sigaction = on_call, .sa_flags = SA_SIGINFO };
	sigset_t trap;

	sigaction(SIGSYS, &action, NULL);
	sigemptyset(&trap);
	sigaddset(&trap, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &trap, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

#else

static int trap_calls(void)
{
	return -ENOSYS;
}

#endif

/* ---- The dataflow: numbers -> partials -> merge by key -> a sink on the worker ---- */

struct steady {
	unsigned polls;
};

static int trap_code; /* written by worker 0, read after the join */

static enum sw_poll steady_poll(struct sw_instance *self, void *state)
{
	struct steady *steady = state;

	steady->polls++;
	if (steady->polls == POLLS_BEFORE && sw_instance_index(self) == 0) {
		trap_code = trap_calls();
		watched = true;
	}
	if (steady->polls == POLLS_BEFORE + POLLS_WATCHED)
		watched = false;
	if (steady->polls > POLLS_BEFORE + POLLS_WATCHED + 10)
		return SW_POLL_DONE;
	return numbers_source.poll(self, NULL);
}

static const struct sw_operator steady_source = {
	.name = "steady",
	.state_bytes = sizeof(struct steady),
	.poll = steady_poll,
};

static int sum_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	int64_t *sum = state;

	(void)input;
	for (uint32_t i = 0; i < sw_batch_count(batch); i++)
		*sum += sw_column_int64(&batch->columns[2], sw_batch_row(batch, i));
	sw_release(self, batch);
	return 0;
}

static const struct sw_operator sum_sink = {
	.name = "sum",
	.state_bytes = sizeof(int64_t),
	.process = sum_process,
};

static int build(struct sw_graph *graph, struct numbers_config *numbers, struct sw_error *error)
{
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT, sink = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *from, *kernel, *to;

	source.name = "numbers";
	source.op = &steady_source;
	source.config = numbers;
	source.inputs = 0;
	source.output_schemas[0] = &number_schema;
	from = sw_graph_add_stage(graph, &source, error);
	kernel = sw_graph_add_kernel(graph, "partial", &partial_kernel, NULL, error);
	sink.name = "sum";
	sink.op = &sum_sink;
	sink.outputs = 0;
	sink.measures_latency = true;
	to = sw_graph_add_stage(graph, &sink, error);
	if (!from || !kernel || !to)
		return -ENOMEM;
	if (sw_graph_connect(graph, from, 0, kernel, 0, SW_ROUTE_FORWARD, 0, error))
		return -EINVAL;
	return sw_graph_connect(graph, kernel, 0, to, 0, SW_ROUTE_KEYED, 0, error);
}

static void run_one(unsigned workers)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct numbers_config numbers = {
		.count = UINT64_MAX / 2, .fail_at = UINT64_MAX, .sleep_at = UINT64_MAX
	};
	struct sw_error error = { 0 };
	struct sw_graph *graph;

	options.workers = workers;
	options.batch_rows = 64;
	allocations = locks = calls = sleeps = 0;
	assert_int_equal(sw_graph_create(&options, &graph, &error), 0);
	assert_int_equal(build(graph, &numbers, &error), 0);
	assert_int_equal(sw_graph_start(graph, &error), 0);
	assert_int_equal(sw_graph_wait(graph, -1, &error), 0);
	sw_graph_destroy(graph);
	if (trap_code)
		fail_msg("cannot trap system calls: %s", strerror(-trap_code));
	print_message("%u workers: %lu allocations, %lu locks, %lu system calls, %lu sleeps and "
		      "wake-ups in %d polls\n",
		workers, allocations, locks, calls, sleeps, POLLS_WATCHED);
	assert_int_equal(allocations, 0);
	assert_int_equal(locks, 0);
	if (calls)
		fail_msg("system call %ld", first_call);
	if (workers == 1)
		assert_int_equal(sleeps, 0);
}

static void test_steady_state(void **state)
{
	(void)state;
	run_one(1);
	run_one(2);
}

/* The trap itself must catch: a call, an allocation and a lock that are there on purpose. */
static void *misbehave(void *arg)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	void *volatile block; /* or the compiler drops the pair */

	(void)arg;
	trap_code = trap_calls();
	watched = true;
	getppid();
	block = malloc(10);
	free(block);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	watched = false;
	return NULL;
}

static void test_the_trap(void **state)
{
	pthread_t thread;

	(void)state;
	allocations = locks = calls = sleeps = 0;
	pthread_create(&thread, NULL, misbehave, NULL);
	pthread_join(thread, NULL);
	if (trap_code)
		fail_msg("cannot trap system calls: %s", strerror(-trap_code));
	assert_true(calls >= 1); /* the allocator may make some too */
	assert_int_equal(first_call, SYS_getppid);
	assert_int_equal(allocations, 2);
	assert_int_equal(locks, 1);
	first_call = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_trap),
		cmocka_unit_test(test_steady_state),
	};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* Sanitizers make system calls of their own. */
	printf("SKIPPED: test_steady: built with a sanitizer\n");
	return 77;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	printf("SKIPPED: test_steady: built with a sanitizer\n");
	return 77;
#endif
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
