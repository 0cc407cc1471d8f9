/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Initial RAM disks, joined and given secrets. Does not look into archives. */
#include "bootchain/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"

enum { ALIGN = 4 };

static const struct {
	const char *kind;
	char magic[8];
	size_t len;
} kinds[] = {
	/* lib/decompress.c and init/initramfs.c */
	{ "cpio", "070701", 6 },
	{ "cpio", "070702", 6 },
	{ "gzip", "\x1f\x8b", 2 },
	{ "gzip", "\x1f\x9e", 2 },
	{ "bzip2", "BZh", 3 },
	{ "lzma", "\x5d\x00\x00", 3 },
	{ "xz", "\xfd\x37zXZ\x00", 6 },
	{ "lzo", "\x89LZO\x00", 5 },
	{ "lz4", "\x02\x21\x4c\x18", 4 },
	{ "zstd", "\x28\xb5\x2f\xfd", 4 },
};

const char *ih_initrd_kind(struct ih_bytes content)
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(kinds); i++)
		if (content.len >= kinds[i].len &&
		    !memcmp(content.data, kinds[i].magic, kinds[i].len))
			return kinds[i].kind;
	return NULL;
}

int ih_initrd_join(struct ih_rope *all, const char *name, struct ih_rope *archive,
		   struct ih_diag *diag)
{
	uint8_t magic[8];
	size_t len = 0;
	int r;

	r = ih_rope_head(archive, magic, sizeof(magic), &len, diag);
	if (r < 0)
		return r;
	if (!ih_initrd_kind((struct ih_bytes){ magic, len }))
		return ih_fail(diag, -EBADMSG, "'%s' is no archive that a kernel unpacks", name);
	if (archive->len > IH_INITRD_MAX - all->len)
		return ih_fail(diag, -EFBIG, "the initrds have more than %u bytes with '%s'",
			       IH_INITRD_MAX, name);
	r = ih_rope_move(all, archive);
	return r < 0 ? r : ih_rope_align(all, ALIGN);
}

int ih_initrd_join_file(struct ih_rope *all, const char *path, struct ih_diag *diag)
{
	struct ih_rope one = { 0 };
	int r;

	r = ih_rope_add_file(&one, path, IH_INITRD_MAX, diag);
	if (!r)
		r = ih_initrd_join(all, path, &one, diag);
	ih_rope_done(&one);
	return r;
}

/* Waits for the child with a limit: a program that hangs must not hang an installation for ever. */
static int wait_for(pid_t pid, const char *program, struct ih_diag *diag)
{
	_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status, ready;

	ready = fd < 0 ? 1 : poll(&p, 1, IH_INITRD_SECRETS_SECONDS * 1000);
	if (ready <= 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ih_fail(diag, -errno, "cannot wait for '%s': %s", program,
				       strerror(errno));
	if (ready <= 0)
		return ih_fail(diag, -ETIMEDOUT, "'%s' did not end within %d seconds", program,
			       IH_INITRD_SECRETS_SECONDS);
	if (WIFSIGNALED(status))
		return ih_fail(diag, -ECHILD, "'%s' was ended by signal %d", program,
			       WTERMSIG(status));
	if (WEXITSTATUS(status))
		return ih_fail(
			diag, -ECHILD,
			"'%s' ended with status %d; without its secrets no boot entry is made",
			program, WEXITSTATUS(status));
	return 0;
}

static int run(const char *program, char *path, struct ih_diag *diag)
{
	/* The caller's environment is none of the program's business: it runs for the next boot. */
	static char search[] = "PATH=/run/current-system/sw/bin:/usr/bin:/bin",
		    locale[] = "LC_ALL=C";
	char *const envp[] = { search, locale, NULL };
	char *const argv[] = { (char *)program, path, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (!r)
		r = posix_spawn(&pid, program, &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return ih_fail(diag, -r, "cannot run '%s': %s", program, strerror(r));
	return wait_for(pid, program, diag);
}

static int write_chunk(void *self, const uint8_t *data, size_t len)
{
	return ih_write_full(*(int *)self, data, len);
}

static int write_copy(const char *path, const struct ih_rope *initrd, struct ih_diag *diag)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct ih_diag inner = { "" };
	int r;

	if (fd < 0)
		return ih_fail(diag, -errno, "cannot create '%s': %s", path, strerror(errno));
	r = ih_rope_read(initrd, write_chunk, &fd, &inner);
	return r < 0 ? ih_fail(diag, r, "cannot write '%s': %s", path,
			       inner.text[0] ? inner.text : strerror(-r))
		     : 0;
}

/* Not left where it is: what is secret shall be on no disk longer than its program runs. */
static int with_secrets(const char *program, char *path, struct ih_rope *initrd,
			struct ih_diag *diag)
{
	_free_ char *result = NULL;
	struct ih_rope all = { 0 };
	size_t len;
	int r;

	r = write_copy(path, initrd, diag);
	if (!r)
		r = run(program, path, diag);
	if (!r)
		r = ih_read_file(AT_FDCWD, path, IH_INITRD_MAX, &result, &len, diag);
	if (!r && !ih_initrd_kind((struct ih_bytes){ (uint8_t *)result, len }))
		r = ih_fail(diag, -EBADMSG, "what '%s' left behind is no archive any more",
			    program);
	if (!r)
		r = ih_rope_add_taken(&all, TAKE_PTR(result), len);
	if (r < 0)
		return r;
	ih_rope_done(initrd);
	*initrd = all;
	return 0;
}

int ih_initrd_add_secrets(const char *program, const char *directory, struct ih_rope *initrd,
			  struct ih_diag *diag)
{
	_free_ char *folder = NULL, *path = NULL;
	int r;

	if (program[0] != '/')
		return ih_fail(diag, -EINVAL, "'%s' is not an absolute path", program);
	if (asprintf(&folder, "%s/ihard-initrd-XXXXXX", directory) < 0) {
		folder = NULL;
		return -ENOMEM;
	}
	if (!mkdtemp(folder)) /* 0700 */
		return ih_fail(diag, -errno, "cannot make a folder in '%s': %s", directory,
			       strerror(errno));
	r = asprintf(&path, "%s/initrd", folder) < 0 ? -ENOMEM : 0;
	if (r < 0)
		path = NULL;
	else
		r = with_secrets(program, path, initrd, diag);
	if (path)
		(void)unlink(path);
	(void)rmdir(folder);
	return r;
}
