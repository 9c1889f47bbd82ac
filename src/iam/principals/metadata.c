#include "iam/principals/metadata.h"

#include "iam/rows.h"
#include "model/names.h"

#define METADATA_COLUMNS " entry, name, value, changed "

static const struct sql METADATA_SELECT = SQL(
	"SELECT" METADATA_COLUMNS "FROM metadata WHERE org = $1 AND principal = $2 AND name = $3");
static const struct sql METADATA_LIST = SQL(
	"SELECT" METADATA_COLUMNS "FROM metadata WHERE org = $1 AND principal = $6 AND entry > $2"
	" AND name >= $3 AND name < $4 ORDER BY entry LIMIT $5");
static const struct sql METADATA_COUNT =
	SQL("SELECT COUNT(*) FROM metadata WHERE org = $1 AND principal = $2");
static const struct sql METADATA_SET =
	SQL("INSERT INTO metadata (org, principal, name, entry, value, changed)"
	    " VALUES ($1, $2, $3, $4, $5, $6)"
	    " ON CONFLICT (org, principal, name) DO UPDATE SET value = $5, changed = $6");
static const struct sql METADATA_DELETE =
	SQL("DELETE FROM metadata WHERE org = $1 AND principal = $2 AND name = $3");

static enum status
metadata_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct metadata *metadata = element;

	(void)err;
	*metadata = (struct metadata){
		.id = query_uuid(q, 0),
		.key = iam__text(q, 1, call),
		.value = iam__text(q, 2, call),
		.changed = query_int(q, 3),
	};
	return OK;
}

void
metadata_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct metadata *metadata = entity;

	jw_object(w, name);
	jw_str(w, "key", metadata->key);
	jw_raw(w, "value", metadata->value);
	jw_int(w, "changed", metadata->changed);
	jw_end_object(w);
}

/* In records what was set can be told apart, and not read: it may be about a person. */
static void
write_digest(struct json_writer *w, const char *name, const void *entity)
{
	const struct metadata *metadata = entity;
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	crypto_sha256(hash, metadata->value.ptr, metadata->value.len);
	crypto_hex(hex, hash, sizeof(hash));
	jw_object(w, name);
	jw_str(w, "key", metadata->key);
	jw_int(w, "bytes", (int64_t)metadata->value.len);
	jw_z(w, "sha256", hex);
	jw_end_object(w);
}

static enum status
find(struct metadata *out, struct call *call, struct principal_id principal, struct str key,
	struct error *err)
{
	struct query q;

	*out = (struct metadata){.key = key};
	enum status rc = iam__query(&q, call, &METADATA_SELECT, principal.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, key);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		rc = metadata_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

enum status
metadata_load(struct metadata *out, struct call *call, struct principal_id principal,
	struct str key, struct error *err)
{
	enum status rc = find(out, call, principal, key, err);
	if (rc == OK && !out->value.ptr)
		rc = error_set(err, ERR_NOT_FOUND, "metadata-not-found",
			"There is no metadata under this key.");
	return rc;
}

static void
bind_principal(struct query *q, const void *opaque)
{
	const struct principal_id *principal = opaque;

	query_bind_uuid(q, 6, principal->id);
}

enum status
metadata_list(struct metadata **out, size_t *count, struct call *call,
	struct principal_id principal, struct page *page, struct error *err)
{
	const struct listing listing = {.sql = &METADATA_LIST,
		.size = sizeof(struct metadata),
		.read = metadata_read,
		.bind = bind_principal,
		.filter = &principal};

	if (page->limit > METADATA_PAGE_MAX)
		page->limit = METADATA_PAGE_MAX;
	return iam__list((void **)out, count, call, page, &listing, err);
}

static enum status
check(struct call *call, const struct principal *of, const struct metadata_draft *draft, bool new,
	struct error *err)
{
	int64_t keys = 0;

	enum status rc = resource_id_check(draft->key, "key", err);
	if (rc == OK && draft->value.len > METADATA_VALUE_MAX)
		rc = error_set(err, ERR_TOO_LARGE, "metadata-too-large",
			"The value has %zu bytes; at most %zu are possible.", draft->value.len,
			METADATA_VALUE_MAX);
	if (rc == OK && new)
		rc = iam__count(&keys, call, &METADATA_COUNT, of->id.id, err);
	if (rc == OK && keys >= METADATA_KEYS_MAX)
		rc = error_set(err, ERR_LIMIT, "too-many-metadata",
			"There can be at most %d keys: delete one first.", METADATA_KEYS_MAX);
	return rc;
}

static enum status
write_row(struct call *call, const struct principal *of, const struct metadata *metadata,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &METADATA_SET, of->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, metadata->key);
	query_bind_uuid(&q, 4, metadata->id);
	query_bind_str(&q, 5, metadata->value);
	query_bind_int(&q, 6, metadata->changed);
	return query_run(&q, NULL, err);
}

static void
touch(struct call *call, struct principal_id of, struct str key)
{
	if (str_eq(key, CONTEXT_KEY))
		call_touch(call, VIEW_CONTEXT, of.id);
}

enum status
metadata_set(struct metadata *out, struct call *call, const struct principal *of,
	const struct metadata_draft *draft, struct error *err)
{
	struct metadata before;

	enum status rc = find(&before, call, of->id, draft->key, err);
	bool new = !before.value.ptr;
	if (rc == OK)
		rc = check(call, of, draft, new, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, before.changed, err);
	*out = before;
	if (rc != OK || str_eq(before.value, draft->value))
		return rc;
	out->id = new ? uuid_new() : before.id;
	out->value = draft->value;
	out->changed = call_next_revision(call);
	rc = write_row(call, of, out, err);
	if (rc == OK)
		rc = iam__record(call, new ? "metadata.create" : "metadata.update",
			kind_name(of->kind), of->id.id,
			VERSIONS(new ? NOTHING : call_json(call, write_digest, &before),
				call_json(call, write_digest, out)),
			err);
	if (rc == OK)
		touch(call, of->id, draft->key);
	return rc;
}

enum status
metadata_delete(struct call *call, const struct principal *of, struct str key, int64_t if_match,
	struct error *err)
{
	struct metadata before;
	struct query q;

	enum status rc = metadata_load(&before, call, of->id, key, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK)
		rc = iam__query(&q, call, &METADATA_DELETE, of->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, key);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		rc = iam__record(call, "metadata.delete", kind_name(of->kind), of->id.id,
			VERSIONS(call_json(call, write_digest, &before), NOTHING), err);
	if (rc == OK)
		touch(call, of->id, key);
	return rc;
}
