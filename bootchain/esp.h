/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing to a boot partition so that a power cut at any moment leaves every file old or new, on
 * FAT, which has no journal. Knows files; what they are for is install.h's.
 *
 * A new file gets its bytes under a name that no loader reads, is written to disk, and only then
 * gets its own name. The folder is written to disk behind each rename, the file system behind each
 * phase.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootchain/rope.h"
#include "common/diag.h"

#define IH_ESP_TEMPORARY ".tmp" /* suffix of a file that is being written */
#define IH_ESP_HEX	 65	/* SHA-256 in base 16, with its NUL */

struct ih_esp {
	int fd;		  /* root of the partition; not owned */
	const char *path; /* for messages */

	/*
	 * Called before every change, with what it is and the file: tests cut the power here. A
	 * negative return ends the operation. NULL: none.
	 */
	int (*step)(void *self, const char *what, const char *name);
	void *step_self;
};

/* A file in a folder of the partition. */
struct ih_esp_file {
	char *name;
	uint64_t size;
};

struct ih_esp_files {
	struct ih_esp_file *items;
	size_t n;
};

/* A file that is to be written. */
struct ih_esp_write {
	const char *folder, *name;
	bool replace; /* an existing file; else it is -EEXIST */
	const struct ih_rope *content;
	const char
		*hex; /* SHA-256 that the content must have, its first 64 characters; NULL: any */
};

/**
 * ih_esp_write() - a file with all its bytes, on disk when it returns
 *
 * The folder is made when it is missing. Content goes through a small buffer, and gets its name
 * only when what was written is what it should be.
 *
 * Return: 0; -EEXIST; -ESTALE when the content has another hash.
 */
int ih_esp_write(const struct ih_esp *esp, const struct ih_esp_write *file, struct ih_diag *diag);

/* Removes a file; it is no error that it is gone already. */
int ih_esp_remove(const struct ih_esp *esp, const char *folder, const char *name,
		  struct ih_diag *diag);

/* Writes the whole file system to disk. */
int ih_esp_sync(const struct ih_esp *esp, struct ih_diag *diag);

/* Regular files of a folder. Return: 0, also when the folder is not there. */
int ih_esp_list(const struct ih_esp *esp, const char *folder, struct ih_esp_files *ret,
		struct ih_diag *diag);
void ih_esp_files_done(struct ih_esp_files *files);

/**
 * ih_esp_hash() - SHA-256 of a file
 * Return: 0, -ENOENT, -EIO for what the disk does not give.
 */
int ih_esp_hash(const struct ih_esp *esp, const char *folder, const char *name,
		char ret[IH_ESP_HEX]);

struct ih_esp_space {
	uint64_t free, total; /* bytes */
	uint64_t unit;	      /* a file takes a multiple of this */
};

int ih_esp_space(const struct ih_esp *esp, struct ih_esp_space *ret, struct ih_diag *diag);
