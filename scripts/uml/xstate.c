/*
 * Loaded into user-mode Linux (LD_PRELOAD) to let Linux 6.1 boot on processors with AMX.
 *
 * It sets its processes' extended state with a buffer of the AVX-512 era's size, 2696 bytes. The host's kernel takes
 * nothing but its own full size (xstateregs_set() in arch/x86/kernel/fpu/regset.c), 11008 bytes with AMX, and says
 * EFAULT. Here a short buffer is extended by state components at rest. Later versions of user-mode Linux ask the host.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	XSTATE_BV = 512,     /* offset of the bit map of components in use */
	COMPONENTS = 0x2ff,  /* x87, SSE, AVX, MPX, AVX-512, PKRU: those within 2696 bytes */
};

static uint8_t full[1 << 16] __attribute__((aligned(64)));
static size_t full_size;

static long set_short_xstate(pid_t pid, const struct iovec *given)
{
	struct iovec whole = { full, sizeof full };
	uint64_t in_use;

	if (full_size == 0) {
		if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &whole) < 0)
			return -1;
		full_size = whole.iov_len;
	}
	if (given->iov_len >= full_size)
		return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, given);

	memset(full, 0, full_size);
	memcpy(full, given->iov_base, given->iov_len);
	memcpy(&in_use, full + XSTATE_BV, sizeof in_use);
	in_use &= COMPONENTS;
	memcpy(full + XSTATE_BV, &in_use, sizeof in_use);
	whole.iov_len = full_size;
	return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &whole);
}

/* The PEEK requests return their word, which glibc's ptrace() takes from where the system call stored it. */
long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	pid_t pid = va_arg(arguments, pid_t);
	void *address = va_arg(arguments, void *);
	void *data = va_arg(arguments, void *);
	va_end(arguments);

	if (request == PTRACE_SETREGSET && (uintptr_t)address == NT_X86_XSTATE)
		return set_short_xstate(pid, data);

	long word;
	int peek = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;
	long result = syscall(SYS_ptrace, request, pid, address, peek ? &word : data);
	return peek && result == 0 ? word : result;
}
