/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The links of the chain up to the kernel: firmware, boot entry, measurements. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootchain/bless.h"
#include "bootchain/measure.h"
#include "bootchain/registers.h"
#include "cli/boot_plan.h"
#include "cli/status.h"
#include "common/cleanup.h"
#include "common/fd.h"

#define MEASURED_MAX 4096 /* bytes of the line that stage 2 measured */

/* Extended when the firmware's log has ended: by IMA, by systemd's phases, by stage 2. */
#define LATER (1u << 10 | 1u << IH_PCR_KERNEL_IMAGE | 1u << IH_PCR_SYSTEM_EXTENSIONS)

static const char *efivars(const struct ih_status *s)
{
	return s->places.efivars ? s->places.efivars : IH_EFIVARS;
}

void ih_status_secure_boot(struct ih_status *s)
{
	struct ih_status_link *l;
	int on = ih_boot_flag(efivars(s), "SecureBoot"),
	    setup = ih_boot_flag(efivars(s), "SetupMode");

	if (on < 0) {
		l = ih_status_add(s, "secure boot", IH_STATUS_UNKNOWN,
				  "the machine was not booted by EFI");
		(void)ih_text_addf(&l->mend, "boot by UEFI firmware with Secure Boot");
		return;
	}
	if (on == 1 && setup != 1) {
		l = ih_status_add(s, "secure boot", IH_STATUS_GOOD,
				  "on: firmware starts only images that its keys signed");
	} else if (setup == 1) {
		l = ih_status_add(s, "secure boot", IH_STATUS_WEAK,
				  "the firmware is in setup mode and has no keys");
		(void)ih_text_addf(&l->mend, "enrol the keys that 'ihard boot sign' signs with");
	} else {
		l = ih_status_add(s, "secure boot", IH_STATUS_WEAK,
				  "off: firmware starts any image");
		(void)ih_text_addf(&l->mend, "switch it on in the firmware's setup");
	}
	(void)ih_text_addf(&l->evidence, "SecureBoot=%d SetupMode=%d", on, setup == 1);
}

static void judge_entry(struct ih_status *s, const struct ih_boot_machine *m)
{
	size_t i = ih_boot_machine_booted(m);
	const char *name = i < m->entries.n ? m->entries.items[i].name : m->variables.selected;
	enum ih_entry_state state = IH_ENTRY_GOOD;
	struct ih_diag diag = { "" };
	struct ih_status_link *l;

	if (m->variables.count_path &&
	    ih_bless_state(&m->dirs, m->variables.count_path, &state, &diag) < 0) {
		l = ih_status_add(s, "boot entry", IH_STATUS_UNKNOWN,
				  "the entry that booted is gone: %s", diag.text);
	} else if (state == IH_ENTRY_BAD) {
		l = ih_status_add(s, "boot entry", IH_STATUS_BAD, "'%s' counts as bad", name);
		(void)ih_text_addf(&l->mend, "ihard boot history");
	} else if (state == IH_ENTRY_INDETERMINATE) {
		l = ih_status_add(s, "boot entry", IH_STATUS_WEAK, "'%s' was not found good yet",
				  name);
		(void)ih_text_addf(&l->mend, "ihard boot assess && ihard boot bless");
	} else {
		l = ih_status_add(s, "boot entry", name ? IH_STATUS_GOOD : IH_STATUS_UNKNOWN,
				  "%s%s%s", name ? "'" : "", name ? name : "not known",
				  name ? m->variables.count_path ? "', blessed" : "', not counted"
				       : "");
	}
	if (i < m->entries.n && m->entries.items[i].count.counted)
		(void)ih_text_addf(&l->evidence, "%llu tries left, %llu done; ",
				   (unsigned long long)m->entries.items[i].count.left,
				   (unsigned long long)m->entries.items[i].count.done);
	(void)ih_text_addf(&l->evidence, "%s",
			   m->variables.info ? m->variables.info
					     : "a loader that names itself not");
}

void ih_status_boot_entry(struct ih_status *s)
{
	struct ih_boot_machine m = { 0 };
	struct ih_diag diag = { "" };

	if (ih_boot_machine_read(&s->places, 0, &m, &diag) < 0) {
		ih_status_add(s, "boot entry", IH_STATUS_UNKNOWN, "%s", diag.text);
		return;
	}
	if (!m.has_variables)
		ih_status_add(s, "boot entry", IH_STATUS_UNKNOWN,
			      "the machine was not booted by EFI");
	else
		judge_entry(s, &m);
	ih_boot_machine_done(&m);
}

/* "\EFI\BOOT\BOOTX64.EFI" below the ESP, as a path of ours. */
static char *loader_path(const struct ih_status *s, const char *esp)
{
	_free_ char *name = NULL;
	char *path = NULL;

	if (ih_efivar_text(efivars(s), "LoaderImageIdentifier", &name, NULL) < 0)
		return NULL;
	for (char *c = name; *c; c++)
		if (*c == '\\')
			*c = '/';
	return asprintf(&path, "%s%s%s", esp, *name == '/' ? "" : "/", name) < 0 ? NULL : path;
}

/* The image that booted, where it lies; NULL when it is no unified image. */
static char *image_path(const struct ih_boot_machine *m)
{
	size_t i = ih_boot_machine_booted(m);
	char *path = NULL;

	if (i >= m->entries.n || m->entries.items[i].type != IH_ENTRY_UKI)
		return NULL;
	for (size_t d = 0; d < m->dirs.n; d++)
		if (m->dirs.dirs[d].partition == m->entries.items[i].partition &&
		    asprintf(&path, "%s/" IH_TYPE2_DIR "/%s", m->dirs.dirs[d].path,
			     m->entries.items[i].name) < 0)
			return NULL;
	return path;
}

/* Does the log say what the image and the keys predict? 1: nothing to predict from. */
static int compare_prediction(const struct ih_status *s, const char *name,
			      const struct ih_eventlog *log, struct ih_diag *diag)
{
	struct ih_boot_machine m = { 0 };
	struct ih_boot_plan plan = { 0 };
	_free_ char *image = NULL, *loader = NULL;
	int r = ih_boot_machine_read(&s->places, 0, &m, diag);

	if (r == 0 && m.dirs.n > 0) {
		image = image_path(&m);
		loader = loader_path(s, m.dirs.dirs[0].path);
	}
	if (r == 0 && image && loader) {
		struct ih_boot_inputs in = {
			.image = image,
			.loader = loader,
			.esp = m.dirs.dirs[0].path,
			.efivars = efivars(s),
			.no_secure_boot = ih_boot_flag(efivars(s), "SecureBoot") != 1,
			.bank = IH_HASH_SHA256,
		};

		r = ih_boot_plan_make(&in, &plan, diag);
		if (r == 0)
			r = ih_measure_compare_prediction(name, log, &plan.prediction, diag);
	} else if (r == 0) {
		r = 1;
	}
	ih_boot_plan_done(&plan);
	if (m.dirs.n)
		ih_boot_machine_done(&m);
	return r;
}

/* Register 11 after the log and as many of systemd's boot phases as were reached. */
static int compare_phases(const struct ih_pcrs *replayed, const struct ih_pcrs *pcrs,
			  struct ih_diag *diag)
{
	static const char *const reached[] = {
		"",
		"enter-initrd",
		"enter-initrd:leave-initrd",
		"enter-initrd:leave-initrd:sysinit",
		"enter-initrd:leave-initrd:sysinit:ready",
		"sysinit", /* an initrd without systemd */
		"sysinit:ready",
	};

	for (size_t i = 0; i < IH_ARRAY_SIZE(reached); i++) {
		struct ih_pcrs p = *replayed;
		int r = reached[i][0] ? ih_measure_phases(&p, reached[i], diag) : 0;

		if (r < 0)
			return r;
		if (ih_pcr_equal(&p, pcrs, IH_PCR_KERNEL_IMAGE))
			return 0;
	}
	return ih_fail(diag, -EBADMSG,
		       "register 11 is not what the log and the boot's phases give");
}

/* Register 13 after the log and what stage 2 says that it measured. */
static int compare_closure(const struct ih_status *s, struct ih_pcrs *p, const struct ih_pcrs *pcrs,
			   struct ih_diag *diag)
{
	_free_ char *path = NULL, *line = NULL;
	size_t len;

	if (asprintf(&path, "%s/measured", s->state) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (ih_read_file(AT_FDCWD, path, MEASURED_MAX, &line, &len, NULL) == 0)
		(void)ih_pcr_measure(p, IH_PCR_SYSTEM_EXTENSIONS, line, len);
	if (ih_pcr_equal(p, pcrs, IH_PCR_SYSTEM_EXTENSIONS))
		return 0;
	return ih_fail(diag, -EBADMSG, "register 13 is not what the log and '%s' give", path);
}

static int compare_later(const struct ih_status *s, const struct ih_eventlog *log,
			 const struct ih_pcrs *pcrs, struct ih_diag *diag)
{
	struct ih_pcrs replayed;
	int r = ih_eventlog_replay(log, pcrs->algo, &replayed, diag);

	if (r == 0)
		r = compare_phases(&replayed, pcrs, diag);
	return r ? r : compare_closure(s, &replayed, pcrs, diag);
}

static void judge_measurements(struct ih_status *s, const char *name, const struct ih_eventlog *log,
			       const struct ih_pcrs *pcrs)
{
	struct ih_diag diag = { "" };
	struct ih_status_link *l;
	int r = ih_measure_compare_registers(name, log, pcrs, LATER, &diag);

	if (r == 0)
		r = compare_later(s, log, pcrs, &diag);
	if (r < 0) {
		l = ih_status_add(s, "measurements", IH_STATUS_BAD, "%s", diag.text);
		(void)ih_text_addf(&l->mend, "ihard boot measure compare --log %s", name);
		return;
	}
	r = compare_prediction(s, name, log, &diag);
	if (r < 0) {
		l = ih_status_add(s, "measurements", IH_STATUS_WEAK,
				  "not what the boot partition predicts: %s", diag.text);
		(void)ih_text_addf(&l->mend, "ihard boot measure compare");
	} else {
		l = ih_status_add(s, "measurements", IH_STATUS_GOOD,
				  r ? "the log is what was measured"
				    : "as predicted from loader, image and keys");
	}
	(void)ih_text_addf(&l->evidence, "%zu events, registers in %s", log->n,
			   ih_hash_name(pcrs->algo));
}

void ih_status_measurements(struct ih_status *s)
{
	_free_ char *name = NULL, *where = NULL, *data = NULL;
	struct ih_eventlog log = { 0 };
	struct ih_diag diag = { "" };
	struct ih_status_link *l;
	struct ih_pcrs pcrs;
	int r = 0;

	if (asprintf(&name, "%s%s", s->sys, &IH_BOOT_LOG[strlen("/sys")]) < 0 ||
	    asprintf(&where, "%s%s", s->sys, &IH_SYS_TPM[strlen("/sys")]) < 0) {
		name = where = NULL;
		return;
	}
	r = ih_boot_log_read(name, &data, &log, &diag);
	if (r == 0)
		r = ih_registers_read(where, IH_HASH_SHA256, &pcrs, &diag);
	if (r == 0) {
		judge_measurements(s, name, &log, &pcrs);
	} else {
		l = ih_status_add(s, "measurements",
				  r == -EBADMSG ? IH_STATUS_BAD : IH_STATUS_UNKNOWN, "%s",
				  diag.text);
		(void)ih_text_addf(&l->mend, "see ihard-boot-measure(1)");
	}
	ih_eventlog_done(&log);
}
