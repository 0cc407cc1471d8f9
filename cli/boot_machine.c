/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot partitions and variables of a machine, read once for a verb of `ihard boot`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bootchain/history.h"
#include "cli/boot.h"
#include "cli/verbs.h"

void ih_boot_place(struct ih_boot_places *places, int option, const char *value)
{
	switch (option) {
	case IH_BOOT_ESP:
		places->esp = value;
		break;
	case IH_BOOT_XBOOTLDR:
		places->xbootldr = value;
		break;
	case IH_BOOT_EFIVARS:
		places->efivars = value;
		break;
	case IH_BOOT_HISTORY:
		places->history = value;
		break;
	}
}

static const char *loader_architecture(void)
{
#if defined(__x86_64__)
	return "x64";
#elif defined(__aarch64__)
	return "aa64";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#else
	return NULL;
#endif
}

int ih_boot_machine_read(const struct ih_boot_places *places, unsigned int version,
			 struct ih_boot_machine *ret, struct ih_diag *diag)
{
	struct ih_boot_machine m = { 0 };
	int r;

	r = ih_loader_variables_read(places->efivars ? places->efivars : IH_EFIVARS, &m.variables,
				     diag);
	m.has_variables = r == 0;
	if (r == 0 || r == -EOPNOTSUPP)
		r = ih_boot_dirs_open(places->esp, places->xbootldr, &m.dirs, diag);
	if (r == 0)
		r = ih_boot_dirs_read(&m.dirs, &m.entries, &m.state.conf, &m.skipped, diag);
	if (r < 0) {
		ih_boot_machine_done(&m);
		return r;
	}
	m.state.version = version ? version : m.variables.version;
	m.state.one_shot = m.variables.one_shot;
	m.state.default_variable = m.variables.default_entry;
	m.state.preferred_variable = m.variables.preferred;
	m.state.last_booted = m.variables.last_booted;
	m.state.architecture = loader_architecture();
	*ret = m;
	return 0;
}

void ih_boot_machine_done(struct ih_boot_machine *machine)
{
	ih_loader_variables_done(&machine->variables);
	ih_boot_dirs_done(&machine->dirs);
	ih_entries_done(&machine->entries);
	ih_loader_conf_done(&machine->state.conf);
	ih_text_done(&machine->skipped);
}

/* LoaderEntrySelected has the name from before the loader counted; the file may be renamed since.
 */
size_t ih_boot_machine_booted(const struct ih_boot_machine *machine)
{
	const char *selected = machine->variables.selected;
	const char *path = machine->variables.count_path;
	const char *counted = path ? strrchr(path, '/') : NULL;
	size_t i;

	for (i = 0; counted && i < machine->entries.n; i++)
		if (strcasecmp(machine->entries.items[i].name, counted + 1) == 0)
			return i;
	for (i = 0; selected && i < machine->entries.n; i++)
		if (strcasecmp(machine->entries.items[i].name, selected) == 0)
			return i;
	for (i = 0; selected && i < machine->entries.n; i++)
		if (ih_count_same_entry(machine->entries.items[i].name, selected))
			return i;
	return machine->entries.n;
}

int ih_boot_failed(const struct ih_options *o, const struct ih_diag *diag)
{
	fprintf(stderr, "ihard %s: %s\n", o->verb, diag->text);
	return IH_EXIT_FAILED;
}
