#include "store/migrations.h"

#include "base/buf.h"
#include "base/clock.h"
#include "crypto/crypto.h"
#include "store/internal.h"

#define MIGRATION_TEXT_MAX (1024 * 1024)

static const char *const table_text = "CREATE TABLE IF NOT EXISTS schema_migrations ("
				      "version {int} NOT NULL PRIMARY KEY, "
				      "name {text} NOT NULL, "
				      "digest {bytes} NOT NULL, "
				      "applied_us {int} NOT NULL) {strict}";

static const struct sql SELECT_ALL =
	SQL("SELECT version, name, digest FROM schema_migrations ORDER BY version");
static const struct sql INSERT_ONE =
	SQL("INSERT INTO schema_migrations "
	    "(version, name, digest, applied_us) VALUES ($1, $2, $3, $4)");

int
store_schema_version(void)
{
	return store_migrations[store_migration_count - 1].version;
}

/* Replaces the neutral words by the engine's. */
static void
expand(struct buf *out, const struct driver *d, const char *sql)
{
	while (*sql) {
		const struct driver_word *w = d->words;
		while (w->word && strncmp(sql, w->word, strlen(w->word)) != 0)
			w++;
		if (w->word) {
			buf_str(out, str_from(w->becomes));
			sql += strlen(w->word);
		} else {
			buf_char(out, *sql++);
		}
	}
	buf_char(out, '\0');
}

static enum status
run_script(struct connection *c, const char *sql, struct error *err)
{
	struct buf text;
	buf_init(&text, MIGRATION_TEXT_MAX);
	expand(&text, c->driver, sql);
	enum status rc =
		text.failed ? error_no_memory(err) : c->driver->script(c->native, text.ptr, err);
	buf_clear(&text);
	return rc;
}

static void
digest_of(uint8_t out[SHA256_LEN], const struct migration *m)
{
	crypto_sha256(out, m->sql, strlen(m->sql));
}

/* One row of the table against what this program knows at that place. */
static enum status
check_row(const struct query *q, size_t at, const char *path, struct error *err)
{
	uint8_t digest[SHA256_LEN];
	int64_t version = query_int(q, 0);
	if (version > store_schema_version())
		return error_set(err, ERR_INVALID, "store-too-new",
			"The store %.120s has schema %lld, this program knows %d: use a newer "
			"program.",
			path, (long long)version, store_schema_version());
	if (at >= store_migration_count || store_migrations[at].version != version)
		return error_set(err, ERR_CORRUPT, "store-corrupt",
			"The store %.120s lacks a step of its schema before %lld.", path,
			(long long)version);
	digest_of(digest, &store_migrations[at]);
	if (str_eq(query_bytes(q, 2), (struct str){(const char *)digest, sizeof(digest)}))
		return OK;
	error_set(err, ERR_CORRUPT, "store-migration-changed",
		"The store %.120s was made with another text of schema %lld: use the program that "
		"made it.",
		path, (long long)version);
	return error_detail(err, "migration %s", store_migrations[at].name);
}

/* How many migrations the store has; checks each. In a transaction. */
static enum status
count_applied(size_t *out, struct tx *tx, struct error *err)
{
	struct query q;
	bool there = false;
	*out = 0;
	enum status rc = tx->connection->driver->has_schema(tx->connection->native, &there, err);
	if (rc != OK || !there)
		return rc;
	rc = query_begin(&q, tx, &SELECT_ALL, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = check_row(&q, *out, tx->store->driver->place_name(tx->store->place), err);
		if (rc != OK)
			break;
		(*out)++;
	}
	query_end(&q);
	return rc;
}

static enum status
record(struct tx *tx, const struct migration *m, struct error *err)
{
	struct query q;
	uint8_t digest[SHA256_LEN];
	digest_of(digest, m);
	enum status rc = query_begin(&q, tx, &INSERT_ONE, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, m->version);
	query_bind_str(&q, 2, str_from(m->name));
	query_bind_bytes(&q, 3, digest, sizeof(digest));
	query_bind_int(&q, 4, clock_now_us());
	return query_run(&q, NULL, err);
}

/* Applies the next migration, if there is one, in a transaction of its own: what is there is
 * looked at inside it. */
static enum status
apply_next(struct store *store, struct connection *c, bool *more, struct error *err)
{
	struct touches touches = {0};
	struct tx tx = {.store = store, .connection = c, .touches = &touches};
	size_t applied = 0;
	*more = false;
	enum status rc = c->driver->begin(c->native, true, err);
	if (rc != OK)
		return rc;
	if (c->driver->lock_schema)
		rc = c->driver->lock_schema(c->native, err);
	if (rc == OK)
		rc = count_applied(&applied, &tx, err);
	if (rc != OK || applied == store_migration_count)
		goto out;
	const struct migration *m = &store_migrations[applied];
	rc = run_script(c, table_text, err);
	if (rc == OK)
		rc = run_script(c, m->sql, err);
	if (rc != OK)
		error_detail(err, "migration %s", m->name);
	if (rc == OK)
		rc = record(&tx, m, err);
	if (rc == OK && applied + 1 == store_migration_count && store->options.convert)
		rc = store->options.convert(&tx, err);
	if (rc == OK)
		rc = c->driver->commit(c->native, err);
	*more = rc == OK;
out:
	c->driver->rollback(c->native);
	return rc;
}

/* What stands before anything is changed. */
static enum status
look(struct store *store, struct connection *c, size_t *applied, struct error *err)
{
	struct tx tx = {.store = store, .connection = c};
	enum status rc = c->driver->begin(c->native, false, err);
	if (rc != OK)
		return rc;
	rc = count_applied(applied, &tx, err);
	c->driver->rollback(c->native);
	return rc;
}

enum status
migrate__run(struct store *store, struct connection *c, struct error *err)
{
	const struct store_options *options = &store->options;
	const char *place = store->driver->place_name(store->place);
	size_t applied = 0;
	bool more = true;
	enum status rc = look(store, c, &applied, err);
	if (rc != OK)
		return rc;
	if (options->fresh_only && applied > 0)
		return error_set(err, ERR_INVALID, "store-not-empty",
			"The store %.120s is in use already: choose another path.", place);
	if (options->read_only && applied < store_migration_count)
		return error_set(err, ERR_INVALID, "store-too-old",
			"The store %.120s has an older schema: start the server on it once.",
			place);
	if (options->read_only)
		return OK;
	while (rc == OK && more)
		rc = apply_next(store, c, &more, err);
	c->driver->tidy(c->native);
	return rc;
}
