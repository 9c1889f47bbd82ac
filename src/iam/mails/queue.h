#ifndef IAM_MAIL_QUEUE_H
#define IAM_MAIL_QUEUE_H

#include "iam/mails/mails.h"

/* The queue of mails as an administrator sees it: what waits, and what could not be sent. What a
 * mail says is never shown: it holds links that let somebody in. */
struct queued_mail {
	struct mail_id id;
	enum mail_state state; /* WAITS or DEAD */
	struct str template, recipient, error;
	int64_t attempts, created_us;
	int64_t next_us; /* of one that waits: when it is tried again; of a dead one: when it goes
			  */
	int64_t expires_us; /* of no use later */
};

/* Of the call's organisation; 0: both states. page->search: of recipients. */
enum status mail_list(struct queued_mail **out, size_t *count, struct call *call,
	enum mail_state state, struct page *page, struct error *err) MUST_USE;
/* Tries one at once: that waits, or that was given up, which begins anew. ERR_NOT_FOUND
 * "mail-not-found"; ERR_CONFLICT "mail-expired": its link has, so another has to be sent. */
enum status mail_retry(struct call *call, struct mail_id id, struct error *err) MUST_USE;
enum status mail_drop(struct call *call, struct mail_id id, struct error *err) MUST_USE;

/* Of every organisation together. */
struct mail_counts {
	int64_t waiting, dead;
};
enum status mail_count(struct mail_counts *out, struct call *call, struct error *err) MUST_USE;

void queued_mail_write(struct json_writer *w, const char *name, const void *mail);

#endif
