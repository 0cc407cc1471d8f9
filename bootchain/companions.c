/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies beside an image, and the archives a stub makes of it. Decides nothing. */
#include "bootchain/companions.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/dir.h"
#include "common/fd.h"
#include "common/text.h"

static const struct {
	const char *name, *folder; /* in the archive */
	unsigned int folder_mode, file_mode, pcr;
} kinds[IH_COMPANION_KINDS] = {
	[IH_COMPANION_CREDENTIAL] = { "credential", ".extra/credentials", 0500, 0400, 12 },
	[IH_COMPANION_GLOBAL_CREDENTIAL] = { "global credential", ".extra/global_credentials", 0500,
					     0400, 12 },
	[IH_COMPANION_EXTENSION] = { "system extension", ".extra/sysext", 0555, 0444, 13 },
	[IH_COMPANION_GLOBAL_EXTENSION] = { "global system extension", ".extra/global_sysext", 0555,
					    0444, 13 },
	[IH_COMPANION_CONFEXT] = { "configuration extension", ".extra/confext", 0555, 0444, 12 },
	[IH_COMPANION_GLOBAL_CONFEXT] = { "global configuration extension", ".extra/global_confext",
					  0555, 0444, 12 },
	[IH_COMPANION_ADDON] = { "addon", NULL, 0, 0, 12 },
	[IH_COMPANION_PCR_SIGNATURE] = { "PCR signature", ".extra", 0555, 0444, 0 },
	[IH_COMPANION_PCR_KEY] = { "PCR key", ".extra", 0555, 0444, 0 },
	[IH_COMPANION_OS_RELEASE] = { "os-release", ".extra", 0555, 0444, 0 },
};

const char *ih_companion_kind_name(enum ih_companion_kind kind)
{
	return kinds[kind].name;
}

unsigned int ih_companion_pcr(enum ih_companion_kind kind)
{
	return kinds[kind].pcr;
}

static int pad(struct ih_text *out)
{
	return ih_text_add(out, "\0\0\0", (4 - out->len % 4) % 4);
}

/* newc header (cpio(5)) with the stub's constants: one link, no times, no owner. */
static int add_header(struct ih_text *out, unsigned int inode, unsigned int mode, size_t size,
		      const char *name)
{
	int r;

	r = ih_text_addf(out, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", inode,
			 mode, 0, 0, 1, 0, size, 0, 0, 0, 0, strlen(name) + 1, 0);
	if (!r)
		r = ih_text_add(out, name, strlen(name) + 1);
	return r ? r : pad(out);
}

static int add_folders(struct ih_text *out, enum ih_companion_kind kind, unsigned int *inode)
{
	const char *folder = kinds[kind].folder;
	int r = 0;

	for (const char *end = strchr(folder, '/'); end && !r; end = strchr(end + 1, '/')) {
		_free_ char *parent = strndup(folder, (size_t)(end - folder));

		/* Only the last folder has the mode of its kind (pack_cpio_prefix). */
		r = parent ? add_header(out, (*inode)++, 0040555, 0, parent) : -ENOMEM;
	}
	return r ? r : add_header(out, (*inode)++, 0040000 | kinds[kind].folder_mode, 0, folder);
}

static int add_file(struct ih_text *out, enum ih_companion_kind kind, unsigned int inode,
		    const struct ih_initrd *file)
{
	_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", kinds[kind].folder, file->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = add_header(out, inode, 0100000 | kinds[kind].file_mode, file->content.len, path);
	if (!r)
		r = ih_text_add(out, file->content.data, file->content.len);
	return r ? r : pad(out);
}

static int add_trailer(struct ih_text *out)
{
	int r;

	r = ih_text_addf(out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08X%08x", 0, 0, 0,
			 0, 1, 0, 0, 0, 0, 0, 0, 11, 0);
	return r ? r : ih_text_add(out, "TRAILER!!!\0\0\0", 14);
}

int ih_companions_archive(enum ih_companion_kind kind, const struct ih_initrd *files, size_t n,
			  struct ih_image *ret)
{
	struct ih_text out = { 0 };
	unsigned int inode = 1;
	int r;

	r = add_folders(&out, kind, &inode);
	for (size_t i = 0; i < n && !r; i++)
		r = add_file(&out, kind, inode++, &files[i]);
	if (!r)
		r = add_trailer(&out);
	if (r < 0) {
		ih_text_done(&out);
		return r;
	}
	*ret = (struct ih_image){ (uint8_t *)out.data, out.len };
	return 0;
}

/* What the stub takes: any case of the suffix, ASCII alone, no folder. */
static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && name[0] != '.' && !strcasecmp(name + n - m, suffix);
}

static bool is_taken(int dir, const char *name, const char *suffix)
{
	struct stat st;

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c > 0x7f)
			return false;
	return has_suffix(name, suffix) && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !S_ISDIR(st.st_mode);
}

/* Capitals first: the stub finds names whatever their case, but sorts them as they are. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(int dir, const char *suffix, char **names, size_t *ret_n)
{
	_closedir_ DIR *d = NULL;
	const struct dirent *e;
	size_t n = 0;
	int r;

	r = ih_dir_openat(dir, ".", 0, &d);
	while (!r && (e = ih_dir_next(d, &r)) != NULL) {
		if (!is_taken(dir, e->d_name, suffix))
			continue;
		if (n == IH_COMPANIONS_MAX)
			r = -E2BIG;
		else if (!(names[n] = strdup(e->d_name)))
			r = -ENOMEM;
		else
			n++;
	}
	qsort(names, n, sizeof(*names), by_name);
	*ret_n = n;
	return r;
}

static int add(struct ih_companions *c, enum ih_companion_kind kind, int dir, const char *name,
	       struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	char *data;
	size_t len;
	int r;

	if (c->n == IH_COMPANIONS_MAX)
		return ih_fail(diag, -E2BIG, "more than %d files lie beside the image",
			       IH_COMPANIONS_MAX);
	fd = ih_open_beneath(dir, name, O_RDONLY);
	if (fd < 0)
		return ih_fail(diag, fd, "cannot open '%s': %s", name, strerror(-fd));
	r = ih_read_fd(fd, name, IH_COMPANION_SIZE_MAX, &data, &len, diag);
	if (r < 0)
		return r;
	c->item[c->n].kind = kind;
	c->item[c->n].data = (uint8_t *)data;
	c->item[c->n].len = len;
	c->item[c->n].name = strdup(name);
	c->n++;
	return c->item[c->n - 1].name ? 0 : -ENOMEM;
}

/* One kind of files: where they lie, what their names end in. */
struct looking {
	enum ih_companion_kind kind;
	const char *folder, *suffix;
	const char *but; /* … and not in this; NULL: whatever they end in */
};

static int collect(struct ih_companions *c, const struct looking *l, int esp, struct ih_diag *diag)
{
	_close_ int dir = ih_open_beneath(esp, l->folder, O_RDONLY | O_DIRECTORY);
	char *names[IH_COMPANIONS_MAX] = { NULL };
	size_t n = 0;
	int r;

	if (dir == -ENOENT || dir == -ENOTDIR)
		return 0;
	if (dir < 0)
		return ih_fail(diag, dir, "cannot open '%s': %s", l->folder, strerror(-dir));
	r = list_names(dir, l->suffix, names, &n);
	if (r < 0)
		(void)ih_fail(diag, r, "cannot list '%s': %s", l->folder, strerror(-r));
	for (size_t i = 0; i < n; i++) {
		if (!r && !(l->but && has_suffix(names[i], l->but)))
			r = add(c, l->kind, dir, names[i], diag);
		free(names[i]);
	}
	return r;
}

int ih_companions_collect(int esp, const char *image, const struct ih_stub_rules *rules,
			  struct ih_companions *ret, struct ih_diag *diag)
{
	static const char global[] = "loader/extensions", confext[] = ".confext.raw";
	const char *but = rules->confexts ? confext : NULL;
	struct ih_companions c = { 0 };
	_free_ char *own = NULL;
	int r = 0;

	if (asprintf(&own, "%s.extra.d", image) < 0) {
		own = NULL;
		return -ENOMEM;
	}
	const struct {
		bool there;
		struct looking what;
	} all[] = {
		{ true, { IH_COMPANION_CREDENTIAL, own, ".cred", NULL } },
		{ true, { IH_COMPANION_GLOBAL_CREDENTIAL, "loader/credentials", ".cred", NULL } },
		{ true, { IH_COMPANION_EXTENSION, own, ".raw", but } },
		{ rules->global, { IH_COMPANION_GLOBAL_EXTENSION, global, ".raw", but } },
		{ rules->confexts, { IH_COMPANION_CONFEXT, own, confext, NULL } },
		{ rules->global, { IH_COMPANION_GLOBAL_CONFEXT, global, confext, NULL } },
		{ rules->addons, { IH_COMPANION_ADDON, "loader/addons", ".addon.efi", NULL } },
		{ rules->addons, { IH_COMPANION_ADDON, own, ".addon.efi", NULL } },
	};

	for (size_t i = 0; i < IH_ARRAY_SIZE(all) && !r; i++)
		if (all[i].there)
			r = collect(&c, &all[i].what, esp, diag);
	if (r < 0) {
		ih_companions_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void ih_companions_done(struct ih_companions *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->item[i].name);
		free(c->item[i].data);
	}
	*c = (struct ih_companions){ 0 };
}
