/*
 * Loaded into the Node.js of each test file under user-mode Linux (LD_PRELOAD): libuv's fork() becomes a vfork().
 *
 * A fork of user-mode Linux costs the parent each of its pages once more, a tenth of a second for a process as large
 * as Node.js; tests run hundreds of small programs. Between fork() and execve() libuv changes nothing of the process
 * that matters to the parent (uv__process_child_init()) but `environ` and the stack below its own function, whose
 * values the compiler may keep anywhere in that function's frame: both are put back when the parent goes on. Other
 * threads see the child's `environ` meanwhile; no test reads it then.
 */
#include <stdlib.h>
#include <string.h>

extern char **environ;

enum { FRAME = 4096 }; /* more than that function's frame */

static __thread char frame[FRAME];
static __thread char **environment;

__attribute__((used)) static void save(const char *stack)
{
	memcpy(frame, stack, FRAME);
	environment = environ;
}

__attribute__((used)) static void restore(char *stack)
{
	memcpy(stack, frame, FRAME);
	environ = environment;
}

/* Returns twice from the same frame. rbx, like all registers, is the parent's again when it goes on. */
__attribute__((naked)) int fork(void)
{
	__asm__("push %rbx\n\t"
		"mov %rsp, %rbx\n\t"
		"mov %rsp, %rdi\n\t"
		"call save\n\t"
		"mov $58, %eax\n\t" /* SYS_vfork */
		"syscall\n\t"
		"test %eax, %eax\n\t"
		"jz 1f\n\t"
		"push %rax\n\t"
		"push %rax\n\t"
		"mov %rbx, %rdi\n\t"
		"call restore\n\t"
		"pop %rax\n\t"
		"pop %rax\n\t"
		"1: pop %rbx\n\t"
		"cmp $-4095, %rax\n\t"
		"jae 2f\n\t"
		"ret\n\t"
		"2: mov $-1, %eax\n\t" /* EAGAIN or ENOMEM, which libuv says of it */
		"ret");
}

/* Programs that it starts fork as they mean to. */
__attribute__((constructor)) static void only_here(void)
{
	unsetenv("LD_PRELOAD");
}
