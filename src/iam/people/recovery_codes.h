#ifndef IAM_RECOVERY_CODES_H
#define IAM_RECOVERY_CODES_H

#include "iam/call.h"

/* Codes on paper, each of which stands in once for a second factor that was lost: 80 random bits,
 * of which the store keeps hashes. */
#define RECOVERY_CODES 10
#define RECOVERY_CODE_LEN 19 /* "abcd-efgh-ijkl-mnop" */
struct recovery_codes {
	char text[RECOVERY_CODES][RECOVERY_CODE_LEN + 1]; /* secret: show once, then wipe */
};

/* New ones instead of any that were there. A change, in a call that is open on the platform. */
enum status recovery_codes_issue(struct recovery_codes *out, struct call *call,
	struct person_id person, struct error *err) MUST_USE;

/* Whether a code proves the person; then it is used up, and recorded in a change of its own. In an
 * event. Blanks, dashes and the case of letters make no difference, nor do digits that look like
 * letters. */
enum status recovery_code_use(bool *accepted, struct call *call, struct person_id person,
	struct str typed, struct error *err) MUST_USE;

#endif
