/* SPDX-License-Identifier: MIT */
#include "tests/runtime/steady_trap.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

_Thread_local bool steady_watched;
_Atomic bool steady_over;
struct steady_counts steady_counts;

/* ---- Allocations and locks ---- */

static bool watched(void)
{
	return steady_watched && !steady_over;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *block);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void __wrap_free(void *block);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
void __real_qsort(
	void *array, size_t count, size_t bytes, int (*compare)(const void *, const void *));
void __wrap_qsort(
	void *array, size_t count, size_t bytes, int (*compare)(const void *, const void *));

void *__wrap_malloc(size_t bytes)
{
	steady_counts.allocations += watched();
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	steady_counts.allocations += watched();
	return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *block, size_t bytes)
{
	steady_counts.allocations += watched();
	return __real_realloc(block, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
	steady_counts.allocations += watched();
	return __real_aligned_alloc(alignment, bytes);
}

void __wrap_free(void *block)
{
	steady_counts.allocations += watched();
	__real_free(block);
}

/* It allocates for large arrays. */
void __wrap_qsort(
	void *array, size_t count, size_t bytes, int (*compare)(const void *, const void *))
{
	steady_counts.allocations += watched();
	__real_qsort(array, count, bytes, compare);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	steady_counts.locks += watched();
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
	if (watched()) {
		long none = -1;

		if (info->si_syscall == SYS_futex || info->si_syscall == SYS_sched_yield) {
			steady_counts.sleeps++;
		} else {
			steady_counts.calls++;
			atomic_compare_exchange_strong(
				&steady_counts.first_call, &none, info->si_syscall);
		}
	}
	r[REG_RAX] = passed_call(info->si_syscall, r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10],
		r[REG_R8], r[REG_R9]);
}

/* But for the one instruction, and the return from the handler. */
int steady_trap(void)
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

int steady_trap(void)
{
	return -ENOSYS;
}

#endif

void steady_reset(void)
{
	steady_over = false;
	steady_counts = (struct steady_counts){ .first_call = -1 };
}
