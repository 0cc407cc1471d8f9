/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot partitions as directories, and the entries in them. Reads only. */
#include "bootchain/boot_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/dir.h"
#include "common/fd.h"

/* A directory that is the root of a mounted file system. */
static bool is_mount_point(int fd)
{
	struct stat here, above;

	return fstat(fd, &here) == 0 && fstatat(fd, "..", &above, 0) == 0 &&
	       (here.st_dev != above.st_dev || here.st_ino == above.st_ino);
}

static int open_named(const char *path, struct ih_diag *diag)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open the boot partition '%s': %s", path,
			       strerror(errno));
	return fd;
}

/* -ENOENT when nothing is mounted there, or something else. */
static int open_guessed(const char *path, const char *inside)
{
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || !is_mount_point(fd) || faccessat(fd, inside, F_OK, 0) < 0)
		return -ENOENT;
	return TAKE_FD(fd);
}

static int add_dir(struct ih_boot_dirs *dirs, enum ih_partition partition, int fd, const char *path)
{
	struct stat st, other;
	size_t i;

	if (fstat(fd, &st) < 0)
		return -errno;
	for (i = 0; i < dirs->n; i++)
		if (fstat(dirs->dirs[i].fd, &other) == 0 && other.st_dev == st.st_dev &&
		    other.st_ino == st.st_ino)
			return 0;
	dirs->dirs[dirs->n] = (struct ih_boot_dir){ partition, -EBADF, strdup(path) };
	if (!dirs->dirs[dirs->n].path)
		return -ENOMEM;
	dirs->dirs[dirs->n].fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (dirs->dirs[dirs->n].fd < 0) {
		free(dirs->dirs[dirs->n].path);
		return -errno;
	}
	dirs->n++;
	return 0;
}

static int open_esp(const char *esp, struct ih_boot_dirs *dirs, struct ih_diag *diag)
{
	static const char *const places[] = { "/efi", "/boot", "/boot/efi" };
	_close_ int fd = -EBADF;
	size_t i;

	if (esp) {
		fd = open_named(esp, diag);
		return fd < 0 ? fd : add_dir(dirs, IH_PARTITION_ESP, fd, esp);
	}
	for (i = 0; i < IH_ARRAY_SIZE(places); i++) {
		fd = open_guessed(places[i], "EFI");
		if (fd >= 0)
			return add_dir(dirs, IH_PARTITION_ESP, fd, places[i]);
	}
	return ih_fail(diag, -ENOENT,
		       "no EFI system partition is mounted at /efi, /boot or /boot/efi; "
		       "name it with --esp");
}

static int open_xbootldr(const char *xbootldr, struct ih_boot_dirs *dirs, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;

	fd = xbootldr ? open_named(xbootldr, diag) : open_guessed("/boot", "loader");
	if (fd == -ENOENT && !xbootldr)
		return 0;
	return fd < 0 ? fd
		      : add_dir(dirs, IH_PARTITION_XBOOTLDR, fd, xbootldr ? xbootldr : "/boot");
}

int ih_boot_dirs_open(const char *esp, const char *xbootldr, struct ih_boot_dirs *ret,
		      struct ih_diag *diag)
{
	struct ih_boot_dirs dirs = { 0 };
	int r;

	r = open_esp(esp, &dirs, diag);
	/* An ESP that was named is the whole of it, unless the other one is named, too. */
	if (r == 0 && (xbootldr || !esp))
		r = open_xbootldr(xbootldr, &dirs, diag);
	if (r < 0) {
		ih_boot_dirs_done(&dirs);
		return r;
	}
	*ret = dirs;
	return 0;
}

void ih_boot_dirs_done(struct ih_boot_dirs *dirs)
{
	size_t i;

	for (i = 0; i < dirs->n; i++) {
		(void)close(dirs->dirs[i].fd);
		free(dirs->dirs[i].path);
	}
	*dirs = (struct ih_boot_dirs){ 0 };
}

/* Firmware does not tell case apart. The kernel's vfat does not either; other file systems do. */
static bool is_there(int dirfd, const char *path)
{
	while (*path == '/')
		path++;
	return *path && faccessat(dirfd, path, F_OK, 0) == 0;
}

static void look_for_files(const struct ih_boot_dir *at, struct ih_entry *e)
{
	/* The loader looks for what it starts; a missing initrd fails the boot all the same. */
	e->missing = e->loader && !is_there(at->fd, e->loader);
}

static int read_type1(int fd, const char *name, struct ih_entry *ret, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	size_t len = 0;
	int r;

	r = ih_read_fd(fd, name, IH_ENTRY_SIZE_MAX, &text, &len, diag);
	return r < 0 ? r : ih_entry_parse_conf(name, text, len, ret, diag);
}

static int read_type2(int fd, const char *name, struct ih_entry *ret, struct ih_diag *diag)
{
	_free_ char *osrel = NULL;
	_free_ char *cmdline = NULL;
	size_t len = 0, unused;
	int r;

	r = ih_section_read(fd, ".osrel", IH_ENTRY_SIZE_MAX, &osrel, &len);
	if (r < 0)
		return ih_fail(diag, r, "'%s' has no .osrel section, so that the loader skips it",
			       name);
	r = ih_section_read(fd, ".cmdline", IH_ENTRY_SIZE_MAX, &cmdline, &unused);
	if (r < 0 && r != -ENOENT)
		return ih_fail(diag, r, "cannot read the .cmdline section of '%s'", name);
	return ih_entry_parse_osrel(name, osrel, len, cmdline, ret, diag);
}

int ih_boot_entry_read(const struct ih_boot_dir *at, const char *dir, const char *name,
		       struct ih_entry *ret, struct ih_diag *diag)
{
	struct ih_text path = { 0 };
	_close_ int fd = -EBADF;
	int r;

	if (ih_text_addf(&path, "%s/%s", dir, name) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	fd = ih_open_beneath(at->fd, path.data, O_RDONLY);
	if (fd < 0)
		r = ih_fail(diag, fd, "cannot open '%s/%s': %s", at->path, path.data,
			    strerror(-fd));
	else if (strcmp(dir, IH_TYPE1_DIR) == 0)
		r = read_type1(fd, name, ret, diag);
	else
		r = read_type2(fd, name, ret, diag);
	ih_text_done(&path);
	if (r < 0)
		return r;
	ret->partition = at->partition;
	look_for_files(at, ret);
	return 0;
}

static int read_one(const struct ih_boot_dir *at, const char *dir, const char *name,
		    struct ih_entries *ret, struct ih_text *skipped)
{
	struct ih_diag diag = { 0 };
	struct ih_entry e = { 0 };
	int r;

	r = ih_boot_entry_read(at, dir, name, &e, &diag);
	if (r == 0) {
		r = ih_entries_add(ret, &e);
		ih_entry_done(&e);
		return r;
	}
	if (r == -ENOMEM)
		return r;
	if (skipped)
		(void)ih_text_addf(skipped, "%s\n", diag.text);
	return 0;
}

static bool is_entry_file(const char *dir, const char *name)
{
	const char *suffix = strcmp(dir, IH_TYPE1_DIR) == 0 ? ".conf" : ".efi";
	size_t len = strlen(name);
	struct ih_count unused;

	return len > strlen(suffix) && strcasecmp(name + len - strlen(suffix), suffix) == 0 &&
	       ih_count_parse(name, &unused) == 0;
}

static int read_dir(const struct ih_boot_dir *at, const char *dir, struct ih_entries *ret,
		    struct ih_text *skipped, struct ih_diag *diag)
{
	_closedir_ DIR *d = NULL;
	const struct dirent *e;
	int r;

	r = ih_dir_open(ih_open_beneath(at->fd, dir, O_RDONLY | O_DIRECTORY), &d);
	if (r == -ENOENT)
		return 0;
	while (r == 0 && (e = ih_dir_next(d, &r)) != NULL)
		if (e->d_type != DT_DIR && is_entry_file(dir, e->d_name))
			r = read_one(at, dir, e->d_name, ret, skipped);
	if (r < 0)
		return ih_fail(diag, r, "cannot read the entries of '%s/%s': %s", at->path, dir,
			       strerror(-r));
	return 0;
}

static int read_loader_conf(const struct ih_boot_dir *esp, struct ih_loader_conf *conf,
			    struct ih_diag *diag)
{
	_close_ int fd = ih_open_beneath(esp->fd, "loader/loader.conf", O_RDONLY);
	_free_ char *text = NULL;
	size_t len = 0;
	int r;

	*conf = (struct ih_loader_conf){ 0 };
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return ih_fail(diag, fd, "cannot open '%s/loader/loader.conf': %s", esp->path,
			       strerror(-fd));
	r = ih_read_fd(fd, "loader.conf", IH_LOADER_CONF_MAX, &text, &len, diag);
	if (r < 0)
		return r;
	r = ih_loader_conf_parse(text, len, conf);
	return r < 0 ? ih_fail(diag, r, "out of memory") : 0;
}

int ih_boot_dirs_read(const struct ih_boot_dirs *dirs, struct ih_entries *ret,
		      struct ih_loader_conf *conf, struct ih_text *skipped, struct ih_diag *diag)
{
	struct ih_entries entries = { 0 };
	size_t i;
	int r;

	r = read_loader_conf(&dirs->dirs[0], conf, diag);
	for (i = 0; i < dirs->n && r == 0; i++) {
		r = read_dir(&dirs->dirs[i], IH_TYPE1_DIR, &entries, skipped, diag);
		if (r == 0)
			r = read_dir(&dirs->dirs[i], IH_TYPE2_DIR, &entries, skipped, diag);
	}
	if (r < 0) {
		ih_entries_done(&entries);
		ih_loader_conf_done(conf);
		return r;
	}
	*ret = entries;
	return 0;
}
