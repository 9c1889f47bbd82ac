#include "store/history.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static const struct sql NEWEST = SQL("SELECT number, incarnation, identity FROM incarnations"
				     " ORDER BY number DESC LIMIT 1");
static const struct sql BEGIN =
	SQL("INSERT INTO incarnations (number, incarnation, identity, since_us)"
	    " VALUES ($1, $2, $3, $4) ON CONFLICT (number) DO NOTHING");
/* Of every organisation. */
static const struct sql WITNESS =
	SQL("SELECT f.org, f.revision, r.hash FROM feed f JOIN records r ON r.org = f.org AND"
	    " r.revision = f.revision ORDER BY f.moment DESC, r.part DESC LIMIT 1");
static const struct sql RECORD_HASH =
	SQL("SELECT hash FROM records WHERE org = $1 AND revision = $2 ORDER BY part DESC LIMIT 1");
static const struct sql REVISION = SQL("SELECT revision FROM orgs WHERE org = $1");

enum status
history__load(struct history *out, struct tx *tx, struct error *err)
{
	struct query q;
	*out = (struct history){0};
	enum status rc = query_begin(&q, tx, &NEWEST, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc == OK && q.row) {
		struct str identity = query_str(&q, 2);
		out->number = query_int(&q, 0);
		out->incarnation = query_uuid(&q, 1);
		snprintf(out->identity, sizeof(out->identity), "%.*s", STR_ARG(identity));
	}
	query_end(&q);
	return rc;
}

enum status
history__begin(struct tx *tx, int64_t number, const char *identity, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &BEGIN, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, number + 1);
	query_bind_uuid(&q, 2, uuid_new());
	query_bind_str(&q, 3, str_from(identity));
	query_bind_int(&q, 4, clock_now_us());
	return query_run(&q, NULL, err);
}

enum status
witness__load(struct witness *out, struct tx *tx, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &WITNESS, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc == OK && q.row && query_bytes(&q, 2).len == SHA256_LEN) {
		out->org = query_uuid(&q, 0);
		out->revision = query_int(&q, 1);
		memcpy(out->hash, query_bytes(&q, 2).ptr, SHA256_LEN);
		out->has_hash = true;
	}
	query_end(&q);
	return rc;
}

enum status
witness__holds(bool *out, const struct witness *witness, struct tx *tx, struct error *err)
{
	struct query q;
	*out = witness->revision == 0;
	if (*out)
		return OK;
	enum status rc = query_begin(&q, tx, &RECORD_HASH, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, witness->org);
	query_bind_int(&q, 2, witness->revision);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		struct str hash = {(const char *)witness->hash, SHA256_LEN};
		*out = !witness->has_hash || str_eq(query_bytes(&q, 0), hash);
	}
	query_end(&q);
	return rc;
}

/* What stands beside the store: which incarnation was served, and a change of it. */
struct noted {
	struct uuid incarnation, org;
	int64_t revision; /* 0: none */
};
#define NOTE_MAX 128

static void
note(const struct store *store, const struct noted *noted, bool sync)
{
	char incarnation[UUID_TEXT_LEN + 1], org[UUID_TEXT_LEN + 1], line[NOTE_MAX];
	uuid_format(incarnation, noted->incarnation);
	uuid_format(org, noted->org);
	/* Of one length, so that one always covers the other. */
	snprintf(line, sizeof(line), "%s %s %-20lld\n", incarnation, org,
		(long long)noted->revision);
	store->driver->note(store->place, line, sync);
}

void
history__note(const struct store *store, struct uuid org, int64_t revision)
{
	const struct noted noted = {store->incarnation, org, revision};
	note(store, &noted, false);
}

static bool
recall(struct noted *out, const struct store *store)
{
	char line[NOTE_MAX];
	if (!store->driver->recall(store->place, line, sizeof(line)))
		return false;
	struct str rest = str_from(line);
	struct str incarnation = str_cut(&rest, ' '), org = str_cut(&rest, ' ');
	struct str revision = str_cut(&rest, ' ');
	return uuid_parse(incarnation, &out->incarnation) && uuid_parse(org, &out->org) &&
		str_to_i64(revision, &out->revision);
}

/* Nobody but this process counts on: a revision that was seen is there, or something was lost. */
static enum status
was_served(bool *out, const struct store *store, const struct history *newest, struct tx *tx,
	struct error *err)
{
	struct noted noted;
	struct query q;
	*out = newest->number > 0 && recall(&noted, store) &&
		uuid_eq(noted.incarnation, newest->incarnation);
	if (!*out || noted.revision == 0)
		return OK;
	enum status rc = query_begin(&q, tx, &REVISION, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, noted.org);
	rc = query_next(&q, err);
	*out = rc == OK && q.row && query_int(&q, 0) >= noted.revision;
	query_end(&q);
	return rc;
}

static enum status
settle(struct history *newest, bool *is_new, struct tx *tx, struct error *err)
{
	bool served = false;
	enum status rc = history__load(newest, tx, err);
	if (rc == OK)
		rc = was_served(&served, tx->store, newest, tx, err);
	*is_new = !served;
	if (rc != OK || served)
		return rc;
	rc = history__begin(tx, newest->number, "", err);
	return rc == OK ? history__load(newest, tx, err) : rc;
}

enum status
history__settle(struct store *store, struct connection *c, struct error *err)
{
	const struct driver *d = c->driver;
	struct touches touches = {0};
	struct tx tx = {.store = store, .connection = c, .touches = &touches};
	struct history newest;
	bool is_new = false;
	enum status rc = d->begin(c->native, true, err);
	if (rc != OK)
		return rc;
	rc = settle(&newest, &is_new, &tx, err);
	connection__reset_all(c);
	if (rc == OK && is_new)
		rc = d->commit(c->native, err);
	else
		d->rollback(c->native);
	if (rc != OK)
		return rc;
	store->incarnation = newest.incarnation;
	if (is_new)
		note(store, &(struct noted){.incarnation = store->incarnation}, true);
	if (newest.number > 1 && is_new)
		log_event(LOG_WARN, "store-is-another", LOG_I("incarnation", newest.number));
	return OK;
}
