/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The back ends there are, and which of them this machine gets. Chosen by probing, never by the
 * kernel's version. */
#include "bpf/backend.h"

#include <errno.h>
#include <string.h>

const struct ih_backend_ops *const ih_backends[] = {
	&ih_backend_bpf,
	&ih_backend_fanotify,
	NULL,
};

const struct ih_backend_ops *ih_backend_choose(const char *name, struct ih_diag *diag)
{
	struct ih_diag first = { 0 }, why;

	for (size_t i = 0; ih_backends[i]; i++) {
		const struct ih_backend_ops *b = ih_backends[i];

		if (name && strcmp(name, b->name) != 0)
			continue;
		if (b->probe(&why) == 0) {
			if (diag)
				*diag = first;
			return b;
		}
		if (!first.text[0])
			(void)ih_fail(&first, 0, "%s: %s", b->name, why.text);
	}
	if (diag)
		*diag = first;
	if (!first.text[0])
		(void)ih_fail(diag, -ENOENT, "there is no back end '%s'", name ? name : "");
	return NULL;
}
