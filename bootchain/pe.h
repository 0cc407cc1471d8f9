/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PE/COFF images as firmware loads them: the header, the section table, the certificate table and
 * the digest that Authenticode signs. Knows nothing of signatures or of what a section means.
 * Sources: Microsoft "PE Format"; "Windows Authenticode Portable Executable Signature Format"
 * 1.0; UEFI 2.10 section 32.5; edk2 SecurityPkg/Library/DxeImageVerificationLib.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "integrity/hash.h"

#define IH_PE_SIZE_MAX	     (1U << 30) /* bytes of an image; FAT would allow 4 GiB */
#define IH_PE_SECTIONS_MAX   96		/* the Windows loader's limit */
#define IH_PE_SECTION_HEADER 40
#define IH_PE_NAME_MAX	     8
#define IH_PE_DIGEST	     32 /* SHA-256 */

/* Bytes that somebody else owns. */
struct ih_bytes {
	const uint8_t *data;
	size_t len;
};

struct ih_pe_section {
	char name[IH_PE_NAME_MAX + 1];
	uint32_t virtual_size, virtual_address;
	uint32_t raw_size, raw_offset;
	uint32_t flags;
};

/* A parsed image; points into the caller's buffer. Every offset was held against @size. */
struct ih_pe {
	const uint8_t *data;
	size_t size;
	uint32_t coff;	      /* offset of the COFF header, behind "PE\0\0" */
	uint32_t optional;    /* offset of the optional header */
	uint32_t directories; /* offset of the data directories */
	uint32_t n_directories;
	uint32_t sections_offset; /* of the section table */
	uint16_t machine, subsystem;
	uint32_t headers_size; /* SizeOfHeaders: what the digest takes as one piece */
	uint32_t image_size;
	uint32_t file_alignment, section_alignment;
	uint32_t checksum;				 /* as it stands in the file */
	uint32_t certificates_offset, certificates_size; /* 0, 0: unsigned */
	uint32_t content_end;				 /* end of the last section's raw data */
	unsigned int n_sections;
	struct ih_pe_section sections[IH_PE_SECTIONS_MAX]; /* in the order of the table */
};

/**
 * ih_pe_parse() - take an image apart
 * @name: for messages
 * @data: must outlive @ret
 *
 * Refuses what would make the digest and the loaded image disagree: sections that overlap each
 * other, the headers or the certificate table, raw data behind the end of the file, a certificate
 * table that is not the end of the file, more than one reading of a header.
 *
 * Return: 0, -EBADMSG with the field that is wrong, -EFBIG.
 */
int ih_pe_parse(const char *name, const void *data, size_t size, struct ih_pe *ret,
		struct ih_diag *diag);

/**
 * ih_pe_parse_headers() - the same when only the headers are in memory
 * @headers: the first bytes of the image, all of its headers among them
 * @size: of the image
 *
 * What follows may not read content: ih_pe_content(), the digests and the checksum.
 */
int ih_pe_parse_headers(const char *name, struct ih_bytes headers, size_t size, struct ih_pe *ret,
			struct ih_diag *diag);

/**
 * ih_pe_find() - the first section of a name
 * Return: the section, or NULL.
 */
const struct ih_pe_section *ih_pe_find(const struct ih_pe *pe, const char *name);

/**
 * ih_pe_content() - the file's bytes of a section
 *
 * As many as are in the file and in memory: the smaller of SizeOfRawData and VirtualSize. Memory
 * behind them, up to VirtualSize, is zero.
 */
struct ih_bytes ih_pe_content(const struct ih_pe *pe, const struct ih_pe_section *section);

/**
 * ih_pe_covered() - does the digest cover every byte a loader could read?
 *
 * Not covered are bytes between sections, which firmware skips or counts wrongly.
 *
 * Return: 0, or -EBADMSG naming the first such gap.
 */
int ih_pe_covered(const char *name, const struct ih_pe *pe, struct ih_diag *diag);

/**
 * ih_pe_digest() - Authenticode SHA-256 of an image
 *
 * Everything but the checksum, the certificate directory entry and the certificate table; an image
 * whose length is no multiple of 8 is taken as padded with zeros, which is what a signer writes.
 */
int ih_pe_digest(const struct ih_pe *pe, uint8_t ret[IH_PE_DIGEST]);

/*
 * What firmware extends PCR 4 with, in each of its banks: the same, but of the file as it is,
 * without the padding that a signer would write.
 */
int ih_pe_hash(const struct ih_pe *pe, enum ih_hash_algo algo, struct ih_digest *ret);

/* The checksum that belongs into the header ("PE Format", CheckSum; imagehlp's algorithm). */
uint32_t ih_pe_checksum(const struct ih_pe *pe);

/* Its parts: the sum of whole 16-bit words, and what becomes of the sum of all bytes. */
uint64_t ih_pe_sum_words(const uint8_t *p, size_t len);
uint32_t ih_pe_fold(uint64_t sum, uint64_t size);

/* Offsets of the two fields outside the digest. */
uint32_t ih_pe_checksum_offset(const struct ih_pe *pe);
uint32_t ih_pe_certificate_entry_offset(const struct ih_pe *pe);

/* Little-endian access, for the folder's parsers. The caller checked the bounds. */
static inline uint16_t ih_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t ih_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t ih_le64(const uint8_t *p)
{
	return ih_le32(p) | (uint64_t)ih_le32(p + 4) << 32;
}

static inline void ih_put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void ih_put_le32(uint8_t *p, uint32_t v)
{
	ih_put_le16(p, (uint16_t)v);
	ih_put_le16(p + 2, (uint16_t)(v >> 16));
}
