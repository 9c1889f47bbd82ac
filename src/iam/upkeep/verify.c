#include "iam/upkeep/verify.h"

#include <string.h>

#include "iam/chain.h"
#include "iam/upkeep/verify_rules.h"

static const struct sql CHAIN_END = SQL("SELECT revision, head FROM orgs WHERE org = $1");
static const struct sql CHAIN_RECORDS =
	SQL("SELECT revision, part, time_us, actor, actor_kind, actor_org, credential, address,"
	    " action, subject_kind, subject, salt, body, digest, hash FROM records WHERE org = $1"
	    " AND (revision, part) > ($2, $3) ORDER BY revision, part LIMIT $4");
/* Means every organisation. */
static const struct sql ORGS = SQL("SELECT org FROM orgs WHERE org > $1 ORDER BY org LIMIT $2");

/* An engine may fetch all the rows of a statement at once. */
#define RECORDS_PER_PAGE 200
#define ORGS_PER_PAGE 200

static enum status
load_end(struct chain_report *report, uint8_t head[SHA256_LEN], struct tx *tx, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, tx, &CHAIN_END, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, report->org.id);
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	if (rc == OK) {
		struct str stored = query_bytes(&q, 1);
		report->revision = query_int(&q, 0);
		if (stored.len == SHA256_LEN)
			memcpy(head, stored.ptr, SHA256_LEN);
		else
			report->broken = "the organisation names no head";
	}
	query_end(&q);
	return rc;
}

static bool
is_hash(struct str stored, const uint8_t hash[SHA256_LEN])
{
	return stored.len == SHA256_LEN && memcmp(stored.ptr, hash, SHA256_LEN) == 0;
}

/* A body that was erased took its salt with it; its digest still links the chain. */
static const char *
check_body(const struct query *q, uint8_t digest[SHA256_LEN])
{
	struct str salt = query_bytes(q, 11);
	struct str stored = query_bytes(q, 13);

	if (stored.len != SHA256_LEN)
		return "it has no digest";
	memcpy(digest, stored.ptr, SHA256_LEN);
	if (query_is_null(q, 12))
		return NULL;
	uint8_t computed[SHA256_LEN];
	if (salt.len != RECORD_SALT_LEN)
		return "it has no salt";
	record_digest(computed, (const uint8_t *)salt.ptr, query_str(q, 12));
	return memcmp(computed, digest, SHA256_LEN) == 0 ? NULL : "its content was changed";
}

/* What is wrong with the record at hand, or NULL; `hash` goes from the previous to its own. */
static const char *
check_record(const struct query *q, struct org_id org, uint8_t hash[SHA256_LEN])
{
	const struct record_facts facts = {
		.org = org,
		.revision = query_int(q, 0),
		.part = query_int(q, 1),
		.time_us = query_int(q, 2),
		.actor = query_uuid(q, 3),
		.actor_kind = query_int(q, 4),
		.actor_org = query_uuid(q, 5),
		.credential = query_uuid(q, 6),
		.address = query_str(q, 7),
		.action = query_str(q, 8),
		.subject_kind = query_str(q, 9),
		.subject = query_str(q, 10),
	};
	uint8_t digest[SHA256_LEN], computed[SHA256_LEN];

	const char *broken = check_body(q, digest);
	if (broken)
		return broken;
	record_hash(computed, hash, &facts, digest);
	memcpy(hash, computed, SHA256_LEN);
	return is_hash(query_bytes(q, 14), computed) ? NULL : "its hash does not follow";
}

static void
break_at(struct chain_report *report, const char *why, int64_t revision, int64_t part)
{
	report->broken = why;
	report->broken_revision = revision;
	report->broken_part = part;
}

/* On its way along one chain. */
struct walk {
	struct chain_report *report;
	uint8_t hash[SHA256_LEN]; /* of the last record that holds */
	int64_t revision, part; /* of that record */
};

/* Revisions run from 1 without a gap, the parts of each from 0. */
static void
step(struct walk *w, const struct query *q)
{
	int64_t at = query_int(q, 0), at_part = query_int(q, 1);
	bool next_part = at == w->revision && at_part == w->part + 1 && w->revision > 0;
	bool next_revision = at == w->revision + 1 && at_part == 0;
	const char *broken = next_part || next_revision ? check_record(q, w->report->org, w->hash)
							: "a record before it is missing";
	if (broken) {
		break_at(w->report, broken, at, at_part);
		return;
	}
	w->revision = at;
	w->part = at_part;
	w->report->records++;
	w->report->erased += query_is_null(q, 12);
}

/* Everything after the last record that holds; before the first, whatever there is. */
static enum status
walk_page(struct walk *w, int *count, struct tx *tx, struct error *err)
{
	struct query q;

	*count = 0;
	enum status rc = query_begin(&q, tx, &CHAIN_RECORDS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, w->report->org.id);
	query_bind_int(&q, 2, w->report->records > 0 ? w->revision : INT64_MIN);
	query_bind_int(&q, 3, w->part);
	query_bind_int(&q, 4, RECORDS_PER_PAGE);
	while (!w->report->broken && (rc = query_next(&q, err)) == OK && q.row) {
		step(w, &q);
		++*count;
	}
	query_end(&q);
	return rc;
}

static enum status
walk_all(struct walk *w, struct tx *tx, struct error *err)
{
	int count = RECORDS_PER_PAGE;
	enum status rc = OK;

	while (rc == OK && !w->report->broken && count == RECORDS_PER_PAGE)
		rc = walk_page(w, &count, tx, err);
	return rc;
}

enum status
chain_verify(struct chain_report *out, struct tx *tx, struct org_id org, struct error *err)
{
	uint8_t head[SHA256_LEN] = {0};
	struct walk w = {.report = out};

	*out = (struct chain_report){.org = org};
	enum status rc = load_end(out, head, tx, err);
	if (rc == OK && !out->broken)
		rc = walk_all(&w, tx, err);
	if (rc != OK || out->broken)
		return rc;
	if (w.revision != out->revision)
		break_at(out, "the newest records are missing", w.revision + 1, 0);
	else if (memcmp(w.hash, head, SHA256_LEN) != 0)
		break_at(out, "the newest record is not the organisation's head", w.revision, 0);
	return OK;
}

/* The organisations after the last of the page before; at first all, the platform among them. */
struct org_page {
	struct org_id ids[ORGS_PER_PAGE];
	size_t count;
};

static enum status
next_orgs(struct org_page *page, bool first, struct tx *tx, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, tx, &ORGS, err);
	if (rc != OK)
		return rc;
	if (first)
		query_bind_bytes(&q, 1, "", 0);
	else
		query_bind_uuid(&q, 1, page->ids[page->count - 1].id);
	query_bind_int(&q, 2, ORGS_PER_PAGE);
	page->count = 0;
	while ((rc = query_next(&q, err)) == OK && q.row)
		page->ids[page->count++] = (struct org_id){query_uuid(&q, 0)};
	query_end(&q);
	return rc;
}

static enum status
verify_chains(
	bool *sound, struct tx *tx, const struct store_verify_listener *listener, struct error *err)
{
	struct org_page page;

	enum status rc = next_orgs(&page, true, tx, err);
	while (rc == OK && page.count > 0) {
		for (size_t i = 0; i < page.count; i++) {
			struct chain_report report;
			rc = chain_verify(&report, tx, page.ids[i], err);
			if (rc != OK)
				return rc;
			*sound = *sound && !report.broken;
			listener->chain(listener->context, &report);
		}
		rc = next_orgs(&page, false, tx, err);
	}
	return rc;
}

enum status
store_verify(
	bool *sound, struct tx *tx, const struct store_verify_listener *listener, struct error *err)
{
	*sound = true;
	enum status rc = verify_chains(sound, tx, listener, err);
	if (rc == OK)
		rc = verify__invariants(sound, tx, listener, err);
	if (rc == OK)
		rc = verify__forms(sound, tx, listener, err);
	return rc;
}
