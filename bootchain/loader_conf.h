/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of loader.conf that choose the default entry. Everything else in the file is the
 * administrator's and stays. Pure functions; reads no file but a loader's image for its version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/text.h"

struct ih_loader_choice {
	const char *name;     /* of the default entry, without counter: "ihard-….efi" */
	bool is_first;	      /* it is the first of ours in the loader's order anyway */
	unsigned int version; /* of systemd-boot; 0: not known */
};

/**
 * ih_loader_conf_choose() - loader.conf with a default
 * @old: what stands there; @len bytes
 *
 * From 260 on "preferred" names the entry, and "default ihard-*" is what is left when it is bad.
 * Loaders from 250 to 257 know an entry by its name with the counter: they get a pattern that
 * matches it good or with tries left, and not bad. Loaders 258 and 259 cannot pass over a bad
 * default that is named, so they get the pattern for all: the first that is not bad.
 *
 * Return: 0 or -ENOMEM.
 */
int ih_loader_conf_choose(const char *old, size_t len, const struct ih_loader_choice *choice,
			  struct ih_text *ret);

/**
 * ih_loader_version() - which systemd-boot lies on this partition
 * @esp_fd: its root
 *
 * Read from the section .sdmagic of EFI/systemd/systemd-boot*.efi or EFI/BOOT/BOOT*.EFI.
 *
 * Return: the version, or 0.
 */
unsigned int ih_loader_version(int esp_fd);
