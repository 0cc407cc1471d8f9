/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nix.conf, as far as keys go. */
#include "integrity/nix_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/fd.h"

#define SPACE " \t\r\f\v"

/* Keys are parsed when everything was read: a later line may replace an earlier one. */
struct reader {
	struct ih_keys set, extra;
	unsigned int files;
	struct ih_diag *diag;
};

struct place {
	const char *path;
	unsigned int line, depth;
};

static int read_conf(struct reader *r, const char *path, unsigned int depth);

static int fail_at(struct reader *r, const struct place *at, int error)
{
	return ih_fail_within(r->diag, error, "%s: line %u", at->path, at->line);
}

static int include(struct reader *r, const struct place *at, const char *name, bool must)
{
	char path[PATH_MAX];
	const char *slash = strrchr(at->path, '/');
	int n, e;

	n = snprintf(path, sizeof(path), "%.*s%s",
		     name[0] == '/' || !slash ? 0 : (int)(slash - at->path + 1), at->path, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return fail_at(r, at, ih_fail(r->diag, -ENAMETOOLONG, "too long a name"));
	e = read_conf(r, path, at->depth + 1);
	if (e == -ENOENT && !must)
		return 0;
	return e < 0 ? fail_at(r, at, e) : 0;
}

static int set_keys(struct reader *r, const struct place *at, const char *value, bool extra)
{
	int e;

	if (!extra)
		ih_keys_done(&r->set);
	e = ih_keys_add_list(extra ? &r->extra : &r->set, value, r->diag);
	return e < 0 ? fail_at(r, at, e) : 0;
}

/* "name = value…", "include file", "!include file": words apart by white space, as Nix has it. */
static int read_line(struct reader *r, const struct place *at, char *line)
{
	char *name, *rest, *value;
	size_t len;

	line[strcspn(line, "#")] = '\0';
	name = line + strspn(line, SPACE);
	if (!*name)
		return 0;
	len = strcspn(name, SPACE);
	rest = name + len;
	rest += strspn(rest, SPACE);
	if (*rest)
		name[len] = '\0';

	value = rest + strcspn(rest, SPACE);
	if (strcmp(name, "include") == 0 || strcmp(name, "!include") == 0) {
		if (!*rest || value[strspn(value, SPACE)])
			return fail_at(r, at,
				       ih_fail(r->diag, -EBADMSG, "'%s' takes one file", name));
		*value = '\0';
		return include(r, at, rest, name[0] != '!');
	}
	if (rest[0] != '=' || (rest[1] && !strchr(SPACE, rest[1])))
		return fail_at(
			r, at,
			ih_fail(r->diag, -EBADMSG, "expected 'name = value', found '%.40s'", name));
	if (strcmp(name, "trusted-public-keys") == 0 ||
	    strcmp(name, "binary-cache-public-keys") == 0)
		return set_keys(r, at, rest + 1, false);
	if (strcmp(name, "extra-trusted-public-keys") == 0)
		return set_keys(r, at, rest + 1, true);
	return 0;
}

static int read_text(struct reader *r, const char *path, char *text, unsigned int depth)
{
	struct place at = { .path = path, .depth = depth };
	int e = 0;

	for (char *line = text, *next; line && !e; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		at.line++;
		e = read_line(r, &at, line);
	}
	return e;
}

/* Whoever can write the file decides whom we trust. */
static int open_owned(const char *path, struct ih_diag *diag)
{
	_close_ int fd = -EBADF;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 0022)
		return ih_fail(diag, -EPERM,
			       "others can write '%s', so its keys cannot be trusted (owner %u, "
			       "mode %04o)",
			       path, st.st_uid, st.st_mode & 07777);
	return TAKE_FD(fd);
}

static int read_conf(struct reader *r, const char *path, unsigned int depth)
{
	_free_ char *text = NULL;
	_close_ int fd = -EBADF;
	size_t len;
	int e;

	if (depth > IH_NIX_CONF_DEPTH_MAX || ++r->files > IH_NIX_CONF_FILES_MAX)
		return ih_fail(r->diag, -ELOOP, "too many files include each other at '%s'", path);
	fd = open_owned(path, r->diag);
	if (fd < 0)
		return fd;
	e = ih_read_fd(fd, path, IH_NIX_CONF_SIZE_MAX, &text, &len, r->diag);
	if (e < 0)
		return e;
	if (strlen(text) != len)
		return ih_fail(r->diag, -EBADMSG, "'%s' holds a NUL byte", path);
	return read_text(r, path, text, depth);
}

static int hand_over(const struct ih_keys *from, struct ih_keys *to, struct ih_diag *diag)
{
	for (size_t i = 0; i < from->n; i++) {
		int e = ih_keys_add_key(to, &from->list[i], diag);

		if (e < 0)
			return e;
	}
	return 0;
}

static int finish(struct reader *r, int e, struct ih_keys *keys)
{
	if (e == 0)
		e = hand_over(&r->set, keys, r->diag);
	if (e == 0)
		e = hand_over(&r->extra, keys, r->diag);
	ih_keys_done(&r->set);
	ih_keys_done(&r->extra);
	return e;
}

int ih_nix_conf_keys(const char *path, struct ih_keys *keys, struct ih_diag *diag)
{
	struct ih_diag own;
	struct reader r = { .diag = diag ? diag : &own };

	return finish(&r, read_conf(&r, path, 0), keys);
}

int ih_nix_conf_parse(const char *path, const char *text, struct ih_keys *keys,
		      struct ih_diag *diag)
{
	struct ih_diag own;
	struct reader r = { .diag = diag ? diag : &own };
	_free_ char *copy = strdup(text);

	if (!copy)
		return ih_fail(diag, -ENOMEM, "no memory for '%s'", path);
	return finish(&r, read_text(&r, path, copy, 0), keys);
}

static int read_list(const char *path, struct ih_keys *keys, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	_close_ int fd = -EBADF;
	size_t len;
	int e;

	fd = open_owned(path, diag);
	if (fd < 0)
		return fd;
	e = ih_read_fd(fd, path, IH_KEY_FILE_MAX, &text, &len, diag);
	return e < 0 ? e : ih_keys_add_text(path, text, len, keys, diag);
}

int ih_keys_from(const char *path, struct ih_keys *keys, struct ih_diag *diag)
{
	const char *dot = strrchr(path, '.');

	if (dot && strcmp(dot, ".conf") == 0)
		return ih_nix_conf_keys(path, keys, diag);
	return read_list(path, keys, diag);
}
