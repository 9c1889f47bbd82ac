#ifndef IAM_SIGN_OUT_H
#define IAM_SIGN_OUT_H

#include "iam/people/sessions.h"

/*
 * Ends a session of a browser with all that came of it: what clients were given in it, their access
 * tokens included, and tells those that want to be told. Of a person that is in each organisation
 * concerned a change of its own, in one transaction. `call` is what the door has set, not open, and
 * is not open afterwards. ERR_NOT_FOUND "session-not-found": it has ended by itself, or already.
 */
enum status sign_out(struct call *call, struct tx *tx, const struct session *session,
	struct error *err) MUST_USE;

/* The same, at once, of all others of whom the session is: it is kept with all that came of it. */
enum status sign_out_others(
	struct call *call, struct tx *tx, const struct session *kept, struct error *err) MUST_USE;

#endif
