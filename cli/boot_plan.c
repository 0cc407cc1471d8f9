/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files in, prediction out. */
#include "cli/boot_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/fd.h"

#define GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define IMAGES "d719b2cb-3d3a-4596-a3bc-dad00e67656f" /* EFI_IMAGE_SECURITY_DATABASE_GUID */

void ih_boot_plan_done(struct ih_boot_plan *plan)
{
	free(plan->image_data);
	free(plan->loader_data);
	for (int i = 0; i < 4; i++)
		free(plan->variables[i]);
	ih_companions_done(&plan->companions);
	ih_prediction_done(&plan->prediction);
}

int ih_boot_flag(const char *efivars, const char *name)
{
	_free_ char *path = NULL, *data = NULL;
	size_t len;

	if (asprintf(&path, "%s/%s-" GLOBAL, efivars, name) < 0) {
		path = NULL;
		return -ENOENT;
	}
	/* four bytes of attributes first */
	if (ih_read_file(AT_FDCWD, path, 16, &data, &len, NULL) < 0 || len != 5)
		return -ENOENT;
	return data[4] != 0;
}

static int read_variable(const char *list, const char *efivars, int i, char **data,
			 struct ih_bytes *ret, struct ih_diag *diag)
{
	static const char *const names[] = { "PK-" GLOBAL, "KEK-" GLOBAL, "db-" IMAGES,
					     "dbx-" IMAGES };
	_free_ char *path = NULL;
	size_t len, skip = 0;
	int r;

	*ret = (struct ih_bytes){ (const uint8_t *)"", 0 };
	if (list)
		path = strdup(list);
	else if (!efivars)
		return 0;
	else if (asprintf(&path, "%s/%s", efivars, names[i]) < 0)
		path = NULL;
	if (!path)
		return -ENOMEM;
	r = ih_read_file(AT_FDCWD, path, IH_CERTIFICATE_MAX, data, &len, diag);
	if (r == -ENOENT && !list)
		return 0; /* not set: measured as empty */
	if (r < 0)
		return r;
	if (!list)
		skip = len < 4 ? len : 4; /* attributes, in efivarfs only */
	*ret = (struct ih_bytes){ (uint8_t *)*data + skip, len - skip };
	return 0;
}

int ih_boot_keys_read(const char *const lists[4], const char *efivars, char *data[4],
		      struct ih_secure_boot *ret, struct ih_diag *diag)
{
	struct ih_bytes *const to[] = { &ret->pk, &ret->kek, &ret->db, &ret->dbx };
	int r = 0;

	for (int i = 0; i < 4 && !r; i++)
		r = read_variable(lists[i], efivars, i, &data[i], to[i], diag);
	return r;
}

static int read_image(const char *path, char **data, struct ih_pe *pe, struct ih_diag *diag)
{
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, path, IH_PE_SIZE_MAX, data, &len, diag);
	return r < 0 ? r : ih_pe_parse(path, *data, len, pe, diag);
}

/* What lies beside the image: its path below the ESP decides. */
static int read_companions(const struct ih_boot_inputs *in, struct ih_boot_plan *p,
			   struct ih_diag *diag)
{
	struct ih_stub stub = { 0 };
	_close_ int fd = -EBADF;
	size_t len;
	int r;

	if (!in->esp)
		return 0;
	r = ih_stub_identify(in->image, &p->image, &stub, diag);
	if (r < 0)
		return r;
	len = strlen(in->esp);
	while (len && in->esp[len - 1] == '/')
		len--;
	if (strncmp(in->image, in->esp, len) != 0 || in->image[len] != '/')
		return ih_fail(diag, -EINVAL, "'%s' does not lie below '%s'", in->image, in->esp);
	fd = open(in->esp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", in->esp, strerror(errno));
	return ih_companions_collect(fd, in->image + len + 1, stub.rules, &p->companions, diag);
}

int ih_boot_plan_make(const struct ih_boot_inputs *in, struct ih_boot_plan *p, struct ih_diag *diag)
{
	struct ih_boot boot = {
		.loader_name = in->loader,
		.image_name = in->image,
		.loader = in->loader ? &p->loader : NULL,
		.image = &p->image,
		.options = { (const uint8_t *)in->options, in->options ? strlen(in->options) : 0 },
		.companions = &p->companions,
		.keys = { .enabled = !in->no_secure_boot },
	};
	int r;

	r = read_image(in->image, &p->image_data, &p->image, diag);
	if (!r && in->loader)
		r = read_image(in->loader, &p->loader_data, &p->loader, diag);
	if (!r)
		r = ih_boot_keys_read(in->lists, in->efivars, p->variables, &boot.keys, diag);
	if (!r)
		r = read_companions(in, p, diag);
	p->prediction.algo = in->bank;
	return r ? r : ih_predict_boot(&p->prediction, &boot, diag);
}

int ih_boot_log_read(const char *path, char **data, struct ih_eventlog *log, struct ih_diag *diag)
{
	size_t len;
	int r;

	r = ih_read_file(AT_FDCWD, path, IH_EVENTLOG_MAX, data, &len, diag);
	if (r == -ENOENT)
		return ih_fail(diag, r,
			       "there is no event log '%s'; without a TPM the firmware keeps none",
			       path);
	return r < 0 ? r : ih_eventlog_parse(path, *data, len, log, diag);
}
