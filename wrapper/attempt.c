/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the arguments of an execve from its caller's memory. */
#include "wrapper/attempt.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "wrapper/kernel.h"

#define PAGE	     4096UL
#define POINTERS_MAX (1U << 20)

/* Reads at most to the end of the page, so that a string before unmapped memory can be read. */
static ssize_t read_some(pid_t pid, uint64_t address, void *buffer, size_t len)
{
	size_t left = PAGE - (address & (PAGE - 1));
	struct iovec local = { buffer, len < left ? len : left };
	struct iovec remote = { (void *)(uintptr_t)address, local.iov_len };
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

struct bytes {
	char *data;
	size_t len, size;
};

static int append_string(pid_t pid, uint64_t address, size_t max, struct bytes *b)
{
	size_t start = b->len;

	for (;;) {
		ssize_t n;
		char *end;

		if (b->size - b->len < PAGE) {
			size_t size = b->size ? b->size * 2 : 4 * PAGE;
			char *larger = size > IH_IMAGE_BYTES_MAX ? NULL : realloc(b->data, size);

			if (!larger)
				return -E2BIG;
			b->data = larger;
			b->size = size;
		}
		n = read_some(pid, address, b->data + b->len, PAGE);
		if (n <= 0)
			return n < 0 ? (int)n : -EFAULT;
		end = memchr(b->data + b->len, '\0', (size_t)n);
		if (end) {
			b->len = (size_t)(end - b->data) + 1;
			return 0;
		}
		b->len += (size_t)n;
		address += (uint64_t)n;
		if (b->len - start > max)
			return -E2BIG;
	}
}

/* A NULL-terminated vector of strings; a NULL vector is empty, as Linux takes it. */
static int read_vector(pid_t pid, uint64_t address, char **ret_bytes, char ***ret, int *ret_n)
{
	struct bytes b = { 0 };
	size_t n = 0, left;
	char **vector, *at;
	int r = 0;

	while (address) {
		uint64_t pointer = 0;
		ssize_t got =
			read_some(pid, address + n * sizeof(pointer), &pointer, sizeof(pointer));

		if (got != sizeof(pointer))
			r = got < 0 ? (int)got : -EFAULT;
		else if (pointer && n == POINTERS_MAX)
			r = -E2BIG;
		else if (pointer)
			r = append_string(pid, pointer, IH_IMAGE_BYTES_MAX, &b);
		if (r < 0 || !pointer)
			break;
		n++;
	}
	vector = r < 0 ? NULL : calloc(n + 1, sizeof(*vector));
	if (!vector) {
		free(b.data);
		return r < 0 ? r : -ENOMEM;
	}
	at = b.data;
	for (left = 0; left < n; left++) {
		vector[left] = at;
		at += strlen(at) + 1;
	}
	*ret_bytes = b.data;
	*ret = vector;
	*ret_n = (int)n;
	return 0;
}

/* Names that mean something else to the supervisor than to the caller. */
static bool is_about_caller(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/dev/fd/", 8) == 0;
}

/* The name of a descriptor, as a shim execs one; what has none is left to the look at the image. */
static int name_of(pid_t pid, int fd, char **ret)
{
	char link[48], name[PATH_MAX];
	struct stat theirs, named;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	n = readlink(link, name, sizeof(name) - 1);
	if (n <= 0 || name[0] != '/')
		return -ENODATA;
	name[n] = '\0';
	if (stat(link, &theirs) < 0 || stat(name, &named) < 0 || theirs.st_dev != named.st_dev ||
	    theirs.st_ino != named.st_ino)
		return -ENODATA;
	free(*ret);
	*ret = strdup(name);
	return *ret ? 0 : -ENOMEM;
}

static int read_call(pid_t pid, const struct __ptrace_syscall_info *call, struct ih_attempt *a)
{
	const uint64_t *args = call->seccomp.args;
	bool at = call->seccomp.nr == SYS_execveat;
	struct bytes path = { 0 };
	int n, r;

	if (!at && call->seccomp.nr != SYS_execve)
		return -ENODATA;
	if (at && (args[4] & IH_AT_EXECVE_CHECK))
		return -ENODATA;
	r = append_string(pid, args[at], PATH_MAX, &path);
	if (r < 0) {
		free(path.data);
		return r;
	}
	a->path = path.data;
	if (at && !a->path[0] && (args[4] & AT_EMPTY_PATH)) {
		r = name_of(pid, (int)args[0], &a->path);
		if (r < 0)
			return r;
	}
	if (!a->path[0] || is_about_caller(a->path))
		return -ENODATA;
	if (at && (int)args[0] != AT_FDCWD)
		(void)snprintf(a->directory, sizeof(a->directory), "/proc/%d/fd/%d", pid,
			       (int)args[0]);
	else
		(void)snprintf(a->directory, sizeof(a->directory), "/proc/%d/cwd", pid);
	r = read_vector(pid, args[at + 1], &a->image.arg_bytes, &a->image.argv, &a->image.argc);
	if (r < 0)
		return r;
	return read_vector(pid, args[at + 2], &a->image.env_bytes, &a->image.envp, &n);
}

int ih_attempt_read(pid_t pid, const struct __ptrace_syscall_info *call, struct ih_attempt *ret)
{
	struct ih_attempt a = { .image = { .pid = pid, .proc = -EBADF, .exe = -EBADF } };
	int r;

	r = read_call(pid, call, &a);
	if (r < 0) {
		ih_attempt_done(&a);
		return r;
	}
	*ret = a;
	return 0;
}

void ih_attempt_done(struct ih_attempt *a)
{
	ih_image_done(&a->image);
	free(a->path);
	a->path = NULL;
}

int ih_attempt_refuse(pid_t pid)
{
#ifdef __x86_64__
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0)
		return -errno;
	regs.orig_rax = (unsigned long long)-1; /* no system call … */
	regs.rax = (unsigned long long)-EACCES; /* … and this is what it returns */
	return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0 ? -errno : 0;
#elif defined(__aarch64__)
	struct user_regs_struct regs;
	struct iovec v = { &regs, sizeof(regs) };
	int none = -1;
	struct iovec call = { &none, sizeof(none) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0)
		return -errno;
	regs.regs[0] = (unsigned long long)-EACCES;
	if (ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0 ||
	    ptrace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &call) < 0)
		return -errno;
	return 0;
#else
	(void)pid;
	return -EOPNOTSUPP;
#endif
}
