#include "model/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "model/zone_rule.h"

#define DATABASE "/usr/share/zoneinfo/"
#define FILE_MAX ((size_t)64 * 1024)
#define HEADER_LEN 44
#define CHANGES_MAX 2048
#define TYPE_LEN 6
/* The widest offsets that RFC 9636 section 3.2 recommends to accept. */
#define OFFSET_LEAST (-89999)
#define OFFSET_MOST 93599

#define KNOWN_FROM_S INT64_C(1577836800) /* 2020-01-01: no decision was asked for before */
#define KNOWN_UNTIL_S INT64_C(253402300799) /* the end of the year 9999 */

struct step {
	int64_t from_s;
	int32_t offset_s;
};

struct zone {
	const struct step *steps; /* ascending */
	uint32_t count;
	bool has_rule; /* for what follows the last step */
	struct zone_rule rule;
};

static const struct step utc_step = {KNOWN_FROM_S, 0};
static const struct zone utc = {&utc_step, 1, true, {0}};

/* A data block: counts of its header, then its parts. */
struct block {
	uint32_t ut_count, standard_count, leap_count, change_count, type_count, char_count;
	struct str changes, change_types, types;
};

static uint32_t
read_u32(const char *at)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < 4; i++)
		value = value << 8 | (unsigned char)at[i];
	return value;
}

static int64_t
read_i64(const char *at)
{
	return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

static bool
take(struct str *rest, size_t len, struct str *out)
{
	if (rest->len < len)
		return false;
	*out = (struct str){rest->ptr, len};
	rest->ptr += len;
	rest->len -= len;
	return true;
}

/* A header and the data after it, whose times have `width` bytes. */
static bool
take_block(struct str *rest, size_t width, struct block *b)
{
	struct str header, ignored;
	if (!take(rest, HEADER_LEN, &header) || !str_starts(header, STR("TZif")) ||
		header.ptr[4] < '2')
		return false;
	uint32_t *const counts[] = {&b->ut_count, &b->standard_count, &b->leap_count,
		&b->change_count, &b->type_count, &b->char_count};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		*counts[i] = read_u32(header.ptr + 20 + 4 * i);
	size_t tail = (size_t)b->char_count + b->leap_count * (width + 4) + b->standard_count +
		b->ut_count;
	return take(rest, b->change_count * width, &b->changes) &&
		take(rest, b->change_count, &b->change_types) &&
		take(rest, (size_t)b->type_count * TYPE_LEN, &b->types) &&
		take(rest, tail, &ignored);
}

/* Zones that count leap seconds are none that a Unix clock follows. */
static bool
is_sound(const struct block *b)
{
	if (b->type_count == 0 || b->change_count > CHANGES_MAX || b->leap_count != 0)
		return false;
	for (uint32_t i = 0; i < b->type_count; i++) {
		int32_t offset = (int32_t)read_u32(b->types.ptr + i * TYPE_LEN);
		if (offset < OFFSET_LEAST || offset > OFFSET_MOST)
			return false;
	}
	for (uint32_t i = 0; i < b->change_count; i++) {
		if ((unsigned char)b->change_types.ptr[i] >= b->type_count)
			return false;
		if (i && read_i64(b->changes.ptr + i * 8) <= read_i64(b->changes.ptr + i * 8 - 8))
			return false;
	}
	return true;
}

/* Of a change, or of the time before the first one (-1). */
static int32_t
offset_after(const struct block *b, int64_t change)
{
	unsigned type = change < 0 ? 0 : (unsigned char)b->change_types.ptr[change];
	return (int32_t)read_u32(b->types.ptr + type * TYPE_LEN);
}

/* The changes since KNOWN_FROM_S, led by what held then. */
static bool
compile_steps(struct zone *zone, const struct block *b, struct arena *arena)
{
	int64_t last_before = -1;
	for (uint32_t i = 0; i < b->change_count; i++) {
		if (read_i64(b->changes.ptr + i * 8) <= KNOWN_FROM_S)
			last_before = i;
	}
	uint32_t count = (uint32_t)(b->change_count - last_before);
	struct step *steps = arena_new_array(arena, struct step, count);
	if (!steps)
		return false;
	steps[0] = (struct step){KNOWN_FROM_S, offset_after(b, last_before)};
	for (uint32_t i = 1; i < count; i++) {
		int64_t change = last_before + i;
		steps[i] = (struct step){
			read_i64(b->changes.ptr + change * 8), offset_after(b, change)};
	}
	zone->steps = steps;
	zone->count = count;
	return true;
}

static void
compile_rule(struct zone *zone, const struct block *b, struct str footer)
{
	(void)str_cut(&footer, '\n');
	struct str text = str_cut(&footer, '\n');
	/* RFC 9636 section 3.2: without changes and without a footer the first type always holds.
	 */
	if (text.len == 0 && b->change_count == 0) {
		zone->rule = (struct zone_rule){.standard_s = offset_after(b, -1)};
		zone->has_rule = true;
	} else {
		zone->has_rule = zone_rule_parse(&zone->rule, text);
	}
}

enum status
zone_parse(struct zone const **out, struct str bytes, struct arena *arena, struct error *err)
{
	struct block b;
	struct str rest = bytes;
	/* The first block, for readers of old, is passed over. */
	if (!take_block(&rest, 4, &b) || !take_block(&rest, 8, &b) || !is_sound(&b))
		return error_set(err, ERR_INVALID, "invalid-time-zone",
			"This is not a usable time zone file.");
	struct zone *zone = arena_new_one(arena, struct zone);
	if (!zone || !compile_steps(zone, &b, arena))
		return error_no_memory(err);
	compile_rule(zone, &b, rest);
	*out = zone;
	return OK;
}

bool
zone_offset(const struct zone *zone, int64_t time_s, int32_t *offset_s)
{
	if (time_s < KNOWN_FROM_S || time_s > KNOWN_UNTIL_S)
		return false;
	uint32_t low = 0, high = zone->count - 1;
	if (time_s >= zone->steps[high].from_s) {
		if (zone->has_rule)
			*offset_s = zone_rule_offset(&zone->rule, time_s);
		return zone->has_rule;
	}
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (zone->steps[middle].from_s <= time_s)
			low = middle;
		else
			high = middle;
	}
	*offset_s = zone->steps[low].offset_s;
	return true;
}

/* The set of characters has no dot, hence no way up. */
static bool
is_name(struct str name)
{
	if (name.len == 0 || name.len > ZONE_NAME_MAX)
		return false;
	char before = '/';
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		bool fits = letter || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' ||
			(c == '/' && before != '/');
		if (!fits)
			return false;
		before = c;
	}
	return before != '/';
}

/* 0, or why not, as an errno; a text that is too long shows in buf->failed. */
static int
read_file(struct buf *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno;
	struct stat st;
	int rc = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : EINVAL;
	while (rc == 0 && !out->failed) {
		char piece[4096];
		ssize_t got = read(fd, piece, sizeof(piece));
		if (got == 0)
			break;
		if (got > 0)
			buf_append(out, piece, (size_t)got);
		else if (errno != EINTR)
			rc = errno;
	}
	close(fd);
	return rc;
}

static bool
may_pass(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR;
}

enum status
zone_load(struct zone const **out, struct str name, const char *field, struct arena *arena,
	struct error *err)
{
	if (str_eq(name, STR("UTC"))) {
		*out = &utc;
		return OK;
	}
	if (!is_name(name))
		return error_set(err, ERR_INVALID, "invalid-time-zone",
			"%s: write the name of an IANA time zone such as Europe/Berlin.", field);
	char path[sizeof(DATABASE) + ZONE_NAME_MAX];
	snprintf(path, sizeof(path), DATABASE "%.*s", STR_ARG(name));
	struct buf bytes;
	struct error why = {0};
	buf_init(&bytes, FILE_MAX);
	int failed = read_file(&bytes, path);
	enum status rc = ERR_INVALID;
	if (failed == 0 && !bytes.failed)
		rc = zone_parse(out, buf_view(&bytes), arena, &why);
	buf_clear(&bytes);
	if (may_pass(failed))
		return error_set(err, ERR_BUSY, "time-zone-unreadable",
			"%s: the time zone %.*s cannot be read just now; try again.", field,
			STR_ARG(name));
	if (rc == ERR_INVALID)
		return error_set(err, ERR_INVALID, "invalid-time-zone",
			"%s: this system has no usable time zone %.*s; is the name right, and the "
			"package tzdata installed?",
			field, STR_ARG(name));
	return rc == ERR_NO_MEMORY ? error_no_memory(err) : rc;
}
