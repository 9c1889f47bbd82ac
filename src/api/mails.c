/* How mail leaves, what waits, and what could not be sent. */
#include "api/list.h"
#include "api/operations.h"
#include "config/config.h"
#include "iam/mails/queue.h"

static enum mail_state
param_state(const struct operation_call *op)
{
	struct str state = param_str(op, "state");

	if (!state.ptr)
		return 0;
	return str_eq(state, STR("dead")) ? MAIL_DEAD : MAIL_WAITS;
}

static struct mail_id
path_mail(const struct operation_call *op)
{
	return (struct mail_id){path_uuid(op, 1)};
}

enum status
api_mail_get(struct operation_call *op, struct error *err)
{
	const struct config *config = op->config;
	struct json_writer *w = &op->out;
	struct mail_counts counts;

	enum status rc = mail_count(&counts, &op->call, err);
	if (rc != OK)
		return rc;
	jw_object(w, NULL);
	jw_z(w, "transport", config->smtp_url ? "smtp" : "folder");
	jw_str(w, "server", str_from(config->smtp_url));
	jw_str(w, "user", str_from(config->smtp_user));
	jw_str(w, "folder", str_from(config->smtp_url ? NULL : config->outbox));
	jw_z(w, "sender", config->mail_from);
	jw_int(w, "waiting", counts.waiting);
	jw_int(w, "dead", counts.dead);
	jw_end_object(w);
	return OK;
}

enum status
api_mail_list(struct operation_call *op, struct error *err)
{
	struct queued_mail *mails;
	size_t count;

	enum status rc = mail_list(&mails, &count, &op->call, param_state(op), &op->page, err);
	if (rc == OK)
		list_write(op, mails, count, sizeof(*mails), queued_mail_write);
	return rc;
}

enum status
api_mail_retry(struct operation_call *op, struct error *err)
{
	return mail_retry(&op->call, path_mail(op), err);
}

enum status
api_mail_delete(struct operation_call *op, struct error *err)
{
	return mail_drop(&op->call, path_mail(op), err);
}
