#ifndef IAM_MAILS_H
#define IAM_MAILS_H

#include "iam/call.h"

/*
 * The queue of mails: what is to be sent stands in the store, sealed, in the same transaction as
 * what it tells of. Any node takes what is due, under a lease, and sends it at least once.
 */
#define MAILS_PER_RECIPIENT_HOUR 5
#define MAILS_PER_RECIPIENT_KNOWN_HOUR 10
#define MAILS_PER_RECIPIENT_OPERATOR_HOUR 15
#define MAILS_PER_ORG_HOUR 1000
#define MAILS_TO_STRANGERS_HOUR 300 /* of one organisation, of those */
#define MAILS_OF_PERSONS_HOUR 20000 /* those of the installation itself */
#define MAIL_ATTEMPTS_MAX 12
#define MAIL_CONTENT_MAX ((size_t)16 * 1024)

/* The numbers stand in the store: append only. */
enum mail_state {
	MAIL_WAITS = 1,
	MAIL_DEAD = 2, /* given up, until somebody has it sent again */
	MAIL_SENT = 3, /* without its content; kept as long as it counts */
};

/* What the template is filled with: texts. */
struct mail_field {
	const char *name;
	struct str value;
};

/* Who wants it sent: what strangers ask for leaves room for others. */
enum mail_asker {
	MAIL_FOR_SOMEBODY = 0, /* who is known here, asked for by whoever says so */
	MAIL_FOR_STRANGER, /* who is not: a sign-up */
	MAIL_FOR_KNOWN, /* in a browser in which he has signed in before */
	MAIL_FOR_OPERATOR, /* who may help that person: what others ask for leaves room for it */
};

struct mail_draft {
	const char *template; /* a literal */
	enum mail_asker asker;
	struct str recipient, recipient_normal;
	const struct mail_field *fields;
	size_t field_count;
	int64_t expires_us; /* of no use to anybody later */
};

/* Puts one into the queue of the call's organisation. `queued` false when a limit is reached: then
 * nothing is sent, and what it would have told of should not be there either. */
enum status mail_enqueue(bool *queued, struct call *call, const struct mail_draft *draft,
	struct error *err) MUST_USE;

/* Whether a limit allows one more now. For what is issued only if its mail is sent. */
enum status mail_allowed(bool *allowed, struct call *call, struct str recipient_normal,
	enum mail_asker asker, struct error *err) MUST_USE;

struct mail_due {
	struct mail_id id;
	struct org_id org;
	struct str template, recipient;
	struct str content; /* secret: a JSON object of texts */
	struct str sender; /* the name that its organisation's mail comes from; absent: none */
	int64_t attempts; /* this one included */
	int64_t created_us;
};

/*
 * Takes up to `max` that are due, of every organisation: nobody else gets them for `lease_s`. A
 * mail whose seal is broken or that is too late is given up at once. An event; the call's
 * organisation does not matter.
 */
enum status mail_take(struct mail_due **out, size_t *count, struct call *call, size_t max,
	int64_t lease_s, struct error *err) MUST_USE;
/* Whether there is anything to take. Reads only. */
enum status mail_is_due(bool *due, struct tx *tx, int64_t now_us, struct error *err) MUST_USE;

/* What became of one that was taken. Failed: tried again later, longer and longer, until it is
 * `final` or was tried often enough; `why` is kept for the operator. */
struct mail_result {
	bool sent, final;
	struct str why;
};
enum status mail_settle(struct call *call, const struct mail_due *mail,
	const struct mail_result *result, struct error *err) MUST_USE;

/* How long to wait after so many attempts: from a minute, doubling, to six hours. */
int64_t mail_backoff_s(int64_t attempts);

#endif
