/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rebuilds the table that a program finds at its stack pointer when it starts. */
#include "wrapper/patch.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "common/cleanup.h"

#if defined(__x86_64__)
#define STACK_POINTER(regs) ((regs).rsp)
#elif defined(__aarch64__)
#define STACK_POINTER(regs) ((regs).sp)
#endif

#define WORDS_MAX (IH_PATCH_BYTES_MAX / sizeof(uint64_t))

/* What lies at the stack pointer, as words, and where the vectors in it begin. */
struct table {
	uint64_t *words;
	size_t n; /* up to and with AT_NULL's pair */
	size_t argc, envp, auxv;
};

#ifdef STACK_POINTER

static int get_registers(pid_t pid, struct user_regs_struct *ret)
{
	struct iovec v = { ret, sizeof(*ret) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0)
		return -errno;
	/* A 32-bit image has a smaller set, and another table. */
	return v.iov_len == sizeof(*ret) ? 0 : -EOPNOTSUPP;
}

static int set_registers(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec v = { regs, sizeof(*regs) };

	return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &v) < 0 ? -errno : 0;
}

/* Index behind the NULL that ends a vector, or 0 when it does not end. */
static size_t end_of(const uint64_t *words, size_t n, size_t from, size_t step)
{
	for (size_t i = from; i < n; i += step)
		if (!words[i])
			return i + step;
	return 0;
}

/* Read the table. process_vm_readv() stops at the end of the stack and says how far it came. */
static int read_table(pid_t pid, uint64_t sp, struct table *ret)
{
	struct table t = { .words = calloc(WORDS_MAX + 2, sizeof(uint64_t)) };
	struct iovec local, remote = { (void *)(uintptr_t)sp, 4096 - (sp & 4095) };
	size_t got = 0;

	if (!t.words)
		return -ENOMEM;
	while (got < WORDS_MAX * sizeof(uint64_t)) {
		size_t room = WORDS_MAX * sizeof(uint64_t) - got;
		ssize_t n;

		remote.iov_len = remote.iov_len < room ? remote.iov_len : room;
		local = (struct iovec){ (char *)t.words + got, remote.iov_len };
		n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
		if (n <= 0)
			break;
		got += (size_t)n;
		remote.iov_base = (char *)remote.iov_base + n;
		remote.iov_len = 4096;
	}
	t.n = got / sizeof(uint64_t);
	t.argc = t.n ? (size_t)t.words[0] : 0;
	if (t.argc && t.argc < t.n)
		t.envp = end_of(t.words, t.n, 1 + t.argc, 1);
	if (t.envp)
		t.auxv = end_of(t.words, t.n, t.envp, 1);
	if (t.auxv)
		t.n = end_of(t.words, t.n, t.auxv, 2);
	if (!t.auxv || !t.n || t.envp != t.argc + 2) {
		free(t.words);
		return -E2BIG;
	}
	*ret = t;
	return 0;
}

/* What is to be written below the stack pointer: the table, then the strings. */
struct block {
	char *bytes;
	size_t strings; /* bytes so far, from the end of the table on */
	uint64_t at;	/* address of the strings */
};

static size_t sum_of_new(char *const *vector, char *const *old, size_t n_old, size_t *ret_n)
{
	size_t sum = 0, n = 0;

	for (; vector[n]; n++) {
		size_t k = 0;

		while (k < n_old && old[k] != vector[n])
			k++;
		if (k == n_old)
			sum += strlen(vector[n]) + 1;
	}
	*ret_n = n;
	return sum;
}

/* The address of a string: where it is already, or where it will be. */
static uint64_t place(const char *string, char *const *old, const uint64_t *addresses, size_t n_old,
		      char *strings, struct block *b)
{
	size_t len = strlen(string) + 1;
	uint64_t at;

	for (size_t k = 0; k < n_old; k++)
		if (old[k] == string)
			return addresses[k];
	memcpy(strings + b->strings, string, len);
	at = b->at + b->strings;
	b->strings += len;
	return at;
}

static size_t count(char *const *vector)
{
	size_t n = 0;

	while (vector[n])
		n++;
	return n;
}

static int write_block(const struct ih_image *image, const struct table *t, char *const *argv,
		       char *const *envp, struct user_regs_struct *regs)
{
	const size_t old_env = count(image->envp), aux = t->n - t->auxv;
	size_t n_argv, n_envp, strings, words, head;
	_free_ char *bytes = NULL;
	struct block b = { 0 };
	struct iovec local, remote;
	uint64_t sp, *w;

	strings = sum_of_new(argv, image->argv, t->argc, &n_argv);
	strings += sum_of_new(envp, image->envp, old_env, &n_envp);
	if (!n_argv || old_env != t->auxv - t->envp - 1)
		return -EINVAL;
	words = 1 + n_argv + 1 + n_envp + 1 + aux;
	if (strings + words * sizeof(uint64_t) > IH_PATCH_BYTES_MAX)
		return -E2BIG;

	b.at = (STACK_POINTER(*regs) - strings) & ~15ULL;
	sp = (b.at - words * sizeof(uint64_t)) & ~15ULL;
	head = (size_t)(b.at - sp);
	bytes = calloc(1, head + strings + 1);
	if (!bytes)
		return -ENOMEM;
	w = (uint64_t *)(void *)bytes;
	*w++ = n_argv;
	for (size_t i = 0; i < n_argv; i++)
		*w++ = place(argv[i], image->argv, t->words + 1, t->argc, bytes + head, &b);
	*w++ = 0;
	for (size_t i = 0; i < n_envp; i++)
		*w++ = place(envp[i], image->envp, t->words + t->envp, old_env, bytes + head, &b);
	*w++ = 0;
	memcpy(w, t->words + t->auxv, aux * sizeof(*w));

	local = (struct iovec){ bytes, head + strings };
	remote = (struct iovec){ (void *)(uintptr_t)sp, local.iov_len };
	if (process_vm_writev(image->pid, &local, 1, &remote, 1, 0) != (ssize_t)local.iov_len)
		return errno ? -errno : -EIO;
	STACK_POINTER(*regs) = sp;
	return set_registers(image->pid, regs);
}

static int patch(const struct ih_image *image, char *const *argv, char *const *envp)
{
	struct user_regs_struct regs;
	struct table t;
	int r = get_registers(image->pid, &regs);

	if (r < 0)
		return r;
	r = read_table(image->pid, STACK_POINTER(regs), &t);
	if (r < 0)
		return r;
	r = t.argc == (size_t)image->argc ? write_block(image, &t, argv, envp, &regs) : -EINVAL;
	free(t.words);
	return r;
}

#else

static int patch(const struct ih_image *image, char *const *argv, char *const *envp)
{
	(void)image;
	(void)argv;
	(void)envp;
	return -EOPNOTSUPP;
}

#endif

int ih_image_patch(const struct ih_image *image, char *const *argv, char *const *envp,
		   struct ih_diag *diag)
{
	int r = patch(image, argv, envp);

	if (r < 0)
		return ih_fail(
			diag, r,
			"cannot give '%s' the arguments and environment that were judged: %s",
			image->argv[0], strerror(-r));
	return 0;
}
