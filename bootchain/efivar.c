/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loader's EFI variables. Reads only: what the loader is told goes through files. */
#include "bootchain/efivar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/text.h"

#define LOADER_GUID "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define ATTRIBUTES  4 /* bytes in front of the value */

static void put_utf8(struct ih_text *t, uint32_t c)
{
	char bytes[4];
	size_t n;

	if (c < 0x80) {
		bytes[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		bytes[0] = (char)(0xc0 | c >> 6);
		bytes[1] = (char)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		bytes[0] = (char)(0xe0 | c >> 12);
		bytes[1] = (char)(0x80 | (c >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		bytes[0] = (char)(0xf0 | c >> 18);
		bytes[1] = (char)(0x80 | (c >> 12 & 0x3f));
		bytes[2] = (char)(0x80 | (c >> 6 & 0x3f));
		bytes[3] = (char)(0x80 | (c & 0x3f));
		n = 4;
	}
	(void)ih_text_add(t, bytes, n);
}

/* UTF-16LE up to a NUL or the end. */
static int to_utf8(const unsigned char *p, size_t len, struct ih_text *ret)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2) {
		uint32_t c = (uint32_t)p[i] | (uint32_t)p[i + 1] << 8;

		if (c == 0)
			return ret->oom ? -ENOMEM : 0;
		if (c >= 0xdc00 && c <= 0xdfff)
			return -EBADMSG;
		if (c >= 0xd800 && c <= 0xdbff) {
			uint32_t low = i + 3 < len ? (uint32_t)p[i + 2] | (uint32_t)p[i + 3] << 8
						   : 0;

			if (low < 0xdc00 || low > 0xdfff)
				return -EBADMSG;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		}
		put_utf8(ret, c);
	}
	if (i != len)
		return -EBADMSG;
	return ret->oom ? -ENOMEM : 0;
}

static int open_dir(const char *dir, struct ih_diag *diag)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return ih_fail(
			diag, -EOPNOTSUPP,
			"'%s' is not there: the machine was not booted by EFI, or efivarfs is not "
			"mounted",
			dir);
	return ih_fail(diag, -errno, "cannot open '%s': %s", dir, strerror(errno));
}

int ih_efivar_text(const char *dir, const char *name, char **ret, struct ih_diag *diag)
{
	_close_ int dirfd = open_dir(dir, diag);
	_close_ int fd = -EBADF;
	struct ih_text file = { 0 }, text = { 0 };
	_free_ char *data = NULL;
	size_t len = 0;
	int r;

	if (dirfd < 0)
		return dirfd;
	if (ih_text_addf(&file, "%s-%s", name, LOADER_GUID) < 0)
		return ih_fail(diag, -ENOMEM, "out of memory");
	fd = ih_open_beneath(dirfd, file.data, O_RDONLY);
	ih_text_done(&file);
	if (fd < 0)
		return ih_fail(diag, fd, "cannot read the EFI variable '%s': %s", name,
			       strerror(-fd));
	r = ih_read_fd(fd, name, ATTRIBUTES + IH_EFIVAR_MAX, &data, &len, diag);
	if (r < 0)
		return r;
	r = len < ATTRIBUTES ? -EBADMSG
			     : to_utf8((unsigned char *)data + ATTRIBUTES, len - ATTRIBUTES, &text);
	if (r < 0) {
		ih_text_done(&text);
		return ih_fail(diag, r, "the EFI variable '%s' holds no text", name);
	}
	*ret = text.data ? text.data : strdup("");
	return *ret ? 0 : ih_fail(diag, -ENOMEM, "out of memory");
}

static unsigned int loader_version(const char *info)
{
	static const char name[] = "systemd-boot ";
	unsigned long n;

	if (!info || strncmp(info, name, sizeof(name) - 1) != 0)
		return 0;
	n = strtoul(info + sizeof(name) - 1, NULL, 10);
	return n < 100000 ? (unsigned int)n : 0;
}

int ih_loader_variables_read(const char *dir, struct ih_loader_variables *ret, struct ih_diag *diag)
{
	struct ih_loader_variables v = { 0 };
	const struct {
		const char *name;
		char **where;
	} all[] = {
		{ "LoaderInfo", &v.info },
		{ "LoaderEntrySelected", &v.selected },
		{ "LoaderBootCountPath", &v.count_path },
		{ "LoaderEntryOneShot", &v.one_shot },
		{ "LoaderEntryDefault", &v.default_entry },
		{ "LoaderEntryPreferred", &v.preferred },
		{ "LoaderEntryLastBooted", &v.last_booted },
	};
	size_t i;
	char *p;
	int r;

	for (i = 0; i < IH_ARRAY_SIZE(all); i++) {
		r = ih_efivar_text(dir, all[i].name, all[i].where, diag);
		if (r < 0 && r != -ENOENT) {
			ih_loader_variables_done(&v);
			return r;
		}
	}
	for (p = v.count_path; p && *p; p++)
		if (*p == '\\')
			*p = '/';
	v.version = loader_version(v.info);
	*ret = v;
	return 0;
}

void ih_loader_variables_done(struct ih_loader_variables *v)
{
	free(v->info);
	free(v->selected);
	free(v->count_path);
	free(v->one_shot);
	free(v->default_entry);
	free(v->preferred);
	free(v->last_booted);
	*v = (struct ih_loader_variables){ 0 };
}
