/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The history of boots: JSON lines, appended one at a time. Decides nothing. */
#include "bootchain/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fd.h"
#include "common/json.h"

static char *copy_member(const struct ih_json *line, const char *key)
{
	struct ih_json v;
	const char *s;

	if (ih_json_member(line, key, &v) < 0 || ih_json_string(&v, &s, NULL) < 0)
		return NULL;
	return strdup(s);
}

static uint64_t number_member(const struct ih_json *line, const char *key)
{
	struct ih_json v;
	uint64_t n = 0;

	if (ih_json_member(line, key, &v) == 0)
		(void)ih_json_u64(&v, 0, UINT64_MAX, &n, NULL);
	return n;
}

static void record_done(struct ih_history_record *r)
{
	free(r->boot);
	free(r->event);
	free(r->entry);
	free(r->reason);
}

/* Return: 0, -EBADMSG for a line that is no record, -ENOMEM. */
static int parse_line(const char *text, size_t len, struct ih_history_record *ret)
{
	struct ih_json_doc *doc = NULL;
	struct ih_json line;
	int r;

	r = ih_json_parse("history", text, len, &doc, NULL);
	if (r < 0)
		return r;
	line = ih_json_root(doc);
	*ret = (struct ih_history_record){
		.time = number_member(&line, "time"),
		.left = number_member(&line, "left"),
		.done = number_member(&line, "done"),
		.boot = copy_member(&line, "boot"),
		.event = copy_member(&line, "event"),
		.entry = copy_member(&line, "entry"),
		.reason = copy_member(&line, "reason"),
	};
	ih_json_free(doc);
	if (ret->boot && ret->event && ret->entry && ret->reason)
		return 0;
	record_done(ret);
	return -EBADMSG;
}

static int add_record(struct ih_history *h, const struct ih_history_record *record)
{
	struct ih_history_record *grown;

	grown = reallocarray(h->records, h->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	h->records = grown;
	grown[h->n++] = *record;
	return 0;
}

/* Walks over whole lines; what is behind the last line feed is torn. */
static int parse_all(const char *text, size_t len, struct ih_history *ret)
{
	struct ih_history_record record;
	int r;

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		r = end ? parse_line(text, n, &record) : -EBADMSG;
		if (r == 0)
			r = add_record(ret, &record);
		if (r == -ENOMEM)
			return r;
		ret->damaged += r < 0;
		text += n + (end != NULL);
		len -= n + (end != NULL);
	}
	return 0;
}

int ih_history_read(const char *path, struct ih_history *ret, struct ih_diag *diag)
{
	struct ih_history h = { 0 };
	_free_ char *text = NULL;
	size_t len = 0;
	int r;

	r = ih_read_file(AT_FDCWD, path, 2 * IH_HISTORY_SIZE, &text, &len, diag);
	if (r == -ENOENT) {
		*ret = h;
		return 0;
	}
	if (r == 0)
		r = parse_all(text, len, &h);
	if (r < 0) {
		ih_history_done(&h);
		return ih_fail_within(diag, r, "history");
	}
	*ret = h;
	return 0;
}

void ih_history_done(struct ih_history *history)
{
	size_t i;

	for (i = 0; i < history->n; i++)
		record_done(&history->records[i]);
	free(history->records);
	*history = (struct ih_history){ 0 };
}

static int format_line(const struct ih_history_record *r, struct ih_text *ret)
{
	struct ih_json_out *o = ih_json_new_object();
	int error;

	ih_json_set_u64(o, "time", r->time);
	ih_json_set_string(o, "boot", r->boot ? r->boot : "");
	ih_json_set_string(o, "event", r->event ? r->event : "");
	ih_json_set_string(o, "entry", r->entry ? r->entry : "");
	ih_json_set_u64(o, "left", r->left);
	ih_json_set_u64(o, "done", r->done);
	ih_json_set_string(o, "reason", r->reason ? r->reason : "");
	error = ih_json_print(o, false, ret);
	return error < 0 ? error : ih_text_add(ret, "\n", 1);
}

/* The folder of @path, made when it is missing. */
static int open_folder(const char *path, const char **ret_name, struct ih_diag *diag)
{
	const char *slash = strrchr(path, '/');
	_free_ char *folder = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	int fd;

	if (!folder)
		return ih_fail(diag, -ENOMEM, "out of memory");
	*ret_name = slash ? slash + 1 : path;
	if (slash && mkdir(folder, 0755) < 0 && errno != EEXIST)
		return ih_fail(diag, -errno, "cannot make '%s': %s", folder, strerror(errno));
	fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ih_fail(diag, -errno, "cannot open '%s': %s", folder, strerror(errno));
	return fd;
}

/* Opens and locks. Another writer may have replaced the file meanwhile: then it is opened again. */
static int open_locked(int folder, const char *name)
{
	struct stat ours, now;
	int fd, tries;

	for (tries = 0; tries < 10; tries++) {
		fd = openat(folder, name,
			    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			    0600);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX) < 0 || fstat(fd, &ours) < 0) {
			(void)close(fd);
			return -errno;
		}
		if (!S_ISREG(ours.st_mode)) {
			(void)close(fd);
			return -EINVAL;
		}
		if (fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
		    now.st_dev == ours.st_dev && now.st_ino == ours.st_ino)
			return fd;
		(void)close(fd);
	}
	return -EAGAIN;
}

static int append(int fd, const struct ih_text *line)
{
	struct ih_text whole = { 0 };
	struct stat st;
	char last = '\n';
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > 0 && ih_pread_full(fd, &last, 1, (uint64_t)st.st_size - 1) != 1)
		return -EIO;
	if (last != '\n')
		(void)ih_text_add(&whole, "\n", 1);
	(void)ih_text_add(&whole, line->data, line->len);
	r = whole.oom ? -ENOMEM : ih_write_full(fd, whole.data, whole.len);
	ih_text_done(&whole);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r;
}

/* Where the newer half of the lines begins. */
static const char *newer_half(const char *text, size_t len, size_t *ret_lines)
{
	size_t lines = 0, drop;
	size_t i;

	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	*ret_lines = lines;
	drop = lines / 2;
	for (i = 0; i < len && drop > 0; i++)
		drop -= text[i] == '\n';
	return text + i;
}

static int trim(int folder, const char *name, int fd, struct ih_diag *diag)
{
	_free_ char *text = NULL;
	const char *keep;
	size_t len = 0, lines;
	int r;

	r = ih_read_fd(fd, name, 2 * IH_HISTORY_SIZE, &text, &len, diag);
	if (r == -EFBIG) /* somebody else filled it; what is in it is not ours */
		return ih_write_file_atomic(folder, name, 0600, "", 0, diag);
	if (r < 0)
		return r;
	keep = newer_half(text, len, &lines);
	if (lines <= IH_HISTORY_RECORDS && len <= IH_HISTORY_SIZE)
		return 0;
	return ih_write_file_atomic(folder, name, 0600, keep, len - (size_t)(keep - text), diag);
}

int ih_history_add(const char *path, const struct ih_history_record *record, struct ih_diag *diag)
{
	_close_ int folder = -EBADF;
	_close_ int fd = -EBADF;
	struct ih_text line = { 0 };
	const char *name = path;
	int r;

	folder = open_folder(path, &name, diag);
	if (folder < 0)
		return folder;
	fd = open_locked(folder, name);
	if (fd < 0)
		return ih_fail(diag, fd, "cannot open the history '%s': %s", path, strerror(-fd));
	r = format_line(record, &line);
	if (r == 0)
		r = append(fd, &line);
	ih_text_done(&line);
	if (r < 0)
		return ih_fail(diag, r, "cannot write to the history '%s': %s", path, strerror(-r));
	return trim(folder, name, fd, diag);
}

void ih_boot_id(char ret[33])
{
	_free_ char *text = NULL;
	size_t len = 0, n = 0;
	size_t i;

	ret[0] = '\0';
	if (ih_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &len, NULL) < 0)
		return;
	for (i = 0; i < len && n < 32; i++)
		if (text[i] && strchr("0123456789abcdef", text[i]))
			ret[n++] = text[i];
	ret[n] = '\0';
}
