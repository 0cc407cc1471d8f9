/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* loader.conf and the loader's version. */
#include "bootchain/loader_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bootchain/boot_dir.h"
#include "common/cleanup.h"
#include "common/dir.h"
#include "common/fd.h"

#define MAGIC_MAX 128

/* The key of a line. */
static bool line_has_key(const char *line, size_t len, const char *key)
{
	size_t n = strlen(key);

	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	return len > n && memcmp(line, key, n) == 0 && (line[n] == ' ' || line[n] == '\t');
}

/* "ihard-X.efi" → "ihard-X[.+][ce1-9]*": no counter, or one with tries left. */
static void add_pattern(struct ih_text *t, const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot ? (size_t)(dot - name) : strlen(name);

	(void)ih_text_addf(t, "default %.*s[.+][ce1-9]*\n", (int)stem, name);
}

int ih_loader_conf_choose(const char *old, size_t len, const struct ih_loader_choice *choice,
			  struct ih_text *ret)
{
	bool by_name = !choice->is_first && choice->version >= 250 && choice->version < 258;

	while (len > 0) {
		const char *end = memchr(old, '\n', len);
		size_t n = end ? (size_t)(end - old) : len;

		if (!line_has_key(old, n, "default") && !line_has_key(old, n, "preferred")) {
			(void)ih_text_add(ret, old, n);
			(void)ih_text_add(ret, "\n", 1);
		}
		old += n + (end != NULL);
		len -= n + (end != NULL);
	}
	(void)ih_text_addf(ret, "preferred %s\n", choice->name);
	if (by_name)
		add_pattern(ret, choice->name);
	else
		(void)ih_text_addf(ret, "default ihard-*\n");
	return ret->oom ? -ENOMEM : 0;
}

static unsigned int version_of(int dirfd, const char *name)
{
	static const char before[] = "systemd-boot ";
	_close_ int fd = ih_open_beneath(dirfd, name, O_RDONLY);
	_free_ char *magic = NULL;
	unsigned long version;
	size_t len = 0;
	char *at;

	if (fd < 0 || ih_section_read(fd, ".sdmagic", MAGIC_MAX, &magic, &len) < 0)
		return 0;
	at = strstr(magic, before);
	if (!at)
		return 0;
	version = strtoul(at + sizeof(before) - 1, NULL, 10);
	return version < 10000 ? (unsigned int)version : 0;
}

static unsigned int find_version(int esp_fd, const char *folder, const char *prefix)
{
	_closedir_ DIR *d = NULL;
	unsigned int version = 0;
	const struct dirent *e;
	int r;

	r = ih_dir_open(ih_open_beneath(esp_fd, folder, O_RDONLY | O_DIRECTORY), &d);
	while (r == 0 && !version && (e = ih_dir_next(d, &r)) != NULL)
		if (strncasecmp(e->d_name, prefix, strlen(prefix)) == 0)
			version = version_of(dirfd(d), e->d_name);
	return version;
}

unsigned int ih_loader_version(int esp_fd)
{
	unsigned int version = find_version(esp_fd, "EFI/systemd", "systemd-boot");

	return version ? version : find_version(esp_fd, "EFI/BOOT", "BOOT");
}
