/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing to a boot partition. The only file that changes one, apart from the renames of bless.c.
 */
#include "bootchain/esp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/dir.h"
#include "common/fd.h"
#include "common/text.h"
#include "integrity/hash.h"

#define HASH_CHUNK (256U << 10)

static int step(const struct ih_esp *esp, const char *what, const char *name)
{
	return esp->step ? esp->step(esp->step_self, what, name) : 0;
}

static int open_folder(const struct ih_esp *esp, const char *folder)
{
	return ih_open_beneath(esp->fd, folder, O_RDONLY | O_DIRECTORY);
}

/* Makes a path of folders, each on disk before the next. */
static int make_folder(const struct ih_esp *esp, const char *folder, struct ih_diag *diag)
{
	_close_ int at = fcntl(esp->fd, F_DUPFD_CLOEXEC, 3);
	char copy[256], *rest = copy, *part;
	int r;

	if (at < 0 || strlen(folder) >= sizeof(copy))
		return ih_fail(diag, at < 0 ? -errno : -ENAMETOOLONG, "cannot open '%s'", folder);
	memcpy(copy, folder, strlen(folder) + 1);
	while ((part = strsep(&rest, "/")) != NULL) {
		int next = ih_open_beneath(at, part, O_RDONLY | O_DIRECTORY);

		if (next == -ENOENT) {
			r = step(esp, "mkdir", part);
			if (r == 0 && mkdirat(at, part, 0755) < 0)
				r = -errno;
			if (r == 0 && fsync(at) < 0)
				r = -errno;
			next = r < 0 ? r : ih_open_beneath(at, part, O_RDONLY | O_DIRECTORY);
		}
		if (next < 0)
			return ih_fail(diag, next, "cannot make the folder '%s' in '%s': %s",
				       folder, esp->path, strerror(-next));
		(void)close(at);
		at = next;
	}
	return TAKE_FD(at);
}

/* Bytes on their way: to the file, and into its hash. */
struct writing {
	int fd;
	struct ih_hash *hash;
};

static int write_chunk(void *self, const uint8_t *data, size_t len)
{
	struct writing *w = self;
	int r = ih_write_full(w->fd, data, len);

	return r < 0 ? r : ih_hash_add(w->hash, data, len);
}

static bool is_hash(const struct ih_digest *digest, const char *hex)
{
	char is[IH_DIGEST_HEX_SIZE];

	ih_digest_hex(digest, is);
	return !hex || strncasecmp(is, hex, IH_ESP_HEX - 1) == 0;
}

static int write_content(int fd, const struct ih_esp_write *file, struct ih_diag *diag)
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *hash = NULL;
	struct writing w = { .fd = fd };
	struct ih_digest digest;
	int r;

	r = ih_hash_new(IH_HASH_SHA256, &hash);
	w.hash = hash;
	if (r == 0)
		r = ih_rope_read(file->content, write_chunk, &w, diag);
	if (r == 0)
		r = ih_hash_end(hash, &digest);
	if (r == 0 && !is_hash(&digest, file->hex))
		return ih_fail(diag, -ESTALE, "what becomes '%s' changed while it was read",
			       file->name);
	return r;
}

/* The bytes, under the temporary name, on disk. */
static int write_temporary(const struct ih_esp *esp, int dir, const char *name,
			   const struct ih_esp_write *file, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	int r;

	r = step(esp, "write", name);
	if (r < 0)
		return r;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT) /* of a run that was cut off */
		return -errno;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = write_content(fd, file, diag);
	if (r == 0)
		r = step(esp, "fsync", name);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int put_in_place(const struct ih_esp *esp, int dir, const char *from, const char *to,
			bool replace)
{
	int r;

	r = step(esp, "rename", to);
	if (r < 0)
		return r;
	if (replace) {
		r = renameat(dir, from, dir, to) < 0 ? -errno : 0;
	} else {
		r = renameat2(dir, from, dir, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
		if (r == -EINVAL || r == -ENOSYS) /* a file system that cannot do that */
			r = faccessat(dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? -EEXIST
			    : renameat(dir, from, dir, to) < 0		       ? -errno
									       : 0;
	}
	if (r == 0)
		r = step(esp, "fsync folder", to);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	return r;
}

int ih_esp_write(const struct ih_esp *esp, const struct ih_esp_write *file, struct ih_diag *diag)
{
	_close_ int dir = make_folder(esp, file->folder, diag);
	struct ih_text temporary = { 0 };
	struct ih_diag inner = { "" };
	int r;

	if (dir < 0)
		return dir;
	if (ih_text_addf(&temporary, "%s%s", file->name, IH_ESP_TEMPORARY) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	r = write_temporary(esp, dir, temporary.data, file, &inner);
	if (r == 0)
		r = put_in_place(esp, dir, temporary.data, file->name, file->replace);
	/* What does not fit must not stay; after a power cut nobody is there to remove it. */
	if (r < 0 && r != -EOWNERDEAD)
		(void)unlinkat(dir, temporary.data, 0);
	ih_text_done(&temporary);
	if (r < 0)
		return ih_fail(diag, r, "cannot write '%s/%s/%s': %s", esp->path, file->folder,
			       file->name, inner.text[0] ? inner.text : strerror(-r));
	return 0;
}

int ih_esp_remove(const struct ih_esp *esp, const char *folder, const char *name,
		  struct ih_diag *diag)
{
	_close_ int dir = open_folder(esp, folder);
	int r = dir;

	if (dir == -ENOENT)
		return 0;
	if (dir >= 0)
		r = step(esp, "remove", name);
	if (r >= 0)
		r = unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	if (r == 0)
		r = step(esp, "fsync folder", name);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	if (r < 0)
		return ih_fail(diag, r, "cannot remove '%s/%s/%s': %s", esp->path, folder, name,
			       strerror(-r));
	return 0;
}

int ih_esp_sync(const struct ih_esp *esp, struct ih_diag *diag)
{
	int r = step(esp, "sync", "");

	if (r == 0 && syncfs(esp->fd) < 0)
		r = -errno;
	return r < 0 ? ih_fail(diag, r, "cannot write '%s' to disk: %s", esp->path, strerror(-r))
		     : 0;
}

static int add_file(struct ih_esp_files *files, const char *name, uint64_t size)
{
	struct ih_esp_file *grown;

	if ((files->n & (files->n - 1)) == 0) {
		grown = reallocarray(files->items, files->n ? 2 * files->n : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		files->items = grown;
	}
	files->items[files->n] = (struct ih_esp_file){ strdup(name), size };
	return files->items[files->n++].name ? 0 : -ENOMEM;
}

int ih_esp_list(const struct ih_esp *esp, const char *folder, struct ih_esp_files *ret,
		struct ih_diag *diag)
{
	struct ih_esp_files files = { 0 };
	_closedir_ DIR *d = NULL;
	const struct dirent *e;
	struct stat st;
	int r;

	*ret = files;
	r = ih_dir_open(open_folder(esp, folder), &d);
	if (r == -ENOENT)
		return 0;
	while (r == 0 && (e = ih_dir_next(d, &r)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			r = add_file(&files, e->d_name, (uint64_t)st.st_size);
	if (r < 0) {
		ih_esp_files_done(&files);
		return ih_fail(diag, r, "cannot list '%s/%s': %s", esp->path, folder, strerror(-r));
	}
	*ret = files;
	return 0;
}

void ih_esp_files_done(struct ih_esp_files *files)
{
	size_t i;

	for (i = 0; i < files->n; i++)
		free(files->items[i].name);
	free(files->items);
	*files = (struct ih_esp_files){ 0 };
}

static int hash_fd(int fd, struct ih_digest *ret)
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *h = NULL;
	_free_ char *chunk = malloc(HASH_CHUNK);
	uint64_t at = 0;
	ssize_t n;
	int r;

	if (!chunk)
		return -ENOMEM;
	r = ih_hash_new(IH_HASH_SHA256, &h);
	while (r == 0) {
		n = ih_pread_full(fd, chunk, HASH_CHUNK, at);
		if (n < 0)
			return (int)n;
		r = ih_hash_add(h, chunk, (size_t)n);
		at += (uint64_t)n;
		if (n < (ssize_t)HASH_CHUNK)
			break;
	}
	return r < 0 ? r : ih_hash_end(h, ret);
}

int ih_esp_hash(const struct ih_esp *esp, const char *folder, const char *name,
		char ret[IH_ESP_HEX])
{
	_close_ int dir = open_folder(esp, folder);
	_close_ int fd = dir < 0 ? dir : ih_open_beneath(dir, name, O_RDONLY);
	char hex[IH_DIGEST_HEX_SIZE];
	struct ih_digest digest;
	int r;

	if (fd < 0)
		return fd;
	r = hash_fd(fd, &digest);
	if (r < 0)
		return r;
	ih_digest_hex(&digest, hex);
	memcpy(ret, hex, IH_ESP_HEX - 1);
	ret[IH_ESP_HEX - 1] = '\0';
	return 0;
}

int ih_esp_space(const struct ih_esp *esp, struct ih_esp_space *ret, struct ih_diag *diag)
{
	struct statvfs v;

	if (fstatvfs(esp->fd, &v) < 0)
		return ih_fail(diag, -errno, "cannot ask '%s' for its space: %s", esp->path,
			       strerror(errno));
	ret->unit = v.f_frsize ? v.f_frsize : 512;
	ret->free = (uint64_t)v.f_bavail * ret->unit;
	ret->total = (uint64_t)v.f_blocks * ret->unit;
	return 0;
}
