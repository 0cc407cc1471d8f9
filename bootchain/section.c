/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A section of a PE image by its name, without reading the image: a boot entry may have 150 MB, and
 * a listing needs a few hundred bytes of it. Trusts nothing it reads, and proves nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/boot_dir.h"
#include "common/cleanup.h"
#include "common/fd.h"

#define SECTIONS_MAX  96
#define DOS_PE_OFFSET 0x3c
#define COFF_SIZE     20
#define HEADER_SIZE   40

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static unsigned int le16(const unsigned char *p)
{
	return (unsigned int)p[0] | (unsigned int)p[1] << 8;
}

static int read_exactly(int fd, void *buffer, size_t len, uint64_t offset)
{
	ssize_t n = ih_pread_full(fd, buffer, len, offset);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EBADMSG;
}

/* Where the section table begins, and how many sections it has. */
static int find_table(int fd, uint64_t *ret_offset, unsigned int *ret_n)
{
	unsigned char dos[64], pe[4 + COFF_SIZE];
	uint32_t at;
	int r;

	r = read_exactly(fd, dos, sizeof(dos), 0);
	if (r < 0)
		return r;
	at = le32(dos + DOS_PE_OFFSET);
	if (dos[0] != 'M' || dos[1] != 'Z')
		return -EBADMSG;
	r = read_exactly(fd, pe, sizeof(pe), at);
	if (r < 0)
		return r;
	if (memcmp(pe, "PE\0\0", 4) != 0)
		return -EBADMSG;
	*ret_n = le16(pe + 4 + 2);
	*ret_offset = (uint64_t)at + sizeof(pe) + le16(pe + 4 + 16);
	return *ret_n <= SECTIONS_MAX ? 0 : -EBADMSG;
}

int ih_section_read(int fd, const char *name, size_t max, char **ret, size_t *ret_len)
{
	unsigned char header[HEADER_SIZE];
	_free_ char *data = NULL;
	char wanted[9] = "";
	unsigned int n = 0;
	uint64_t at = 0;
	unsigned int i;
	size_t size;
	int r;

	memcpy(wanted, name, strnlen(name, sizeof(wanted) - 1));
	r = find_table(fd, &at, &n);
	for (i = 0; i < n && r == 0; i++, at += HEADER_SIZE) {
		r = read_exactly(fd, header, sizeof(header), at);
		if (r == 0 && memcmp(header, wanted, 8) == 0)
			break;
	}
	if (r < 0)
		return r;
	if (i == n)
		return -ENOENT;

	size = le32(header + 8); /* VirtualSize: what is in use of the raw data */
	if (size > le32(header + 16))
		size = le32(header + 16);
	if (size > max)
		return -EFBIG;
	data = malloc(size + 1);
	if (!data)
		return -ENOMEM;
	r = read_exactly(fd, data, size, le32(header + 20));
	if (r < 0)
		return r;
	data[size] = '\0';
	*ret = TAKE_PTR(data);
	*ret_len = size;
	return 0;
}
