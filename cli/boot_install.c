/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ihard boot install`: puts the generations on the boot partition, as NixOS's external boot loader
 * installer (boot.loader.external.installHook) it is called with the new toplevel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bootchain/history.h"
#include "bootchain/install.h"
#include "bootchain/secure_boot.h"
#include "bootchain/sign.h"
#include "cli/boot.h"
#include "cli/boot_plan.h"
#include "cli/verbs.h"
#include "common/cleanup.h"
#include "common/fd.h"

#define CMDLINE_MAX (64U << 10)
#if defined(__aarch64__)
#define DEFAULT_STUB "/usr/lib/systemd/boot/efi/linuxaa64.efi.stub"
#else
#define DEFAULT_STUB "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
#endif

struct settings {
	struct ih_boot_places places;
	const char *profiles, *toplevel, *key, *certificate, *pcr_key, *stub, *cmdline;
	uint64_t limit, tries;
	bool no_signature, dry_run, collect_first, quiet;
};

enum {
	OPT_PROFILES = IH_BOOT_OWN,
	OPT_LIMIT,
	OPT_TRIES,
	OPT_KEY,
	OPT_CERTIFICATE,
	OPT_PCR_KEY,
	OPT_STUB,
	OPT_UNSIGNED,
	OPT_DRY_RUN,
	OPT_COLLECT_FIRST,
	OPT_CMDLINE,
	OPT_QUIET,
	OPT_COUNT
};

static const struct ih_option table[OPT_COUNT] = {
	IH_BOOT_OPTIONS,
	{ "profiles", "DIR", "where the generations are; default " IH_PROFILES, false },
	{ "limit", "N", "only the newest N of each profile; default 0: all", false },
	{ "tries", "N", "count the boots of new entries; default 0: do not", false },
	{ "key", "FILE", "sign unified kernel images with this key (PEM)", false },
	{ "certificate", "FILE", "the key's certificate (PEM)", false },
	{ "pcr-key", "FILE", "sign policies over register 11 with this key (PEM)", false },
	{ "stub", "FILE", "systemd's stub", false },
	{ "unsigned", NULL, "no Secure Boot: type 1 entries, kernels as they are", false },
	{ "dry-run", NULL, "print the plan and change nothing", false },
	{ "collect-first", NULL, "remove old files before writing new ones", false },
	{ "cmdline", "FILE", "the running command line; default /proc/cmdline", false },
	{ "quiet", NULL, "print only warnings", false },
};

static int set_option(const struct ih_options *o, void *to, int c, const char *value)
{
	struct settings *s = to;
	uint64_t *number = c == OPT_LIMIT ? &s->limit : &s->tries;

	switch (c) {
	case OPT_PROFILES:
		s->profiles = value;
		break;
	case OPT_LIMIT:
	case OPT_TRIES:
		if (ih_parse_u64(value, c == OPT_LIMIT ? IH_GENERATIONS_MAX : IH_COUNT_MAX,
				 number) < 0)
			return ih_usage_error(o, "option '--%s' takes a number, not '%s'",
					      table[c].name, value);
		break;
	case OPT_KEY:
		s->key = value;
		break;
	case OPT_CERTIFICATE:
		s->certificate = value;
		break;
	case OPT_PCR_KEY:
		s->pcr_key = value;
		break;
	case OPT_STUB:
		s->stub = value;
		break;
	case OPT_UNSIGNED:
		s->no_signature = true;
		break;
	case OPT_DRY_RUN:
		s->dry_run = true;
		break;
	case OPT_COLLECT_FIRST:
		s->collect_first = true;
		break;
	case OPT_CMDLINE:
		s->cmdline = value;
		break;
	case OPT_QUIET:
		s->quiet = true;
		break;
	default:
		ih_boot_place(&s->places, c, value);
	}
	return 0;
}

static int check_settings(const struct ih_options *o, struct settings *s)
{
	if (o->n_operands > 1)
		return ih_usage_error(o, "takes one toplevel at most");
	s->toplevel = o->operands[0];
	if (s->no_signature == (s->key != NULL))
		return ih_usage_error(o, "either '--key' and '--certificate' are needed, or "
					 "'--unsigned'");
	if (s->key && !s->certificate)
		return ih_usage_error(o, "option '--certificate' is needed with '--key'");
	return 0;
}

/* Everything that an installation is made of. */
struct work {
	struct ih_boot_machine machine;
	struct ih_boot_items items;
	struct ih_composer composer;
	char *stub, *cmdline;
	struct ih_install install;
};

static void work_done(struct work *w)
{
	ih_install_done(&w->install);
	ih_boot_items_done(&w->items);
	ih_boot_machine_done(&w->machine);
	ih_key_free(w->composer.key);
	ih_key_free(w->composer.pcr_key);
	free(w->stub);
	free(w->cmdline);
}

static int open_signing(const struct settings *s, struct work *w, struct ih_diag *diag)
{
	int r;

	if (!s->key)
		return 0;
	w->composer.stub_name = s->stub ? s->stub : DEFAULT_STUB;
	w->composer.private_folder = "/run";
	r = ih_read_file(AT_FDCWD, w->composer.stub_name, IH_COMPOSE_FILE_MAX, &w->stub,
			 &w->composer.stub.len, diag);
	if (r < 0)
		return r;
	w->composer.stub.data = (const uint8_t *)w->stub;
	r = ih_key_open_pem(s->key, s->certificate, &w->composer.key, diag);
	if (r == 0 && s->pcr_key)
		r = ih_key_open_pem(s->pcr_key, NULL, &w->composer.pcr_key, diag);
	return r;
}

static int ask_firmware(const struct settings *s, const struct ih_secure_boot *keys,
			const struct ih_image *image, struct ih_diag *diag)
{
	_free_ char *name = NULL;
	struct ih_bytes authority;
	struct ih_pe pe;
	int r;

	if (asprintf(&name, "what '%s' signs", s->key) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	r = ih_pe_parse(name, image->data, image->len, &pe, diag);
	return r < 0 ? r : ih_secure_boot_authority(name, &pe, keys, &authority, diag);
}

/*
 * Will this machine start what is installed? A revoked key is refused: nothing would boot. A key
 * that db does not have may still be known to a shim.
 */
static int check_key(const struct settings *s, const struct work *w, struct ih_diag *diag)
{
	const char *efivars = s->places.efivars ? s->places.efivars : IH_EFIVARS;
	static const char *const no_lists[4];
	struct ih_secure_boot keys = { 0 };
	struct ih_image image = { 0 };
	char *variables[4] = { NULL };
	int r;

	if (!s->key || ih_boot_flag(efivars, "SecureBoot") != 1)
		return 0;
	r = ih_boot_keys_read(no_lists, efivars, variables, &keys, diag);
	if (r == 0)
		r = ih_compose_trial(&w->composer, &image, diag);
	if (r == 0)
		r = ask_firmware(s, &keys, &image, diag);
	free(image.data);
	for (size_t i = 0; i < IH_ARRAY_SIZE(variables); i++)
		free(variables[i]);
	if (r != -EKEYREJECTED)
		return r;
	fprintf(stderr,
		"ihard boot install: %s: Secure Boot is on, and only a shim that knows the key "
		"would start it\n",
		diag->text);
	diag->text[0] = '\0';
	return 0;
}

static int prepare(const struct settings *s, struct work *w, struct ih_diag *diag)
{
	struct ih_generation_request wanted = { s->profiles, s->toplevel, (unsigned int)s->limit };
	static struct ih_install_request rq;
	size_t booted, len = 0;
	int r;

	r = open_signing(s, w, diag);
	if (r == 0)
		r = check_key(s, w, diag);
	if (r == 0)
		r = ih_generations_read(&wanted, &w->items, diag);
	if (r == 0)
		r = ih_boot_machine_read(&s->places, 0, &w->machine, diag);
	if (r < 0)
		return r;
	if (ih_read_file(AT_FDCWD, s->cmdline ? s->cmdline : "/proc/cmdline", CMDLINE_MAX,
			 &w->cmdline, &len, NULL) < 0)
		w->cmdline = NULL;
	booted = ih_boot_machine_booted(&w->machine);
	rq = (struct ih_install_request){
		.items = &w->items,
		.dirs = &w->machine.dirs,
		.entries = &w->machine.entries,
		.state = &w->machine.state,
		.booted = booted < w->machine.entries.n ? w->machine.entries.items[booted].name
							: NULL,
		.cmdline = w->cmdline,
		.composer = s->key ? &w->composer : NULL,
		.tries = (uint32_t)s->tries,
		.collect_first = s->collect_first,
	};
	return ih_install_prepare(&rq, &w->install, diag);
}

static const char *title_of(const struct work *w, size_t wanted)
{
	const struct ih_boot_item *item = ih_install_item(&w->install, wanted);

	return item ? item->version : NULL;
}

static void print_step(const struct work *w, const struct ih_plan_step *s)
{
	static const char *const words[] = {
		[IH_PLAN_WRITE] = "write",
		[IH_PLAN_REPLACE] = "replace",
		[IH_PLAN_LOADER_CONF] = "choose",
		[IH_PLAN_REMOVE] = "remove",
	};
	const char *title = NULL;
	enum ih_folder folder;
	uint64_t size;

	if (s->act == IH_PLAN_LOADER_CONF) {
		printf("%-8s loader/loader.conf: %s\n", words[s->act], w->install.default_name);
		return;
	}
	if (s->act == IH_PLAN_REMOVE) {
		folder = w->install.present[s->index].folder;
		size = w->install.present[s->index].size;
	} else {
		folder = w->install.wanted[s->index].folder;
		size = w->install.wanted[s->index].size;
		title = title_of(w, s->index);
	}
	printf("%-8s %s/%s (%llu bytes)%s%s\n", words[s->act], ih_folder_path(folder), s->name,
	       (unsigned long long)size, title ? ": " : "", title ? title : "");
}

/* Whoever chose an entry in the loader's menu gets it, whatever loader.conf says. */
static void warn_of_choice(const struct work *w)
{
	const struct ih_install *in = &w->install;
	size_t i;

	for (i = 0; i < in->n_asked; i++) {
		const char *name = w->machine.entries.items[in->asked[i].entry].name;

		if (in->asked[i].why != IH_NEXT_ONE_SHOT &&
		    !ih_count_same_entry(name, in->default_name))
			fprintf(stderr,
				"ihard boot install: '%s' boots next, not the default in "
				"loader.conf: "
				"%s\n",
				name, ih_next_why_text(in->asked[i].why));
	}
}

static void print_plan(const struct settings *s, const struct work *w)
{
	const struct ih_plan *p = &w->install.plan;
	const uint64_t mib = 1 << 20;
	size_t i;

	if (w->items.warnings.len)
		fprintf(stderr, "%s", w->items.warnings.data);
	warn_of_choice(w);
	if (s->quiet)
		return;
	for (i = 0; i < p->n; i++)
		print_step(w, &p->steps[i]);
	for (i = 0; i < p->n_kept; i++)
		printf("keep     %s/%s: %s\n",
		       ih_folder_path(w->install.present[p->kept[i].index].folder),
		       w->install.present[p->kept[i].index].name, p->kept[i].why);
	printf("%zu file%s unchanged; %.1f MiB to write, at most %.1f MiB more than now, %.1f MiB "
	       "free\n",
	       p->unchanged, p->unchanged == 1 ? "" : "s", (double)p->written / (double)mib,
	       (double)p->peak / (double)mib, (double)w->install.space.free / (double)mib);
	if (s->dry_run)
		printf("nothing was changed\n");
}

static void write_history(const struct settings *s, const struct work *w)
{
	const struct ih_plan *p = &w->install.plan;
	struct ih_diag diag = { 0 };
	char boot[33];
	size_t i;

	ih_boot_id(boot);
	for (i = 0; i < p->n; i++) {
		char id[IH_ENTRY_NAME_MAX + 1];
		struct ih_history_record record = { .time = (uint64_t)time(NULL), .boot = boot };
		const char *title = "";

		if (p->steps[i].act == IH_PLAN_LOADER_CONF || ih_count_id(p->steps[i].name, id) < 0)
			continue;
		if (p->steps[i].act != IH_PLAN_REMOVE)
			title = title_of(w, p->steps[i].index);
		if (!title || strncmp(id, "ihard-", 6) != 0)
			continue;
		record.event = (char *)(uintptr_t)(p->steps[i].act == IH_PLAN_REMOVE ? "removed"
										     : "installed");
		record.entry = id;
		record.reason = (char *)(uintptr_t)title;
		if (ih_history_add(s->places.history ? s->places.history : IH_HISTORY_FILE, &record,
				   &diag) < 0) {
			fprintf(stderr, "ihard boot install: %s\n", diag.text);
			return;
		}
	}
}

int ih_boot_install(int argc, char **argv)
{
	struct ih_options o = {
		.verb = "boot install",
		.usage = "[options] [TOPLEVEL]",
		.about = "Puts the generations on the boot partition and makes TOPLEVEL the\n"
			 "default (else the newest). A power cut at any moment leaves what was\n"
			 "there or what shall be; the next run completes it.",
		.table = table,
		.n = OPT_COUNT,
	};
	struct ih_diag diag = { 0 };
	struct settings s = { 0 };
	struct work w = { 0 };
	int r;

	r = ih_options_parse(&o, argc, argv, set_option, &s);
	if (!r)
		r = check_settings(&o, &s);
	if (r)
		return ih_options_exit(r);
	r = prepare(&s, &w, &diag);
	if (r == 0)
		print_plan(&s, &w);
	else if (w.items.warnings.len)
		fprintf(stderr, "%s", w.items.warnings.data);
	if (r == 0 && !s.dry_run) {
		(void)fflush(stdout);
		r = ih_install_run(&w.install, &diag);
		if (r == 0)
			write_history(&s, &w);
	}
	work_done(&w);
	if (r == -ENOSPC) {
		fprintf(stderr, "ihard %s: %s\n", o.verb, diag.text);
		return IH_EXIT_DENIED;
	}
	return r < 0 ? ih_boot_failed(&o, &diag) : IH_EXIT_OK;
}
