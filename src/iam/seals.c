#include "iam/seals.h"

#include "iam/rows.h"

#define ROWS_MAX 64
#define BYTES_MAX ((size_t)8 * 1024 * 1024) /* of a few rows, but for the last */
#define KEYS_MAX 3

/* A column of seals: the list names what its rows are known by, then the seal; the update takes
 * that, the new seal, and the old one. */
struct sealed {
	const char *table;
	size_t keys;
	struct str (*name)(struct seal_name *, const char *, const struct str *, size_t);
	struct sql list, update;
};

/* Of every organisation, as all that follow. */
static const struct sealed SEALED[] = {
	{"signing_keys", 3, seal_name,
		/* Of every organisation. */
		SQL("SELECT org, workspace, key_id, private_key FROM signing_keys"
		    " WHERE substr(private_key, 1, 1) <> $1 LIMIT $2"),
		SQL("UPDATE signing_keys SET private_key = $4 WHERE org = $1 AND workspace = $2"
		    " AND key_id = $3 AND private_key = $5")},
	{"providers", 2, seal_name,
		/* Of every organisation. */
		SQL("SELECT org, provider, client_secret FROM providers"
		    " WHERE substr(client_secret, 1, 1) <> $1 LIMIT $2"),
		SQL("UPDATE providers SET client_secret = $3 WHERE org = $1 AND provider = $2"
		    " AND client_secret = $4")},
	{"totps", 1, seal_name,
		SQL("SELECT person, secret FROM totps WHERE substr(secret, 1, 1) <> $1 LIMIT $2"),
		SQL("UPDATE totps SET secret = $2 WHERE person = $1 AND secret = $3")},
	{"mails", 2, seal_name_texts,
		/* Of every organisation: those that have their content still. */
		SQL("SELECT org, mail, content FROM mails"
		    " WHERE length(content) > 0 AND substr(content, 1, 1) <> $1 LIMIT $2"),
		SQL("UPDATE mails SET content = $3 WHERE org = $1 AND mail = $2"
		    " AND content = $4")},
	{"idempotency", 3, seal_name,
		/* Of every organisation. */
		SQL("SELECT org, principal, key_hash, answer FROM idempotency"
		    " WHERE substr(answer, 1, 1) <> $1 LIMIT $2"),
		SQL("UPDATE idempotency SET answer = $4 WHERE org = $1 AND principal = $2"
		    " AND key_hash = $3 AND answer = $5")},
};

struct str
seal_name(struct seal_name *space, const char *table, const struct str *keys, size_t count)
{
	struct buf out;

	buf_init_fixed(&out, space->bytes, sizeof(space->bytes));
	buf_str(&out, str_from(table));
	for (size_t i = 0; i < count; i++)
		buf_str(&out, keys[i]);
	ASSERT(!out.failed);
	return buf_view(&out);
}

struct str
seal_name_texts(struct seal_name *space, const char *table, const struct str *keys, size_t count)
{
	struct str texts[KEYS_MAX];
	char text[KEYS_MAX][UUID_TEXT_LEN + 1];

	ASSERT(count <= KEYS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct uuid id;
		ASSERT(keys[i].len == sizeof(id.bytes));
		memcpy(id.bytes, keys[i].ptr, sizeof(id.bytes));
		uuid_format(text[i], id);
		texts[i] = str_from(text[i]);
	}
	return seal_name(space, table, texts, count);
}

struct sealed_row {
	struct str keys[KEYS_MAX];
	struct str seal;
};

static enum status
list_rows(struct sealed_row rows[ROWS_MAX], size_t *count, struct call *call,
	const struct sealed *of, struct error *err)
{
	char newest = (char)keyring_newest_master(call->keyring);
	struct query q;
	size_t bytes = 0;
	bool whole = true;

	*count = 0;
	enum status rc = query_begin(&q, call->tx, &of->list, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 1, &newest, 1);
	query_bind_int(&q, 2, ROWS_MAX);
	while (bytes < BYTES_MAX && whole && (rc = query_next(&q, err)) == OK && q.row) {
		struct sealed_row *row = &rows[(*count)++];
		for (size_t i = 0; i < of->keys; i++) {
			row->keys[i] = arena_copy(call->arena, query_bytes(&q, (int)i));
			whole = whole && row->keys[i].ptr;
		}
		row->seal = whole ? arena_copy(call->arena, query_bytes(&q, (int)of->keys))
				  : (struct str){0};
		bytes += row->seal.len;
		whole = row->seal.ptr != NULL && *count < ROWS_MAX;
	}
	query_end(&q);
	return rc == OK && *count > 0 && !rows[*count - 1].seal.ptr ? error_no_memory(err) : rc;
}

static enum status
write_row(int64_t *sealed, struct call *call, const struct sealed *of, const struct sealed_row *row,
	struct str seal, struct error *err)
{
	int at = 1;
	int64_t changed = 0;
	struct query q;

	enum status rc = query_begin(&q, call->tx, &of->update, err);
	if (rc != OK)
		return rc;
	for (size_t i = 0; i < of->keys; i++)
		query_bind_bytes(&q, at++, row->keys[i].ptr, row->keys[i].len);
	query_bind_bytes(&q, at++, seal.ptr, seal.len);
	query_bind_bytes(&q, at, row->seal.ptr, row->seal.len);
	rc = query_run(&q, &changed, err);
	*sealed += changed;
	return rc;
}

static enum status
rewrap_row(int64_t *sealed, struct call *call, const struct sealed *of,
	const struct sealed_row *row, struct error *err)
{
	struct seal_name space;
	struct buf plain, seal;
	struct str name = of->name(&space, of->table, row->keys, of->keys);

	buf_init(&plain, row->seal.len);
	buf_init(&seal, row->seal.len);
	enum status rc = keyring_open(call->keyring, &plain, row->seal, name, err);
	if (rc == OK)
		rc = keyring_seal(call->keyring, &seal, buf_view(&plain), name, err);
	if (rc == OK)
		rc = write_row(sealed, call, of, row, buf_view(&seal), err);
	if (plain.ptr)
		crypto_wipe(plain.ptr, plain.cap);
	buf_clear(&plain);
	buf_clear(&seal);
	return rc;
}

enum status
seals_rewrap(int64_t *sealed, struct call *call, struct error *err)
{
	struct sealed_row rows[ROWS_MAX];
	enum status rc = OK;

	*sealed = 0;
	for (size_t i = 0; rc == OK && *sealed == 0 && i < ARRAY_LEN(SEALED); i++) {
		size_t count;
		rc = list_rows(rows, &count, call, &SEALED[i], err);
		for (size_t j = 0; rc == OK && j < count; j++)
			rc = rewrap_row(sealed, call, &SEALED[i], &rows[j], err);
		if (rc == ERR_CORRUPT)
			(void)error_detail(err, "in the table %s", SEALED[i].table);
	}
	return rc;
}

#define COUNT(what, table)                                                                         \
	{                                                                                          \
		what, SQL("SELECT COUNT(*) FROM " table " WHERE pepper <> $1")                     \
	}
/* Of every organisation. */
static const struct {
	const char *what;
	struct sql count;
} PEPPERED[PEPPER_USES] = {
	COUNT("credentials", "credentials"),
	COUNT("recovery codes", "recovery_codes"),
	COUNT("sessions", "sessions"),
	COUNT("links", "links"),
	COUNT("codes", "codes"),
	COUNT("refresh tokens", "families"),
};

enum status
peppers_count(struct pepper_use out[PEPPER_USES], struct call *call, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < PEPPER_USES; i++) {
		struct query q;
		out[i] = (struct pepper_use){.what = PEPPERED[i].what};
		rc = query_begin(&q, call->tx, &PEPPERED[i].count, err);
		if (rc != OK)
			break;
		query_bind_int(&q, 1, keyring_newest_pepper(call->keyring));
		rc = query_next(&q, err);
		if (rc == OK && q.row)
			out[i].count = query_int(&q, 0);
		query_end(&q);
	}
	return rc;
}
