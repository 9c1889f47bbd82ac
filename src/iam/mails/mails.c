#include "iam/mails/mails.h"

#include "base/clock.h"
#include "iam/rows.h"
#include "iam/upkeep/seals.h"

#define HOUR_US (3600 * US_PER_S)
#define DEAD_KEPT_US (30 * 24 * HOUR_US)
#define WHY_MAX 400

static const struct sql MAIL_INSERT =
	SQL("INSERT INTO mails (org, mail, state, template, recipient, recipient_normal, content,"
	    " attempts, next_us, error, created_us, expires_us)"
	    " VALUES ($1, $2, 1, $3, $4, $5, $6, 0, $7, '', $7, $8)");
static const struct sql MAIL_COUNT_RECIPIENT =
	SQL("SELECT COUNT(*) FROM mails WHERE org = $1 AND recipient_normal = $2"
	    " AND created_us > $3");
static const struct sql MAIL_COUNT_ORG =
	SQL("SELECT COUNT(*) FROM (SELECT 1 FROM mails WHERE org = $1 AND created_us > $2"
	    " LIMIT $3) counted");
static const struct sql MAIL_COUNT_STRANGERS =
	SQL("SELECT COUNT(*) FROM (SELECT 1 FROM mails WHERE org = $1 AND created_us > $2"
	    " AND template = 'sign_up' LIMIT $3) counted");
/* Of every organisation: what is due, is due. */
static const struct sql MAIL_DUE =
	SQL("SELECT m.org, m.mail, m.template, m.recipient, m.content, m.attempts, m.created_us,"
	    " m.expires_us, m.next_us, o.mail_sender FROM mails m LEFT JOIN orgs o ON o.org = m.org"
	    " WHERE m.state = 1 AND m.next_us <= $1 ORDER BY m.next_us LIMIT $2");
/* Of every organisation likewise. */
static const struct sql MAIL_ANY_DUE =
	SQL("SELECT 1 FROM mails WHERE state = 1 AND next_us <= $1 LIMIT 1");
static const struct sql MAIL_LEASE =
	SQL("UPDATE mails SET next_us = $4, attempts = attempts + 1"
	    " WHERE org = $1 AND mail = $2 AND state = 1 AND next_us = $3");
static const struct sql MAIL_RETRY =
	SQL("UPDATE mails SET next_us = $3, error = $4 WHERE org = $1 AND mail = $2 AND state = 1");
static const struct sql MAIL_GIVE_UP = SQL("UPDATE mails SET state = 2, next_us = $3, error = $4"
					   " WHERE org = $1 AND mail = $2 AND state = 1");
static const struct sql MAIL_SENT_OFF =
	SQL("UPDATE mails SET state = 3, next_us = $3, error = $4, content = $5"
	    " WHERE org = $1 AND mail = $2 AND state = 1");

/* The seal holds for this row alone. */
static struct str
name_row(struct seal_name *name, struct org_id org, struct mail_id id)
{
	const struct str keys[] = {SEAL_KEY(org.id), SEAL_KEY(id.id)};

	return seal_name_texts(name, "mails", keys, ARRAY_LEN(keys));
}

static enum status
count_recipient(int64_t *out, struct call *call, struct str recipient, struct error *err)
{
	struct query q;

	*out = 0;
	enum status rc = iam__query(&q, call, &MAIL_COUNT_RECIPIENT, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, recipient);
	query_bind_int(&q, 3, call->now_us - HOUR_US);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = query_int(&q, 0);
	query_end(&q);
	return rc;
}

static enum status
count_org(int64_t *out, struct call *call, const struct sql *sql, int64_t limit, struct error *err)
{
	struct query q;

	*out = 0;
	enum status rc = iam__query(&q, call, sql, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, call->now_us - HOUR_US);
	query_bind_int(&q, 3, limit);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = query_int(&q, 0);
	query_end(&q);
	return rc;
}

/* Of all that one recipient is sent: whoever is better known has a share that others cannot use. */
static int64_t
most_to_one(enum mail_asker asker)
{
	switch (asker) {
	case MAIL_FOR_SOMEBODY:
	case MAIL_FOR_STRANGER:
		return MAILS_PER_RECIPIENT_HOUR;
	case MAIL_FOR_KNOWN:
		return MAILS_PER_RECIPIENT_KNOWN_HOUR;
	case MAIL_FOR_OPERATOR:
		return MAILS_PER_RECIPIENT_OPERATOR_HOUR;
	}
	return 0;
}

enum status
mail_allowed(bool *allowed, struct call *call, struct str recipient_normal, enum mail_asker asker,
	struct error *err)
{
	bool persons = org_is_platform(call->chain.org);
	int64_t limit = persons ? MAILS_OF_PERSONS_HOUR : MAILS_PER_ORG_HOUR, count;

	*allowed = false;
	enum status rc = count_recipient(&count, call, recipient_normal, err);
	if (rc != OK || count >= most_to_one(asker))
		return rc;
	rc = count_org(&count, call, &MAIL_COUNT_ORG, limit, err);
	*allowed = rc == OK && count < limit;
	if (!*allowed || asker != MAIL_FOR_STRANGER)
		return rc;
	rc = count_org(&count, call, &MAIL_COUNT_STRANGERS, MAILS_TO_STRANGERS_HOUR, err);
	*allowed = rc == OK && count < MAILS_TO_STRANGERS_HOUR;
	return rc;
}

static enum status
insert(struct call *call, struct mail_id id, const struct mail_draft *draft, struct str sealed,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &MAIL_INSERT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, str_from(draft->template));
	query_bind_str(&q, 4, draft->recipient);
	query_bind_str(&q, 5, draft->recipient_normal);
	query_bind_bytes(&q, 6, sealed.ptr, sealed.len);
	query_bind_int(&q, 7, call->now_us);
	query_bind_int(&q, 8, draft->expires_us);
	return query_run(&q, NULL, err);
}

static void
write_content(struct buf *out, const struct mail_draft *draft)
{
	struct json_writer w;

	jw_init(&w, out);
	jw_object(&w, NULL);
	for (size_t i = 0; i < draft->field_count; i++)
		jw_str(&w, draft->fields[i].name, draft->fields[i].value);
	jw_end_object(&w);
}

static enum status
seal_content(struct buf *out, struct call *call, struct mail_id id, const struct mail_draft *draft,
	struct error *err)
{
	struct seal_name name;
	struct buf plain;

	buf_init(&plain, MAIL_CONTENT_MAX);
	write_content(&plain, draft);
	enum status rc = plain.failed
		? error_set(err, ERR_TOO_LARGE, "mail-too-large", "The mail is too large.")
		: keyring_seal(call->keyring, out, buf_view(&plain),
			  name_row(&name, call->chain.org, id), err);
	if (plain.ptr)
		crypto_wipe(plain.ptr, plain.cap);
	buf_clear(&plain);
	return rc;
}

enum status
mail_enqueue(bool *queued, struct call *call, const struct mail_draft *draft, struct error *err)
{
	struct mail_id id = {uuid_new()};
	struct buf sealed;

	enum status rc = mail_allowed(queued, call, draft->recipient_normal, draft->asker, err);
	if (rc != OK || !*queued)
		return rc;
	buf_init(&sealed, MAIL_CONTENT_MAX + KEYRING_SEAL_OVERHEAD);
	rc = seal_content(&sealed, call, id, draft, err);
	if (rc == OK)
		rc = insert(call, id, draft, buf_view(&sealed), err);
	buf_clear(&sealed);
	return rc;
}

enum status
mail_is_due(bool *due, struct tx *tx, int64_t now_us, struct error *err)
{
	return iam__find_due(due, tx, &MAIL_ANY_DUE, now_us, err);
}

/* As it stands in its row. */
struct waiting {
	struct mail_due mail;
	struct str sealed;
	int64_t expires_us, next_us;
};

static enum status
list_due(struct waiting *out, size_t *count, struct call *call, size_t max, struct error *err)
{
	struct query q;
	bool whole = true;

	*count = 0;
	enum status rc = query_begin(&q, call->tx, &MAIL_DUE, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, call->now_us);
	query_bind_int(&q, 2, (int64_t)max);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < max) {
		struct waiting *w = &out[(*count)++];
		*w = (struct waiting){
			.mail = {.org = {query_uuid(&q, 0)},
				.id = {query_uuid(&q, 1)},
				.template = iam__text(&q, 2, call),
				.recipient = iam__text(&q, 3, call),
				.sender = iam__text(&q, 9, call),
				.attempts = query_int(&q, 5) + 1,
				.created_us = query_int(&q, 6)},
			.sealed = arena_copy(call->arena, query_bytes(&q, 4)),
			.expires_us = query_int(&q, 7),
			.next_us = query_int(&q, 8),
		};
		whole = whole && w->mail.template.ptr && w->mail.recipient.ptr && w->sealed.ptr;
	}
	query_end(&q);
	return rc == OK && !whole ? error_no_memory(err) : rc;
}

static enum status
lease(bool *taken, struct call *call, const struct waiting *w, int64_t until_us, struct error *err)
{
	struct query q;
	int64_t changed = 0;

	enum status rc = query_begin(&q, call->tx, &MAIL_LEASE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, w->mail.org.id);
	query_bind_uuid(&q, 2, w->mail.id.id);
	query_bind_int(&q, 3, w->next_us);
	query_bind_int(&q, 4, until_us);
	rc = query_run(&q, &changed, err);
	*taken = changed == 1;
	return rc;
}

/* ERR_CORRUPT: never to be opened. Whatever else is in the way passes. */
static enum status
open_content(struct str *out, struct call *call, const struct waiting *w, struct error *err)
{
	struct seal_name name;
	struct buf plain;

	buf_init(&plain, w->sealed.len);
	enum status rc = keyring_open(
		call->keyring, &plain, w->sealed, name_row(&name, w->mail.org, w->mail.id), err);
	if (rc == OK)
		*out = arena_copy(call->arena, buf_view(&plain));
	if (rc == OK && !out->ptr)
		rc = error_no_memory(err);
	if (plain.ptr)
		crypto_wipe(plain.ptr, plain.cap);
	buf_clear(&plain);
	return rc;
}

static enum status
give_up(struct call *call, const struct mail_due *mail, const char *why, struct error *err)
{
	const struct mail_result dead = {.final = true, .why = str_from(why)};

	return mail_settle(call, mail, &dead, err);
}

/* `ready`: it can be sent. */
static enum status
prepare(bool *ready, struct call *call, struct waiting *w, struct error *err)
{
	struct error why = {0};

	*ready = false;
	if (w->expires_us <= call->now_us)
		return give_up(call, &w->mail, "It could not be sent in time.", err);
	enum status rc = open_content(&w->mail.content, call, w, &why);
	*ready = rc == OK;
	if (rc == ERR_CORRUPT)
		return give_up(call, &w->mail, "Its content cannot be opened.", err);
	if (rc != OK)
		*err = why;
	return rc;
}

enum status
mail_take(struct mail_due **out, size_t *count, struct call *call, size_t max, int64_t lease_s,
	struct error *err)
{
	size_t due = 0;

	*count = 0;
	*out = arena_new_array(call->arena, struct mail_due, max);
	struct waiting *waiting = arena_new_array(call->arena, struct waiting, max);
	if (!*out || !waiting)
		return error_no_memory(err);
	enum status rc = list_due(waiting, &due, call, max, err);
	for (size_t i = 0; rc == OK && i < due; i++) {
		struct waiting *w = &waiting[i];
		bool taken, ready = false;
		rc = lease(&taken, call, w, call->now_us + lease_s * US_PER_S, err);
		if (rc == OK && taken)
			rc = prepare(&ready, call, w, err);
		if (rc == OK && ready)
			(*out)[(*count)++] = w->mail;
	}
	return rc;
}

int64_t
mail_backoff_s(int64_t attempts)
{
	enum { LEAST_S = 60, MOST_S = 6 * 3600 };
	int64_t wait_s = LEAST_S;

	for (int64_t i = 1; i < attempts && wait_s < MOST_S; i++)
		wait_s *= 2;
	return wait_s < MOST_S ? wait_s : MOST_S;
}

enum status
mail_settle(struct call *call, const struct mail_due *mail, const struct mail_result *result,
	struct error *err)
{
	bool dead = !result->sent && (result->final || mail->attempts >= MAIL_ATTEMPTS_MAX);
	const struct sql *sql = result->sent ? &MAIL_SENT_OFF : dead ? &MAIL_GIVE_UP : &MAIL_RETRY;
	int64_t next_us = call->now_us + mail_backoff_s(mail->attempts) * US_PER_S;
	struct query q;

	if (result->sent)
		next_us = mail->created_us + HOUR_US;
	else if (dead)
		next_us = call->now_us + DEAD_KEPT_US;
	enum status rc = query_begin(&q, call->tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, mail->org.id);
	query_bind_uuid(&q, 2, mail->id.id);
	query_bind_int(&q, 3, next_us);
	query_bind_str(&q, 4, str_utf8_head(result->why, WHY_MAX));
	if (result->sent)
		query_bind_bytes(&q, 5, "", 0);
	return query_run(&q, NULL, err);
}
