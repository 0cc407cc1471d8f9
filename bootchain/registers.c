/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers from sysfs or JSON. */
#include "bootchain/registers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"

#define REGISTERS_MAX (1U << 20)

static int from_hex(const char *text, struct ih_pcrs *pcrs, unsigned int pcr)
{
	size_t size = ih_hash_size(pcrs->algo);
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != 2 * size)
		return -EBADMSG;
	for (size_t i = 0; i < 2 * size; i++) {
		char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + 32) : text[i];
		const char *at = strchr(digits, c);

		if (!at)
			return -EBADMSG;
		pcrs->value[pcr][i / 2] =
			(uint8_t)(pcrs->value[pcr][i / 2] << 4 | (uint8_t)(at - digits));
	}
	pcrs->known |= 1u << pcr;
	return 0;
}

static int read_one(int dir, const char *path, unsigned int pcr, struct ih_pcrs *pcrs,
		    struct ih_diag *diag)
{
	char name[8], text[2 * IH_HASH_SIZE_MAX + 2];
	_close_ int fd = -EBADF;
	ssize_t n;

	snprintf(name, sizeof(name), "%u", pcr);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return ih_fail(diag, -errno, "cannot read register %u from '%s': %s", pcr, path,
			       strerror(errno));
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (from_hex(text, pcrs, pcr) < 0)
		return ih_fail(diag, -EBADMSG, "register %u in '%s' is no %s value", pcr, path,
			       ih_hash_name(pcrs->algo));
	return 0;
}

static int read_directory(int fd, const char *path, struct ih_pcrs *pcrs, struct ih_diag *diag)
{
	_close_ int bank = -EBADF;
	char name[32];
	int r = 0;

	snprintf(name, sizeof(name), "pcr-%s", ih_hash_name(pcrs->algo));
	bank = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bank < 0)
		return ih_fail(diag, -ENOENT, "'%s' has no %s bank", path,
			       ih_hash_name(pcrs->algo));
	for (unsigned int i = 0; i < IH_PCRS && !r; i++)
		r = read_one(bank, path, i, pcrs, diag);
	return r;
}

static int read_bank(const struct ih_json *root, const char *path, struct ih_pcrs *pcrs,
		     struct ih_diag *diag)
{
	struct ih_json all, bank, value;
	const char *text;
	char key[8];
	int r;

	if (ih_json_member(root, "pcrs", &all) < 0 ||
	    ih_json_member(&all, ih_hash_name(pcrs->algo), &bank) < 0)
		return ih_fail(diag, -ENOENT, "'%s' has no member 'pcrs.%s'", path,
			       ih_hash_name(pcrs->algo));
	for (unsigned int i = 0; i < IH_PCRS; i++) {
		snprintf(key, sizeof(key), "%u", i);
		if (ih_json_member(&bank, key, &value) < 0)
			continue;
		r = ih_json_string(&value, &text, diag);
		if (r < 0)
			return r;
		if (from_hex(text, pcrs, i) < 0)
			return ih_json_fail(&value, diag, -EBADMSG, "must be a %s value in base 16",
					    ih_hash_name(pcrs->algo));
	}
	return 0;
}

static int read_json(int fd, const char *path, struct ih_pcrs *pcrs, struct ih_diag *diag)
{
	struct ih_json_doc *doc = NULL;
	_free_ char *text = NULL;
	struct ih_json root;
	size_t len;
	int r;

	r = ih_read_fd(fd, path, REGISTERS_MAX, &text, &len, diag);
	if (!r)
		r = ih_json_parse(path, text, len, &doc, diag);
	if (r < 0)
		return r;
	root = ih_json_root(doc);
	r = read_bank(&root, path, pcrs, diag);
	ih_json_free(doc);
	return r;
}

int ih_registers_read(const char *path, enum ih_hash_algo algo, struct ih_pcrs *ret,
		      struct ih_diag *diag)
{
	struct ih_pcrs pcrs = { .algo = algo };
	_close_ int fd = -EBADF, dir = -EBADF;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", path, strerror(errno));
	dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir >= 0 ? read_directory(dir, path, &pcrs, diag) : read_json(fd, path, &pcrs, diag);
	if (r < 0)
		return r;
	*ret = pcrs;
	return 0;
}
