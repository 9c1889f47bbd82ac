#include "iam/mails/queue.h"

#include "iam/rows.h"

#define MAIL_COLUMNS                                                                               \
	" mail, state, template, recipient, error, attempts, created_us, next_us, expires_us "

static const struct sql MAIL_LIST =
	SQL("SELECT" MAIL_COLUMNS "FROM mails WHERE org = $1 AND mail > $2 AND recipient >= $3"
	    " AND recipient < $4 AND (state = $6 OR (state <> 3 AND $6 IS NULL))"
	    " ORDER BY mail LIMIT $5");
static const struct sql MAIL_SELECT =
	SQL("SELECT" MAIL_COLUMNS "FROM mails WHERE org = $1 AND mail = $2 AND state <> 3");
static const struct sql MAIL_NOW = SQL("UPDATE mails SET state = $4, attempts = $5, next_us = $3"
				       " WHERE org = $1 AND mail = $2 AND state < 3");
static const struct sql MAIL_DELETE = SQL("DELETE FROM mails WHERE org = $1 AND mail = $2");
/* Of every organisation: an operator looks whether mail leaves at all. */
static const struct sql MAIL_COUNT =
	SQL("SELECT COUNT(CASE WHEN state = 1 THEN 1 END), COUNT(CASE WHEN state = 2 THEN 1 END)"
	    " FROM mails WHERE state < 3");

static enum status
mail_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct queued_mail *mail = element;

	(void)err;
	*mail = (struct queued_mail){
		.id = {query_uuid(q, 0)},
		.state = (enum mail_state)query_int(q, 1),
		.template = iam__text(q, 2, call),
		.recipient = iam__text(q, 3, call),
		.error = iam__text(q, 4, call),
		.attempts = query_int(q, 5),
		.created_us = query_int(q, 6),
		.next_us = query_int(q, 7),
		.expires_us = query_int(q, 8),
	};
	return OK;
}

static void
write_members(struct json_writer *w, const struct queued_mail *mail)
{
	jw_z(w, "state", mail->state == MAIL_DEAD ? "dead" : "waiting");
	jw_str(w, "template", mail->template);
	jw_int(w, "attempts", mail->attempts);
	jw_str(w, "error", mail->error);
	jw_time(w, "created_at", mail->created_us);
	jw_time(w, "next_at", mail->next_us);
	jw_time(w, "expires_at", mail->expires_us);
}

void
queued_mail_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct queued_mail *mail = entity;

	jw_object(w, name);
	jw_uuid(w, "id", mail->id.id);
	jw_str(w, "recipient", mail->recipient);
	write_members(w, mail);
	jw_end_object(w);
}

/* Without whom it was for, and what the mail server said of that. */
static void
write_record(struct json_writer *w, const char *name, const void *entity)
{
	struct queued_mail mail = *(const struct queued_mail *)entity;

	mail.error = STR("");
	jw_object(w, name);
	write_members(w, &mail);
	jw_end_object(w);
}

static void
bind_state(struct query *q, const void *opaque)
{
	const enum mail_state *state = opaque;

	query_bind_int_or_null(q, 6, *state);
}

enum status
mail_list(struct queued_mail **out, size_t *count, struct call *call, enum mail_state state,
	struct page *page, struct error *err)
{
	const struct listing listing = {.sql = &MAIL_LIST,
		.size = sizeof(struct queued_mail),
		.read = mail_read,
		.bind = bind_state,
		.filter = &state};

	return iam__list((void **)out, count, call, page, &listing, err);
}

static enum status
load(struct queued_mail *out, struct call *call, struct mail_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &MAIL_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "mail-not-found", "There is no such mail.");
	if (rc == OK)
		rc = mail_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

enum status
mail_retry(struct call *call, struct mail_id id, struct error *err)
{
	struct queued_mail before;
	struct query q;

	enum status rc = load(&before, call, id, err);
	if (rc == OK && before.expires_us <= call->now_us)
		rc = error_set(err, ERR_CONFLICT, "mail-expired",
			"What this mail offered is over: let another be sent, as by inviting "
			"again.");
	if (rc != OK)
		return rc;
	struct queued_mail after = before;
	after.next_us = call->now_us;
	if (before.state == MAIL_DEAD) {
		after.state = MAIL_WAITS;
		after.attempts = 0;
	}
	rc = iam__query(&q, call, &MAIL_NOW, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, after.next_us);
	query_bind_int(&q, 4, after.state);
	query_bind_int(&q, 5, after.attempts);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		rc = iam__record(call, "mails.update", "mail", id.id,
			VERSIONS(call_json(call, write_record, &before),
				call_json(call, write_record, &after)),
			err);
	return rc;
}

enum status
mail_drop(struct call *call, struct mail_id id, struct error *err)
{
	struct queued_mail before;

	enum status rc = load(&before, call, id, err);
	if (rc == OK)
		rc = iam__run(call, &MAIL_DELETE, id.id, err);
	if (rc == OK)
		rc = iam__record(call, "mails.delete", "mail", id.id,
			VERSIONS(call_json(call, write_record, &before), NOTHING), err);
	return rc;
}

enum status
mail_count(struct mail_counts *out, struct call *call, struct error *err)
{
	struct query q;

	*out = (struct mail_counts){0};
	enum status rc = query_begin(&q, call->tx, &MAIL_COUNT, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = (struct mail_counts){query_int(&q, 0), query_int(&q, 1)};
	query_end(&q);
	return rc;
}
