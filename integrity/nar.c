/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk and the archive; what is canonical is metadata.c's business. */
#include "integrity/nar.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/text.h"
#include "integrity/ahead.h"
#include "integrity/metadata.h"
#include "integrity/window.h"

/* Larger gains nothing, smaller costs system calls. */
#define CHUNK_SIZE   (128 * 1024)
/* Kept free behind content: padding and two closing brackets. */
#define TAIL_MAX     64
#define DIRENTS_SIZE (32 * 1024)
/*
 * Looked at where they lie, if cached: fewer bytes are copied faster than mapped. The kernel maps
 * what begins and ends with a table of pages (2 MiB on x86) with the fewest steps.
 */
#define WINDOW_MIN   (64 * 1024)
#define WINDOW_MAX   (2 * 1024 * 1024)
/* The longest run of framing that one step writes: a name, its type, a link's target. */
#define STEP_MAX     (IH_NAR_TARGET_MAX + IH_NAR_NAME_MAX + 512)
_Static_assert(STEP_MAX <= IH_AHEAD_TEXT_MAX, "a step fits");

struct directory {
	int fd;
	char *block;   /* type byte, name, NUL; one behind the other */
	char **sorted; /* each points to the type byte in block */
	size_t n, next;
	size_t path_len; /* of n->path, to cut back to */
};

struct ih_nar {
	struct ih_nar_source source;
	struct ih_problems *problems;
	struct ih_text path;
	uint64_t mount;
	int error; /* the first */
	bool begun, ended;

	struct directory stack[IH_NAR_DEPTH_MAX];
	size_t depth;

	int file; /* whose content is being written, or -EBADF */
	uint64_t left, pad;
	uint64_t at;	 /* in the file */
	bool copied;	 /* for not all of it is cached, or windows cannot be had */
	bool open_ahead; /* its content is in ahead, its end is to be written */
	struct ih_window window;

	uint64_t size;
	char *out; /* chunk, or a place in ahead */
	size_t len;
	char chunk[CHUNK_SIZE];
	char dirents[DIRENTS_SIZE] __attribute__((aligned(16)));
	struct ih_ahead *ahead; /* for direct reads; else NULL */
};

static int spoil_at(struct ih_nar *n, const char *path, int error, enum ih_problem_kind kind,
		    const char *what)
{
	if (!n->error)
		n->error = error;
	if (kind == IH_PROBLEM_IO)
		ih_problem(n->problems, kind, "cannot %s '%s': %s", what, path, strerror(-error));
	else
		ih_problem(n->problems, kind, "'%s' %s", path, what);
	return error;
}

static int spoil(struct ih_nar *n, int error, enum ih_problem_kind kind, const char *what)
{
	return spoil_at(n, ih_text_get(&n->path), error, kind, what);
}

/* What reading a file ended with. */
static void spoil_content(struct ih_nar *n, const char *path, int error)
{
	if (error == -ESTALE)
		(void)spoil_at(n, path, error, IH_PROBLEM_CONTENT,
			       "changed its size while it was read");
	else
		(void)spoil_at(n, path, error, IH_PROBLEM_IO, "read");
}

static void put(struct ih_nar *n, const void *bytes, size_t len)
{
	memcpy(n->out + n->len, bytes, len);
	n->len += len;
}

static void put_zeros(struct ih_nar *n, size_t len)
{
	memset(n->out + n->len, 0, len);
	n->len += len;
}

static void put_u64(struct ih_nar *n, uint64_t v)
{
	v = htole64(v);
	put(n, &v, sizeof(v));
}

static void put_string(struct ih_nar *n, const char *s, size_t len)
{
	put_u64(n, len);
	put(n, s, len);
	put_zeros(n, -len & 7);
}

/*
 * The words that frame everything, as they stand in an archive: their length in eight bytes, and
 * zeros up to a multiple of eight. There are more of them than of anything else, so they are put
 * together by the compiler.
 */
#define LENGTH(n)  n "\0\0\0\0\0\0\0"
#define MAGIC	   LENGTH("\15") "nix-archive-1\0\0\0"
#define OPEN	   LENGTH("\1") "(\0\0\0\0\0\0\0"
#define CLOSE	   LENGTH("\1") ")\0\0\0\0\0\0\0"
#define TYPE	   LENGTH("\4") "type\0\0\0\0"
#define REGULAR	   LENGTH("\7") "regular\0"
#define EXECUTABLE LENGTH("\12") "executable\0\0\0\0\0\0" LENGTH("\0")
#define CONTENTS   LENGTH("\10") "contents"
#define DIRECTORY  LENGTH("\11") "directory\0\0\0\0\0\0\0"
#define ENTRY	   LENGTH("\5") "entry\0\0\0"
#define NAME	   LENGTH("\4") "name\0\0\0\0"
#define NODE	   LENGTH("\4") "node\0\0\0\0"
#define SYMLINK	   LENGTH("\7") "symlink\0"
#define TARGET	   LENGTH("\6") "target\0\0"

#define PUT(n, words)                                                                     \
	do {                                                                              \
		_Static_assert((sizeof(words) - 1) % 8 == 0, "words are multiples of 8"); \
		put((n), (words), sizeof(words) - 1);                                     \
	} while (0)

/* Closes the node, and the entry that it is of a directory. */
static void end_node(struct ih_nar *n)
{
	PUT(n, CLOSE);
	if (n->depth)
		PUT(n, CLOSE);
	else
		n->ended = true;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

static void close_directory(struct directory *d)
{
	if (d->fd >= 0)
		(void)close(d->fd);
	free(d->block);
	free(d->sorted);
	*d = (struct directory){ .fd = -EBADF };
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Collects names into @block; pointers are made when it no longer moves. */
static int read_names(struct ih_nar *n, struct directory *d, struct ih_text *block)
{
	for (;;) {
		ssize_t got = getdents64(d->fd, n->dirents, sizeof(n->dirents));

		if (got <= 0)
			return got < 0 ? spoil(n, -errno, IH_PROBLEM_IO, "list") : 0;
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *e = (const void *)(n->dirents + at);
			size_t len = strlen(e->d_name);
			char type = (char)e->d_type;

			at += e->d_reclen;
			if (is_dot(e->d_name))
				continue;
			if (len > IH_NAR_NAME_MAX || d->n >= IH_NAR_ENTRIES_MAX)
				return spoil(n, -E2BIG, IH_PROBLEM_METADATA,
					     "has more or longer names than an archive may have");
			if (ih_text_add(block, &type, 1) < 0 ||
			    ih_text_add(block, e->d_name, len + 1) < 0)
				return spoil(n, -ENOMEM, IH_PROBLEM_IO, "list");
			d->n++;
		}
	}
}

static int list_directory(struct ih_nar *n, struct directory *d)
{
	struct ih_text block = { 0 };
	char *at;
	int r;

	r = read_names(n, d, &block);
	d->block = block.data;
	if (r < 0 || !d->n)
		return r;

	d->sorted = malloc(d->n * sizeof(*d->sorted));
	if (!d->sorted)
		return spoil(n, -ENOMEM, IH_PROBLEM_IO, "list");
	at = d->block;
	for (size_t i = 0; i < d->n; i++) {
		d->sorted[i] = at;
		at += 1 + strlen(at + 1) + 1;
	}
	qsort(d->sorted, d->n, sizeof(*d->sorted), by_bytes);
	return 0;
}

static void begin_directory(struct ih_nar *n, int *fd)
{
	struct directory *d;

	if (n->depth >= IH_NAR_DEPTH_MAX) {
		(void)spoil(n, -E2BIG, IH_PROBLEM_METADATA,
			    "lies deeper than an archive may be nested");
		return end_node(n);
	}
	PUT(n, TYPE DIRECTORY);
	d = &n->stack[n->depth++];
	*d = (struct directory){ .fd = TAKE_FD(*fd), .path_len = n->path.len };
	if (list_directory(n, d) < 0)
		d->n = 0;
}

static void begin_file(struct ih_nar *n, int *fd, const struct statx *st)
{
	PUT(n, TYPE REGULAR);
	if (st->stx_mode & S_IXUSR)
		PUT(n, EXECUTABLE);
	PUT(n, CONTENTS);
	put_u64(n, st->stx_size);
	n->pad = -st->stx_size & 7;
	if (n->ahead) {
		n->open_ahead = true;
		if (ih_ahead_file(n->ahead, TAKE_FD(*fd), st->stx_size, ih_text_get(&n->path)) < 0)
			(void)spoil(n, -ENOMEM, IH_PROBLEM_IO, "read");
		return;
	}
	n->file = TAKE_FD(*fd);
	n->left = st->stx_size;
	n->at = 0;
	n->copied = n->source.copied;
}

/* Up to @want bytes that come next in the file, into the chunk. */
static ssize_t read_cached(struct ih_nar *n, size_t want)
{
	ssize_t got;

	do
		got = pread(n->file, n->out + n->len, want, (off_t)n->at);
	while (got < 0 && errno == EINTR);
	return got;
}

static void end_file(struct ih_nar *n)
{
	n->open_ahead = false;
	put_zeros(n, n->pad);
	end_node(n);
}

/* One read more than the size asks for tells whether the file grew, without a further call. */
static void write_content(struct ih_nar *n)
{
	size_t space = sizeof(n->chunk) - TAIL_MAX - n->len, want;
	ssize_t got;

	want = n->left < space ? (size_t)n->left + 1 : space;
	got = read_cached(n, want);

	if (got < 0)
		spoil_content(n, ih_text_get(&n->path), -errno);
	else if ((uint64_t)got > n->left || (got == 0 && n->left))
		spoil_content(n, ih_text_get(&n->path), -ESTALE);
	if (got <= 0 || (uint64_t)got > n->left)
		n->left = 0;
	else {
		n->len += (size_t)got;
		n->at += (uint64_t)got;
		n->left -= (uint64_t)got;
		if (n->left || (size_t)got == want)
			return;
	}
	if (n->left)
		return;

	(void)close(TAKE_FD(n->file));
	end_file(n);
}

static void write_link(struct ih_nar *n, int dirfd, const char *name)
{
	char target[IH_NAR_TARGET_MAX + 1];
	ssize_t len;

	len = readlinkat(dirfd, name, target, sizeof(target));
	if (len < 0)
		(void)spoil(n, -errno, IH_PROBLEM_IO, "read the link");
	else if ((size_t)len > IH_NAR_TARGET_MAX)
		(void)spoil(n, -E2BIG, IH_PROBLEM_METADATA,
			    "points to a longer path than an archive may hold");
	else {
		PUT(n, TYPE SYMLINK TARGET);
		put_string(n, target, (size_t)len);
	}
	end_node(n);
}

static int check_mount(struct ih_nar *n, const struct statx *st)
{
	if (!(st->stx_mask & STATX_MNT_ID))
		return spoil(n, -EOPNOTSUPP, IH_PROBLEM_METADATA,
			     "cannot be told from a mount: the kernel is older than 5.8");
	if (st->stx_mnt_id != n->mount)
		return spoil(n, -EXDEV, IH_PROBLEM_METADATA,
			     "is not the store's own: another file system is mounted over it");
	return 0;
}

/* Files and directories are opened first and judged by the descriptor; the type that the
 * directory gave only keeps us from opening devices, which may act on it. */
static int begin_opened(struct ih_nar *n, int dirfd, const char *name, unsigned char type, int *fd,
			struct statx *st)
{
	int direct = n->source.direct && type == DT_REG ? O_DIRECT : 0;

	*fd = openat(dirfd, name,
		     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | direct);
	if (*fd < 0 && errno == EINVAL && direct)
		return spoil(n, -EOPNOTSUPP, IH_PROBLEM_IO, "read past the page cache");
	if (*fd < 0)
		return spoil(n, -errno, IH_PROBLEM_IO, "open");
	if (statx(*fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, st) < 0)
		return spoil(n, -errno, IH_PROBLEM_IO, "look at");
	return check_mount(n, st);
}

static void begin_node(struct ih_nar *n, int dirfd, const char *name, unsigned char type)
{
	_close_ int fd = -EBADF;
	struct statx st;

	PUT(n, OPEN);
	if (type != DT_REG && type != DT_DIR) {
		if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
			  STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0) {
			(void)spoil(n, -errno, IH_PROBLEM_IO, "look at");
			return end_node(n);
		}
		type = (unsigned char)IFTODT(st.stx_mode);
	}
	if (type == DT_REG || type == DT_DIR) {
		if (begin_opened(n, dirfd, name, type, &fd, &st) < 0)
			return end_node(n);
	} else if (type == DT_LNK && check_mount(n, &st) < 0)
		return end_node(n);

	if (n->source.metadata)
		ih_metadata_check(fd, ih_text_get(&n->path), n->source.owner, &st, n->problems);
	if (n->source.seen)
		n->source.seen(n->source.user, ih_text_get(&n->path), &st);
	if (S_ISREG(st.stx_mode))
		return begin_file(n, &fd, &st);
	if (S_ISDIR(st.stx_mode))
		return begin_directory(n, &fd);
	if (S_ISLNK(st.stx_mode))
		return write_link(n, dirfd, name);
	(void)spoil(n, -EINVAL, IH_PROBLEM_METADATA, "is no file, directory or symbolic link");
	end_node(n);
}

static void next_entry(struct ih_nar *n)
{
	struct directory *d = &n->stack[n->depth - 1];
	const char *entry;
	size_t len;

	n->path.len = d->path_len;
	if (n->path.data)
		n->path.data[d->path_len] = '\0';
	if (d->next == d->n) {
		close_directory(d);
		n->depth--;
		return end_node(n);
	}
	entry = d->sorted[d->next++];
	len = strlen(entry + 1);
	if (ih_text_add(&n->path, "/", 1) < 0 || ih_text_add(&n->path, entry + 1, len) < 0)
		n->error = n->error ? n->error : -ENOMEM;
	PUT(n, ENTRY OPEN NAME);
	put_string(n, entry + 1, len);
	PUT(n, NODE);
	begin_node(n, d->fd, entry + 1, (unsigned char)entry[0]);
}

static void begin(struct ih_nar *n)
{
	struct statx st = { 0 };

	n->begun = true;
	PUT(n, MAGIC);
	if (statx(n->source.dirfd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0) {
		(void)spoil(n, -errno, IH_PROBLEM_IO, "look at the directory of");
		n->ended = true;
		return;
	}
	n->mount = st.stx_mnt_id;
	begin_node(n, n->source.dirfd, n->source.name, DT_UNKNOWN);
}

static void close_all(struct ih_nar *n)
{
	while (n->depth)
		close_directory(&n->stack[--n->depth]);
	(void)ih_window_close(&n->window);
	if (n->ahead)
		ih_ahead_empty(n->ahead);
	if (n->file >= 0)
		(void)close(n->file);
	ih_text_done(&n->path);
}

int ih_nar_restart(struct ih_nar *n, const struct ih_nar_source *source,
		   struct ih_problems *problems)
{
	int r = 0;

	close_all(n);
	memset(n, 0, offsetof(struct ih_nar, chunk)); /* the buffers need no zeros */
	n->source = *source;
	n->problems = problems;
	n->file = -EBADF;
	n->out = n->chunk;
	if (source->direct && !n->ahead)
		r = ih_ahead_new(&n->ahead);
	else if (!source->direct)
		ih_ahead_free(TAKE_PTR(n->ahead));
	return r < 0 ? r : ih_text_addf(&n->path, "%s", source->shown);
}

int ih_nar_new(const struct ih_nar_source *source, struct ih_problems *problems,
	       struct ih_nar **ret)
{
	struct ih_nar *n;
	int r;

	n = malloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->depth = 0;
	n->file = -EBADF;
	n->ahead = NULL;
	n->window = (struct ih_window){ 0 };
	n->path = (struct ih_text){ 0 };
	r = ih_nar_restart(n, source, problems);
	if (r < 0) {
		ih_nar_free(n);
		return r;
	}

	*ret = n;
	return 0;
}

static bool wants_window(const struct ih_nar *n)
{
	return n->file >= 0 && !n->copied && n->left >= WINDOW_MIN;
}

/* The next bytes of the file where they lie; 0 when they are to be copied. */
static size_t show_content(struct ih_nar *n, const void **ret)
{
	size_t len = n->left < WINDOW_MAX ? (size_t)n->left : WINDOW_MAX;
	const uint8_t *bytes;

	if (ih_window_open(&n->window, n->file, n->at, len, &bytes) < 0) {
		n->copied = true;
		return 0;
	}
	n->at += len;
	n->left -= len;
	*ret = bytes;
	return len;
}

/* What the last call showed was looked at by now. */
static void end_window(struct ih_nar *n)
{
	struct statx st;

	if (ih_window_close(&n->window))
		return;
	if (statx(n->file, "", AT_EMPTY_PATH, STATX_SIZE, &st) == 0 && st.stx_size < n->at)
		spoil_content(n, ih_text_get(&n->path), -ESTALE);
	else
		spoil_content(n, ih_text_get(&n->path), -EIO);
}

static void step(struct ih_nar *n)
{
	if (n->file >= 0)
		write_content(n);
	else if (n->open_ahead)
		end_file(n);
	else if (n->depth)
		next_entry(n);
	else
		begin(n);
}

static ssize_t next_cached(struct ih_nar *n, const void **ret)
{
	size_t shown;

	end_window(n);
	n->len = 0;
	while (!n->ended && n->len + STEP_MAX <= sizeof(n->chunk)) {
		if (wants_window(n)) {
			if (n->len)
				break;
			shown = show_content(n, ret);
			if (shown)
				return (ssize_t)shown;
		}
		step(n);
	}
	*ret = n->chunk;
	return (ssize_t)n->len;
}

/* Walks on for as long as there is room, so that files are asked for before they are needed. */
static void walk_ahead(struct ih_nar *n)
{
	while (ih_ahead_ask(n->ahead) && !n->ended) {
		n->out = ih_ahead_space(n->ahead);
		if (!n->out)
			break;
		n->len = 0;
		step(n);
		ih_ahead_put(n->ahead, n->len);
	}
	ih_ahead_send(n->ahead);
}

static ssize_t next_direct(struct ih_nar *n, const void **ret)
{
	const char *path;
	ssize_t len;

	do {
		if (ih_ahead_is_low(n->ahead))
			walk_ahead(n);
		len = ih_ahead_next(n->ahead, ret, &path);
		if (len < 0)
			spoil_content(n, path, (int)len);
	} while (len < 0 || (len == 0 && !n->ended));
	return len;
}

ssize_t ih_nar_next(struct ih_nar *n, const void **ret)
{
	ssize_t len = n->ahead ? next_direct(n, ret) : next_cached(n, ret);

	n->size += (uint64_t)len;
	return len ? len : n->error;
}

bool ih_nar_is_ready(struct ih_nar *n)
{
	if (!n->ahead)
		return true;
	if (ih_ahead_is_low(n->ahead))
		walk_ahead(n);
	return ih_ahead_is_ready(n->ahead);
}

uint64_t ih_nar_size(const struct ih_nar *n)
{
	return n->size;
}

void ih_nar_free(struct ih_nar *n)
{
	if (!n)
		return;
	close_all(n);
	ih_ahead_free(n->ahead);
	free(n);
}

int ih_nar_digest(const struct ih_nar_source *source, struct ih_problems *problems,
		  struct ih_digest *ret, uint64_t *ret_size)
{
	_cleanup_(ih_cleanup_hash) struct ih_hash *h = NULL;
	_cleanup_(ih_cleanup_nar) struct ih_nar *n = NULL;
	const void *piece;
	ssize_t len;
	int r;

	r = ih_hash_new(IH_HASH_SHA256, &h);
	if (r == 0)
		r = ih_nar_new(source, problems, &n);
	if (r < 0)
		return r;
	while ((len = ih_nar_next(n, &piece)) > 0) {
		r = ih_hash_add(h, piece, (size_t)len);
		if (r < 0)
			return r;
	}
	if (len < 0)
		return (int)len;
	*ret_size = ih_nar_size(n);
	return ih_hash_end(h, ret);
}
