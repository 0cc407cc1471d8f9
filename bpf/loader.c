/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loads, fills, attaches and pins the BPF programs. The only file that sees the skeleton. */
#include "bpf/loader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "common/cleanup.h"
#include "common/fd.h"

#include "gate.skel.h"

#define FILES_DEFAULT  262144u
#define RING_DEFAULT   (1u << 20)
#define LIBBPF_LOG_MAX 512
#define FOLDERS_MAX    64 /* beside the files, so that a full table does not lose them */

struct ih_gate {
	struct ih_gate_bpf *skeleton;
	struct ring_buffer *ring;
	ih_gate_listener listener;
	void *context;
	uint32_t active;
};

/* libbpf prints; its last complaint becomes part of our sentence instead. */
static char libbpf_said[LIBBPF_LOG_MAX];

static int remember(enum libbpf_print_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static int remember(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !libbpf_said[0])
		(void)vsnprintf(libbpf_said, sizeof(libbpf_said), format, args);
	return 0;
}

static bool lsm_is_active(void)
{
	_free_ char *list = NULL;
	size_t len;

	if (ih_read_file(AT_FDCWD, "/sys/kernel/security/lsm", 4096, &list, &len, NULL) < 0)
		return false;
	for (char *save = NULL, *name = strtok_r(list, ",\n", &save); name;
	     name = strtok_r(NULL, ",\n", &save))
		if (strcmp(name, "bpf") == 0)
			return true;
	return false;
}

int ih_gate_probe(struct ih_diag *diag)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return ih_fail(diag, -EOPNOTSUPP,
			       "this kernel does not describe its types; it needs "
			       "CONFIG_DEBUG_INFO_BTF=y");
	if (!lsm_is_active())
		return ih_fail(diag, -EOPNOTSUPP,
			       "the BPF security module is not active; it needs CONFIG_BPF_LSM=y "
			       "and 'bpf' in the kernel parameter lsm=");
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_LSM, NULL) != 1)
		return ih_fail(diag, -EPERM,
			       "this process may not load BPF security programs; it needs CAP_BPF, "
			       "CAP_PERFMON and CAP_SYS_ADMIN");
	return 0;
}

static int fail_with_libbpf(struct ih_diag *diag, int error, const char *what)
{
	libbpf_said[strcspn(libbpf_said, "\n")] = '\0';
	return ih_fail(diag, error, "cannot %s: %s%s%s", what, strerror(-error),
		       libbpf_said[0] ? "; " : "", libbpf_said);
}

static int size_maps(struct ih_gate_bpf *skeleton, const struct ih_gate_limits *limits)
{
	uint32_t files = limits && limits->files ? limits->files : FILES_DEFAULT;
	uint32_t ring = limits && limits->ring ? limits->ring : RING_DEFAULT;
	int r;

	if (files > IH_GATE_FILES_MAX)
		return -E2BIG;
	r = bpf_map__set_max_entries(skeleton->maps.ih_seeds, files + FOLDERS_MAX);
	return r ? r : bpf_map__set_max_entries(skeleton->maps.ih_events, ring);
}

static int on_event(void *context, void *data, size_t size)
{
	struct ih_gate *gate = context;
	struct ih_event event = { 0 };
	const struct ih_event *raw = data;

	if (size < 8 || raw->version != IH_EVENT_VERSION || raw->size > size)
		return 0;
	memcpy(&event, data, raw->size < sizeof(event) ? raw->size : sizeof(event));
	event.comm[sizeof(event.comm) - 1] = '\0';
	event.path[sizeof(event.path) - 1] = '\0';
	if (gate->listener)
		gate->listener(gate->context, &event);
	return 0;
}

/* Maps that have a name below IH_GATE_PINS are used as they are: what the last guard vouched for,
 * the provenance of every task, events that nobody has read. */
static int adopt_maps(struct ih_gate_bpf *skeleton)
{
	const struct bpf_object_skeleton *s = skeleton->skeleton;

	for (int i = 0; i < s->map_cnt; i++) {
		char path[256];
		int r;

		(void)snprintf(path, sizeof(path), IH_GATE_PINS "/map-%s", s->maps[i].name);
		if (bpf_map__is_internal(*s->maps[i].map) || access(path, F_OK) < 0)
			continue;
		r = bpf_map__set_pin_path(*s->maps[i].map, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* inode_setattr() got an argument in Linux 6.9 (its idmap, in front). file_post_open() is as new,
 * and bpf_get_fsverity_digest() is there when the kernel knows fs-verity. */
static int choose_programs(struct ih_gate_bpf *skeleton)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	const struct btf_type *hook = NULL;
	bool mapped, measures;
	int32_t id;

	if (!kernel)
		return errno ? -errno : -ENOENT;
	id = btf__find_by_name_kind(kernel, "bpf_lsm_inode_setattr", BTF_KIND_FUNC);
	if (id > 0)
		hook = btf__type_by_id(kernel, btf__type_by_id(kernel, (uint32_t)id)->type);
	mapped = hook && btf_vlen(hook) == 3;
	measures = btf__find_by_name_kind(kernel, "bpf_lsm_file_post_open", BTF_KIND_FUNC) > 0 &&
		   btf__find_by_name_kind(kernel, "bpf_get_fsverity_digest", BTF_KIND_FUNC) > 0;
	btf__free(kernel);
	(void)bpf_program__set_autoload(skeleton->progs.ih_bound_exec, measures);
	(void)bpf_program__set_autoload(skeleton->progs.ih_bound_map, measures);
	(void)bpf_program__set_autoload(skeleton->progs.ih_bound_open, measures);
	(void)bpf_program__set_autoload(skeleton->progs.ih_setattr, !mapped);
	(void)bpf_program__set_autoload(skeleton->progs.ih_setattr_map, mapped);
	return 0;
}

static int load(struct ih_gate *gate, const struct ih_gate_limits *limits, bool adopt)
{
	uint32_t zero = 0;
	int r;

	gate->skeleton = ih_gate_bpf__open();
	if (!gate->skeleton)
		return -errno;
	r = size_maps(gate->skeleton, limits);
	if (r == 0)
		r = choose_programs(gate->skeleton);
	if (r == 0 && adopt)
		r = adopt_maps(gate->skeleton);
	if (r == 0)
		r = ih_gate_bpf__load(gate->skeleton);
	if (r == 0)
		r = bpf_map__lookup_elem(gate->skeleton->maps.ih_active, &zero, sizeof(zero),
					 &gate->active, sizeof(gate->active), 0);
	return r;
}

/* Maps of another shape, from another version or for another number of files, are not adopted: the
 * old programs go on with them until the new ones are attached. */
static int load_or_begin_anew(struct ih_gate *gate, const struct ih_gate_limits *limits)
{
	bool adopt = ih_gate_is_pinned();
	int r = load(gate, limits, adopt);

	if (r < 0 && adopt) {
		ih_gate_bpf__destroy(gate->skeleton);
		gate->skeleton = NULL;
		libbpf_said[0] = '\0';
		r = load(gate, limits, false);
	}
	return r;
}

bool ih_gate_is_pinned(void)
{
	return access(IH_GATE_PINS "/map-ih_config", F_OK) == 0;
}

/* Another version's members behind ours are cut off, those it does not have stay zero. */
int ih_gate_pinned_config(struct ih_gate_config *ret)
{
	_close_ int active = bpf_obj_get(IH_GATE_PINS "/map-ih_active");
	_close_ int configs = bpf_obj_get(IH_GATE_PINS "/map-ih_config");
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info), zero = 0, slot = 0;
	unsigned char value[1024];

	if (active < 0 || configs < 0)
		return errno ? -errno : -ENOENT;
	if (bpf_obj_get_info_by_fd(configs, &info, &size) < 0 || info.value_size > sizeof(value))
		return -EPROTO;
	if (bpf_map_lookup_elem(active, &zero, &slot) < 0 ||
	    bpf_map_lookup_elem(configs, &slot, value) < 0)
		return -errno;
	*ret = (struct ih_gate_config){ 0 };
	memcpy(ret, value, info.value_size < sizeof(*ret) ? info.value_size : sizeof(*ret));
	return 0;
}

int ih_gate_open(const struct ih_gate_limits *limits, struct ih_gate **ret, struct ih_diag *diag)
{
	struct ih_gate *gate;
	int r;

	r = ih_gate_probe(diag);
	if (r < 0)
		return r;

	libbpf_said[0] = '\0';
	(void)libbpf_set_print(remember);
	gate = calloc(1, sizeof(*gate));
	if (!gate)
		return ih_fail(diag, -ENOMEM, "no memory for the gate");
	r = load_or_begin_anew(gate, limits);
	if (r == 0) {
		gate->ring = ring_buffer__new(bpf_map__fd(gate->skeleton->maps.ih_events), on_event,
					      gate, NULL);
		r = gate->ring ? 0 : -errno;
	}
	if (r < 0) {
		ih_gate_free(gate);
		return fail_with_libbpf(diag, r, "load the BPF programs");
	}
	*ret = gate;
	return 0;
}

void ih_gate_free(struct ih_gate *gate)
{
	if (!gate)
		return;
	ring_buffer__free(gate->ring);
	ih_gate_bpf__destroy(gate->skeleton);
	free(gate);
}

struct ih_gate_file ih_gate_file_of(const struct stat *st)
{
	return (struct ih_gate_file){
		.key = { .inode = st->st_ino,
			 .device = ih_gate_device(major(st->st_dev), minor(st->st_dev)) },
		.seed = { .ctime_s = st->st_ctim.tv_sec,
			  .ctime_ns = (__u32)st->st_ctim.tv_nsec,
			  .size = (__u64)st->st_size },
	};
}

void ih_gate_bind(struct ih_gate_file *file, int fd)
{
	union {
		struct fsverity_digest d;
		unsigned char space[sizeof(struct fsverity_digest) + 64];
	} u = { .d = { .digest_size = 64 } };

	file->seed.bound = 0;
	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &u.d) < 0 || u.d.digest_size < IH_GATE_DIGEST)
		return;
	file->seed.bound = (__u8)u.d.digest_algorithm;
	memcpy(file->seed.digest, u.d.digest, IH_GATE_DIGEST);
}

int ih_gate_add(struct ih_gate *gate, const struct ih_gate_file *file)
{
	return bpf_map__update_elem(gate->skeleton->maps.ih_seeds, &file->key, sizeof(file->key),
				    &file->seed, sizeof(file->seed), BPF_ANY);
}

static int add_folder(struct ih_gate *gate, int fd, uint8_t flags, struct stat *ret_st)
{
	struct ih_gate_file file;
	struct ih_seed there;

	if (fstat(fd, ret_st) < 0)
		return -errno;
	file = ih_gate_file_of(ret_st);
	if (bpf_map__lookup_elem(gate->skeleton->maps.ih_seeds, &file.key, sizeof(file.key), &there,
				 sizeof(there), 0) == 0)
		flags |= there.flags;
	file.seed.flags = flags;
	return ih_gate_add(gate, &file);
}

int ih_gate_add_folder(struct ih_gate *gate, const char *path, uint8_t flags, struct ih_diag *diag)
{
	_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, above;
	int r;

	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open the folder '%s': %s", path,
			       strerror(errno));
	r = add_folder(gate, fd, flags, &st);
	while (r == 0 && (flags & IH_SEED_STORE)) {
		int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (up < 0) {
			r = -errno;
			break;
		}
		close(fd);
		fd = up;
		r = add_folder(gate, fd, IH_SEED_ABOVE, &above);
		if (above.st_ino == st.st_ino && above.st_dev == st.st_dev)
			break;
		st = above;
	}
	return r < 0 ? ih_fail(diag, r, "cannot tell the kernel about '%s': %s", path, strerror(-r))
		     : 0;
}

int ih_gate_remove(struct ih_gate *gate, const struct ih_file_key *key)
{
	return bpf_map__delete_elem(gate->skeleton->maps.ih_seeds, key, sizeof(*key), 0);
}

int ih_gate_known(struct ih_gate *gate, const struct ih_file_key *key, struct ih_seed *ret)
{
	return bpf_map__lookup_elem(gate->skeleton->maps.ih_seeds, key, sizeof(*key), ret,
				    sizeof(*ret), 0);
}

static int put_grammars(struct ih_gate *gate, uint32_t slot, const struct ih_tables *t)
{
	struct ih_flat_tables *flat;
	int r;

	flat = calloc(1, sizeof(*flat));
	if (!flat)
		return -ENOMEM;
	r = ih_tables_flatten(t, flat) < 0 ? -E2BIG : 0;
	if (r == 0)
		r = bpf_map__update_elem(gate->skeleton->maps.ih_grammars, &slot, sizeof(slot),
					 flat, sizeof(*flat), BPF_ANY);
	free(flat);
	return r;
}

static int put_names(struct ih_gate *gate, uint32_t slot, const struct ih_gate_policy *policy)
{
	int r = 0;

	for (uint32_t i = 0; i < policy->grammars->n_grammars && r == 0; i++) {
		uint32_t key = slot * IH_TABLES_GRAMMARS + i;

		r = bpf_map__update_elem(gate->skeleton->maps.ih_names, &key, sizeof(key),
					 &policy->interpreters[i], sizeof(*policy->interpreters),
					 BPF_ANY);
	}
	return r;
}

static int put_rules(struct ih_gate *gate, uint32_t slot, const struct ih_gate_policy *policy)
{
	int r = 0;

	if (policy->n_rules > IH_RULES_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < policy->n_rules && r == 0; i++) {
		uint32_t key = slot * IH_RULES_MAX + i;

		r = bpf_map__update_elem(gate->skeleton->maps.ih_rules, &key, sizeof(key),
					 &policy->rules[i], sizeof(policy->rules[i]), BPF_ANY);
	}
	return r;
}

static int put_tree(struct ih_gate *gate, uint32_t slot, const char *name)
{
	struct ih_tree_key key = { .hash = IH_HASH_START, .slot = slot };
	const uint8_t there = 1;
	size_t len = strlen(name);

	while (len > 1 && name[len - 1] == '/')
		len--;
	for (size_t i = 0; i < len; i++)
		key.hash = ih_hash_byte(key.hash, (uint8_t)name[i]);
	return bpf_map__update_elem(gate->skeleton->maps.ih_trees, &key, sizeof(key), &there,
				    sizeof(there), BPF_ANY);
}

/* Those of the set before the last one go first. */
static int put_trees(struct ih_gate *gate, uint32_t slot, const struct ih_gate_policy *policy)
{
	struct ih_tree_key keys[2 * IH_GATE_TREES_MAX], *last = NULL;
	size_t n = 0;
	int r = 0;

	while (n < IH_ARRAY_SIZE(keys) && bpf_map__get_next_key(gate->skeleton->maps.ih_trees, last,
								&keys[n], sizeof(keys[n])) == 0)
		last = &keys[n++];
	for (size_t i = 0; i < n; i++)
		if (keys[i].slot == slot)
			(void)bpf_map__delete_elem(gate->skeleton->maps.ih_trees, &keys[i],
						   sizeof(keys[i]), 0);
	for (size_t i = 0; i < policy->n_trees && i < IH_GATE_TREES_MAX && r == 0; i++)
		r = put_tree(gate, slot, policy->trees[i]);
	return r;
}

/* The guard sees what everybody sees: its namespace is the machine's. */
static uint32_t own_mounts(void)
{
	struct stat st;

	return stat("/proc/self/ns/mnt", &st) < 0 ? 0 : (uint32_t)st.st_ino;
}

static int put_units(struct ih_gate *gate, uint32_t slot, const struct ih_gate_policy *policy)
{
	struct ih_gate_units units = { .n = (uint32_t)policy->n_units };

	if (policy->n_units > IH_UNITS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < policy->n_units; i++) {
		units.names[i] = IH_HASH_START;
		for (const char *c = policy->units[i]; *c; c++)
			units.names[i] = ih_hash_byte(units.names[i], (__u8)*c);
	}
	return bpf_map__update_elem(gate->skeleton->maps.ih_units, &slot, sizeof(slot), &units,
				    sizeof(units), BPF_ANY);
}

int ih_gate_put(struct ih_gate *gate, const struct ih_gate_policy *policy, struct ih_diag *diag)
{
	struct ih_gate_config config = policy->config;
	uint32_t next = !gate->active, zero = 0;
	int r;

	config.n_rules = policy->n_rules;
	config.mounts = own_mounts();
	r = put_rules(gate, next, policy);
	if (r == 0)
		r = put_units(gate, next, policy);
	if (r == 0 && policy->grammars)
		r = put_grammars(gate, next, policy->grammars);
	if (r == 0 && policy->grammars)
		r = put_names(gate, next, policy);
	if (r == 0)
		r = put_trees(gate, next, policy);
	if (r == 0)
		r = bpf_map__update_elem(gate->skeleton->maps.ih_config, &next, sizeof(next),
					 &config, sizeof(config), BPF_ANY);
	if (r == 0)
		r = bpf_map__update_elem(gate->skeleton->maps.ih_active, &zero, sizeof(zero), &next,
					 sizeof(next), BPF_ANY);
	if (r < 0)
		return ih_fail(diag, r, "cannot put the policy in force: %s", strerror(-r));
	gate->active = next;
	return 0;
}

static int mark(struct ih_gate *gate, pid_t pid, const struct ih_task_state *state)
{
	_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return -errno;
	return bpf_map__update_elem(gate->skeleton->maps.ih_tasks, &pidfd, sizeof(pidfd), state,
				    sizeof(*state), BPF_ANY);
}

int ih_gate_mark_guard(struct ih_gate *gate, struct ih_diag *diag)
{
	const struct ih_task_state state = { .provenance = IH_PROVENANCE_VERIFIED,
					     .flags = IH_SEED_GUARD };
	int r = mark(gate, getpid(), &state);

	return r < 0 ? ih_fail(diag, r, "cannot mark this process as the guard: %s", strerror(-r))
		     : 0;
}

int ih_gate_mark(struct ih_gate *gate, pid_t pid, const struct ih_seed *seed)
{
	const struct ih_task_state state = {
		.grammar = seed->grammar,
		.provenance = seed->grammar		    ? IH_PROVENANCE_UNVERIFIED
			      : seed->flags & IH_SEED_LOGIN ? IH_PROVENANCE_INTERACTIVE
							    : IH_PROVENANCE_VERIFIED,
		.flags = seed->flags,
	};

	return mark(gate, pid, &state);
}

int ih_gate_attach(struct ih_gate *gate, struct ih_diag *diag)
{
	int r;

	libbpf_said[0] = '\0';
	r = ih_gate_bpf__attach(gate->skeleton);
	if (r < 0) {
		ih_gate_bpf__detach(gate->skeleton);
		return fail_with_libbpf(diag, r, "attach the BPF programs");
	}
	return 0;
}

/* The new program is attached already: when its name takes the old one's place, the old program's
 * last reference goes, and there is no moment without either. */
static int replace_pin(struct bpf_link *link, const char *path)
{
	char aside[264];
	int r;

	(void)snprintf(aside, sizeof(aside), "%s-new", path);
	(void)unlink(aside);
	r = bpf_link__pin(link, aside);
	if (r < 0)
		return r;
	return rename(aside, path) < 0 ? -errno : 0;
}

static int pin_links(struct ih_gate_bpf *skeleton, struct ih_diag *diag)
{
	const struct bpf_object_skeleton *s = skeleton->skeleton;

	for (int i = 0; i < s->prog_cnt; i++) {
		struct bpf_link *link = *s->progs[i].link;
		char path[256];
		int r;

		if (!link)
			continue;
		(void)snprintf(path, sizeof(path), IH_GATE_PINS "/link-%s", s->progs[i].name);
		r = replace_pin(link, path);
		if (r < 0)
			return ih_fail(diag, r, "cannot pin '%s': %s", path, strerror(-r));
	}
	return 0;
}

static int pin_maps(struct ih_gate_bpf *skeleton, struct ih_diag *diag)
{
	const struct bpf_object_skeleton *s = skeleton->skeleton;

	for (int i = 0; i < s->map_cnt; i++) {
		char path[256];
		int r;

		if (bpf_map__is_internal(*s->maps[i].map))
			continue;
		(void)snprintf(path, sizeof(path), IH_GATE_PINS "/map-%s", s->maps[i].name);
		if (!bpf_map__is_pinned(*s->maps[i].map))
			(void)unlink(path); /* of another shape: see load_or_begin_anew() */
		r = bpf_map__pin(*s->maps[i].map, path);
		if (r < 0)
			return ih_fail(diag, r, "cannot pin '%s': %s", path, strerror(-r));
	}
	return 0;
}

int ih_gate_pin(struct ih_gate *gate, struct ih_diag *diag)
{
	int r;

	if (mkdir(IH_GATE_PINS, 0700) < 0 && errno != EEXIST)
		return ih_fail(diag, -errno,
			       "cannot make '%s': %s; is bpffs mounted on /sys/fs/bpf?",
			       IH_GATE_PINS, strerror(errno));
	r = pin_maps(gate->skeleton, diag);
	return r < 0 ? r : pin_links(gate->skeleton, diag);
}

int ih_gate_unpin(struct ih_diag *diag)
{
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	dir = opendir(IH_GATE_PINS);
	if (!dir)
		return errno == ENOENT ? 0
				       : ih_fail(diag, -errno, "cannot open '%s': %s", IH_GATE_PINS,
						 strerror(errno));
	while (r == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			r = ih_fail(diag, -errno, "cannot remove the pin '%s': %s", entry->d_name,
				    strerror(errno));
	(void)closedir(dir);
	if (r == 0 && rmdir(IH_GATE_PINS) < 0)
		r = ih_fail(diag, -errno, "cannot remove '%s': %s", IH_GATE_PINS, strerror(errno));
	return r;
}

int ih_gate_counts(const struct ih_gate *gate, struct ih_gate_counts *ret)
{
	uint32_t sent = 0, lost = 1;
	int r;

	r = bpf_map__lookup_elem(gate->skeleton->maps.ih_counts, &sent, sizeof(sent), &ret->sent,
				 sizeof(ret->sent), 0);
	return r ? r
		 : bpf_map__lookup_elem(gate->skeleton->maps.ih_counts, &lost, sizeof(lost),
					&ret->lost, sizeof(ret->lost), 0);
}

int ih_gate_event_fd(const struct ih_gate *gate)
{
	return ring_buffer__epoll_fd(gate->ring);
}

void ih_gate_listen(struct ih_gate *gate, ih_gate_listener listener, void *context)
{
	gate->listener = listener;
	gate->context = context;
}

int ih_gate_take_events(struct ih_gate *gate, int timeout_ms)
{
	return ring_buffer__poll(gate->ring, timeout_ms);
}

size_t ih_gate_programs(const struct ih_gate *gate, struct ih_gate_program *ret, size_t max)
{
	const struct bpf_object_skeleton *s = gate->skeleton->skeleton;
	size_t n = 0;

	for (int i = 0; i < s->prog_cnt && n < max; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(*s->progs[i].prog);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
			continue;
		ret[n] = (struct ih_gate_program){ .instructions = info.xlated_prog_len / 8,
						   .verified = info.verified_insns,
						   .runs = info.run_cnt,
						   .run_ns = info.run_time_ns };
		(void)snprintf(ret[n++].name, sizeof(ret->name), "%s", s->progs[i].name);
	}
	return n;
}
