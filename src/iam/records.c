#include "iam/records.h"

#include <string.h>

#include "iam/rows.h"
#include "json/reader.h"

#define RECORD_COLUMNS                                                                             \
	" revision, part, time_us, actor, actor_kind, actor_org, credential, address, action,"     \
	" subject_kind, subject, body, hash "
#define BEFORE_CURSOR " AND (revision < $2 OR (revision = $2 AND part < $3))"
#define NEWEST_FIRST " ORDER BY revision DESC, part DESC LIMIT $4"

static const struct sql RECORD_LIST =
	SQL("SELECT" RECORD_COLUMNS "FROM records WHERE org = $1" BEFORE_CURSOR NEWEST_FIRST);
static const struct sql RECORD_LIST_OF_ACTOR =
	SQL("SELECT" RECORD_COLUMNS
	    "FROM records WHERE org = $1 AND actor = $5" BEFORE_CURSOR NEWEST_FIRST);
static const struct sql RECORD_LIST_OF_SUBJECT =
	SQL("SELECT" RECORD_COLUMNS
	    "FROM records WHERE org = $1 AND subject = $5" BEFORE_CURSOR NEWEST_FIRST);

#define BODY_STRING_MAX ((size_t)16 * 1024)

/* The two halves of {"before":…,"after":…}; a null stays absent. */
static bool
split_body(struct record *record, struct str body, char *scratch)
{
	struct json_reader r;
	struct str name, raw;

	json_reader_init(
		&r, body, JSON_READER_DEPTH_MAX, BODY_STRING_MAX, scratch, BODY_STRING_MAX);
	if (!json_reader_enter_object(&r))
		return false;
	while (json_reader_next_member(&r, &name)) {
		bool before = str_eq(name, STR("before"));
		if (!json_reader_skip(&r, &raw))
			return false;
		if (!str_eq(raw, STR("null")))
			*(before ? &record->before : &record->after) = raw;
	}
	return !r.failed;
}

static enum status
read_body(struct record *record, struct query *q, struct call *call, struct error *err)
{
	struct str body = iam__text(q, 11, call);

	if (query_is_null(q, 11))
		return OK;
	char *scratch = arena_alloc(call->arena, BODY_STRING_MAX);
	if (!scratch || !body.ptr)
		return error_no_memory(err);
	if (!split_body(record, body, scratch))
		return error_set(
			err, ERR_CORRUPT, "store-corrupt", "The store holds a broken record.");
	return OK;
}

static enum status
record_read(struct record *record, struct query *q, struct call *call, struct error *err)
{
	struct str hash = query_bytes(q, 12);

	*record = (struct record){
		.revision = query_int(q, 0),
		.part = query_int(q, 1),
		.time_us = query_int(q, 2),
		.actor = {query_uuid(q, 3)},
		.actor_kind = (enum principal_kind)query_int(q, 4),
		.actor_org = {query_uuid(q, 5)},
		.credential = {query_uuid(q, 6)},
		.address = iam__text(q, 7, call),
		.action = iam__text(q, 8, call),
		.subject_kind = iam__text(q, 9, call),
		.subject = iam__text(q, 10, call),
	};
	if (hash.len == SHA256_LEN)
		memcpy(record->hash, hash.ptr, SHA256_LEN);
	return read_body(record, q, call, err);
}

static bool
action_fits(struct str wanted, struct str action)
{
	if (!wanted.ptr)
		return true;
	if (wanted.len > 0 && wanted.ptr[wanted.len - 1] == '.')
		return str_starts(action, wanted);
	return str_eq(action, wanted);
}

/* What the statement has not looked at, from the row itself: most are passed over. */
static bool
row_fits(const struct query *q, const struct record_filter *filter)
{
	int64_t time_us = query_int(q, 2);

	if (time_us < filter->since_us || (filter->until_us != 0 && time_us >= filter->until_us))
		return false;
	if (filter->subject.ptr && !str_eq(filter->subject, query_str(q, 10)))
		return false;
	return action_fits(filter->action, query_str(q, 8));
}

/* The statement whose index leaves the fewest to look at. */
static enum status
begin(struct query *q, struct call *call, const struct record_filter *filter,
	const struct record_page *page, struct error *err)
{
	bool of_actor = !uuid_is_nil(filter->actor.id);
	bool of_subject = !of_actor && filter->subject.ptr;
	const struct sql *sql = of_actor ? &RECORD_LIST_OF_ACTOR
		: of_subject             ? &RECORD_LIST_OF_SUBJECT
					 : &RECORD_LIST;

	enum status rc = iam__query(q, call, sql, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(q, 2, page->before_revision > 0 ? page->before_revision : INT64_MAX);
	query_bind_int(q, 3, page->before_part);
	query_bind_int(q, 4, RECORDS_EXAMINED_MAX);
	if (of_actor)
		query_bind_uuid(q, 5, filter->actor.id);
	else if (of_subject)
		query_bind_str(q, 5, filter->subject);
	return OK;
}

enum status
record_list(struct record **out, size_t *count, struct call *call,
	const struct record_filter *filter, struct record_page *page, struct error *err)
{
	struct query q;
	uint32_t examined = 0;

	*count = 0;
	*out = arena_new_array(call->arena, struct record, page->limit);
	if (!*out)
		return error_no_memory(err);
	enum status rc = begin(&q, call, filter, page, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		bool fits = row_fits(&q, filter);
		page->more = (fits && *count == page->limit) || ++examined == RECORDS_EXAMINED_MAX;
		if (fits && *count == page->limit)
			break;
		page->last_revision = query_int(&q, 0);
		page->last_part = query_int(&q, 1);
		if (fits)
			rc = record_read(&(*out)[(*count)++], &q, call, err);
		if (rc != OK || page->more)
			break;
	}
	query_end(&q);
	return rc;
}

void
record_head(struct record_head *out, const struct call *call)
{
	out->revision = call->chain.revision;
	memcpy(out->hash, call->chain.head, SHA256_LEN);
}

static void
write_hash(struct json_writer *w, const char *name, const uint8_t hash[SHA256_LEN])
{
	char text[2 * SHA256_LEN + 1];

	crypto_hex(text, hash, SHA256_LEN);
	jw_z(w, name, text);
}

static void
write_half(struct json_writer *w, const char *name, struct str half)
{
	jw_raw(w, name, half.ptr ? half : STR("null"));
}

void
record_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct record *record = entity;

	jw_object(w, name);
	jw_int(w, "revision", record->revision);
	jw_int(w, "part", record->part);
	jw_time(w, "time", record->time_us);
	jw_object(w, "actor");
	iam__write_org(w, "org", record->actor_org);
	jw_uuid(w, "id", record->actor.id);
	if (record->actor_kind == KIND_NONE && uuid_is_nil(record->actor.id))
		jw_null(w, "kind");
	else if (record->actor_kind == KIND_NONE)
		jw_z(w, "kind", org_is_platform(record->actor_org) ? "person" : "provider");
	else
		jw_z(w, "kind", kind_name(record->actor_kind));
	jw_end_object(w);
	jw_uuid(w, "credential", record->credential.id);
	jw_str(w, "address", record->address);
	jw_str(w, "action", record->action);
	jw_object(w, "subject");
	jw_str(w, "kind", record->subject_kind);
	jw_str(w, "id", record->subject);
	jw_end_object(w);
	write_half(w, "before", record->before);
	write_half(w, "after", record->after);
	write_hash(w, "hash", record->hash);
	jw_end_object(w);
}

void
record_head_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct record_head *head = entity;

	jw_object(w, name);
	jw_int(w, "revision", head->revision);
	write_hash(w, "hash", head->hash);
	jw_end_object(w);
}
