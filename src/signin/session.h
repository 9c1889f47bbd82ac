#ifndef SIGNIN_SESSION_H
#define SIGNIN_SESSION_H

#include "iam/people/persons.h"
#include "iam/people/sessions.h"

/* Which sessions were used since it was last written down, in memory: bounded, and what does not
 * fit is lost until the next use. Threads: any. */
struct session_uses; /* owned */

enum status session_uses_new(struct session_uses **out, struct error *err) MUST_USE;
void session_uses_free(struct session_uses **uses);

/* Notes a use, unless one was written down less than SESSION_TOUCH_US ago. `uses` may be NULL. */
void session_used(struct session_uses *uses, const struct session *session, int64_t now_us);

#define SESSION_USES_MAX 256
size_t session_uses_take(struct session_uses *uses, struct session_use out[SESSION_USES_MAX]);

/* Whether a person's session opens this organisation: one that began by an organisation's own
 * provider opens that alone. */
bool session_opens(const struct session *session, const struct membership *m);

/* Who a person acts as in the organisation asked for (nil: in any): NULL unless there is one member
 * alone that the session opens. `count` in: of `all`; out: how many those are. */
const struct membership *session_member(const struct session *session, const struct membership *all,
	size_t *count, struct org_id asked);

#endif
