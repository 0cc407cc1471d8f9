/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EFI signature lists, taken apart. */
#include "bootchain/esl.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

enum { GUID = 16, LIST_HEADER = 28, OWNER = 16 };

static const struct {
	enum ih_esl_type type;
	uint8_t guid[GUID];
} types[] = {
	{ IH_ESL_X509,
	  { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b,
	    0xf0, 0x72 } },
	{ IH_ESL_SHA256,
	  { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93,
	    0x43, 0x28 } },
	{ IH_ESL_X509_SHA256,
	  { 0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1,
	    0x03, 0xed } },
	{ IH_ESL_X509_SHA384,
	  { 0x6e, 0x87, 0x76, 0x70, 0xc2, 0x80, 0xe6, 0x4e, 0xaa, 0xd2, 0x28, 0xb3, 0x49, 0xa6,
	    0x86, 0x5b } },
	{ IH_ESL_X509_SHA512,
	  { 0x63, 0xbf, 0x6d, 0x44, 0x02, 0x25, 0xda, 0x4c, 0xbc, 0xfa, 0x24, 0x65, 0xd2, 0xb0,
	    0xfe, 0x9d } },
};

static enum ih_esl_type type_of(const uint8_t guid[GUID])
{
	for (size_t i = 0; i < IH_ARRAY_SIZE(types); i++)
		if (!memcmp(guid, types[i].guid, GUID))
			return types[i].type;
	return IH_ESL_OTHER;
}

/* EFI_SIGNATURE_LIST: type, size of the list, size of its own header, size of an entry. */
int ih_esl_walk(const char *name, struct ih_bytes lists,
		int (*each)(void *self, const struct ih_esl_entry *entry, struct ih_diag *diag),
		void *self, struct ih_diag *diag)
{
	size_t at = 0;

	while (at < lists.len) {
		const uint8_t *list = lists.data + at;
		size_t left = lists.len - at, size, header, entry;

		if (left < LIST_HEADER)
			return ih_fail(diag, -EBADMSG, "%s is cut off at offset %zu", name, at);
		size = ih_le32(list + GUID);
		header = ih_le32(list + GUID + 4);
		entry = ih_le32(list + GUID + 8);
		if (size < LIST_HEADER || size > left || header > size - LIST_HEADER ||
		    entry <= OWNER || (size - LIST_HEADER - header) % entry)
			return ih_fail(diag, -EBADMSG, "%s has sizes that do not fit at offset %zu",
				       name, at);
		for (size_t k = LIST_HEADER + header; k < size; k += entry) {
			const struct ih_esl_entry one = {
				.type = type_of(list),
				.whole = { list + k, entry },
				.data = { list + k + OWNER, entry - OWNER },
			};
			int r = each(self, &one, diag);

			if (r)
				return r;
		}
		at += size;
	}
	return 0;
}
