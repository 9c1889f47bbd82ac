#include "iam/upkeep/seals.h"

#include "iam/rows.h"

#define ROWS_MAX 64
#define BYTES_MAX ((size_t)8 * 1024 * 1024) /* of a few rows, but for the last */

/* A column of seals: what its rows are known by. The list takes that of the row after which to
 * start, and the newest master key: of what that has sealed, and of what is not there, it gives no
 * seal. The update takes what the row is known by, the new seal, and the old one. */
struct sealed {
	const char *table;
	size_t keys;
	struct str (*name)(struct seal_name *, const char *, const struct str *, size_t);
	struct sql list, update;
};

/* The texts of one that is known by two or by three. */
#define LISTED(seal) ", CASE WHEN length(" seal ") > 0 AND substr(" seal ", 1, 1)"
#define SEALED_BY_2(table, name, key, seal)                                                        \
	{                                                                                          \
		table, 2, name,                                                                    \
			SQL("SELECT org, " key LISTED(                                             \
				seal) " <> $3 THEN " seal " END FROM " table " WHERE (org, " key   \
				      ") > ($1, $2) ORDER BY org, " key " LIMIT 500"),             \
			SQL("UPDATE " table " SET " seal " = $3 WHERE org = $1 AND " key " = $2"   \
			    " AND " seal " = $4")                                                  \
	}
#define SEALED_BY_3(table, name, key, last, seal)                                                  \
	{                                                                                          \
		table, 3, name,                                                                    \
			SQL("SELECT org, " key ", " last LISTED(                                   \
				seal) " <> $4 THEN " seal " END FROM " table " WHERE (org, " key   \
				      ", " last ") > ($1, $2, $3)"                                 \
				      " ORDER BY org, " key ", " last " LIMIT 500"),               \
			SQL("UPDATE " table " SET " seal " = $4 WHERE org = $1 AND " key " = $2"   \
			    " AND " last " = $3 AND " seal " = $5")                                \
	}
/* Of every organisation. */
static const struct sealed SEALED[] = {
	SEALED_BY_3("signing_keys", seal_name, "workspace", "key_id", "private_key"),
	SEALED_BY_2("providers", seal_name, "provider", "client_secret"),
	{"totps", 1, seal_name,
		SQL("SELECT person" LISTED(
			"secret") " <> $2 THEN secret END FROM totps"
				  " WHERE person > $1 ORDER BY person LIMIT 500"),
		SQL("UPDATE totps SET secret = $2 WHERE person = $1 AND secret = $3")},
	SEALED_BY_2("mails", seal_name_texts, "mail", "content"),
	SEALED_BY_3("idempotency", seal_name, "principal", "key_hash", "answer"),
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
	struct str texts[SEAL_KEYS_MAX];
	char text[SEAL_KEYS_MAX][UUID_TEXT_LEN + 1];

	ASSERT(count <= SEAL_KEYS_MAX);
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
	struct str keys[SEAL_KEYS_MAX];
	struct str seal;
};

static void
place_after(struct seals_place *out, const struct query *q, size_t keys)
{
	for (size_t i = 0; i < keys; i++) {
		struct str key = query_bytes(q, (int)i);
		ASSERT(key.len <= SHA256_LEN);
		memcpy(out->keys[i], key.ptr, key.len);
		out->lens[i] = key.len;
	}
}

static enum status
query_list(struct query *q, struct call *call, const struct sealed *of,
	const struct seals_place *from, struct error *err)
{
	char newest = (char)keyring_newest_master(call->keyring);
	int at = 1;

	enum status rc = query_begin(q, call->tx, &of->list, err);
	if (rc != OK)
		return rc;
	for (size_t i = 0; i < of->keys; i++)
		query_bind_bytes(q, at++, from->keys[i], from->lens[i]);
	query_bind_bytes(q, at, &newest, 1);
	return OK;
}

static bool
copy_row(struct sealed_row *out, struct call *call, const struct query *q, size_t keys)
{
	bool whole = true;

	for (size_t i = 0; i < keys; i++) {
		out->keys[i] = arena_copy(call->arena, query_bytes(q, (int)i));
		whole = whole && out->keys[i].ptr;
	}
	out->seal = arena_copy(call->arena, query_bytes(q, (int)keys));
	return whole && out->seal.ptr;
}

/* Moves on to where the next list begins: in the next table once this is at its end. */
static enum status
list_rows(struct sealed_row rows[ROWS_MAX], size_t *count, struct seals_place *at,
	struct call *call, struct error *err)
{
	const struct sealed *of = &SEALED[at->table];
	struct query q;
	size_t bytes = 0;
	bool any = false, whole = true;

	*count = 0;
	enum status rc = query_list(&q, call, of, at, err);
	if (rc != OK)
		return rc;
	while (bytes < BYTES_MAX && whole && *count < ROWS_MAX &&
		(rc = query_next(&q, err)) == OK && q.row) {
		any = true;
		place_after(at, &q, of->keys);
		if (query_is_null(&q, (int)of->keys))
			continue;
		whole = copy_row(&rows[*count], call, &q, of->keys);
		bytes += rows[(*count)++].seal.len;
	}
	query_end(&q);
	if (rc == OK && !any)
		*at = (struct seals_place){.table = at->table + 1};
	return rc == OK && !whole ? error_no_memory(err) : rc;
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
seals_rewrap(struct seals_step *out, const struct seals_place *from, struct call *call,
	struct error *err)
{
	const struct sealed *of = &SEALED[from->table];
	struct sealed_row rows[ROWS_MAX];
	size_t count;

	*out = (struct seals_step){.next = *from};
	enum status rc = list_rows(rows, &count, &out->next, call, err);
	for (size_t i = 0; rc == OK && i < count; i++)
		rc = rewrap_row(&out->sealed, call, of, &rows[i], err);
	if (rc == ERR_CORRUPT)
		(void)error_detail(err, "in the table %s", of->table);
	out->found = (int64_t)count;
	out->over = out->next.table == ARRAY_LEN(SEALED);
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
