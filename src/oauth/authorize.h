#ifndef OAUTH_AUTHORIZE_H
#define OAUTH_AUTHORIZE_H

#include "oauth/authorize_decide.h"
#include "oauth/exchange.h"

/*
 * The authorization endpoint (RFC 6749 section 4.1, OpenID Connect Core section 3.1). Nothing is
 * kept between requests: what was accepted goes with the browser as a ticket (signin/ticket.h).
 */

/* One request on its way, x->state. What is set lasts from run to run. */
struct authorization {
	struct exchange *exchange;
	bool ready; /* the ticket is of a good request */
	struct ticket ticket;
	struct org_id session_org; /* the issuer's */
	bool looked;
	struct authorize_who who; /* after looking */
	struct secret_text code; /* secret; empty until it was issued */

	/* Found anew in each run. */
	const struct client_view *client;
};

/* The client of this issuer, active; NULL, also while something is missed. */
const struct client_view *authorize__find_client(struct exchange *x, struct principal_id id);

/* Who is signed in here: wants a reading first, and answers with any error until it was made. */
enum status authorize__look(struct authorization *a, struct error *err) MUST_USE;

/* What would be allowed now to who acts, into the arena. ERR_BUSY while something is missed. */
enum status authorize__scope(struct str *out, struct authorization *a, struct error *err) MUST_USE;

/* Wants the code to be issued, which is in a->code afterwards. */
enum status authorize__issue(struct authorization *a, struct error *err) MUST_USE;

/* Answers: the client is told the code, or the error; the browser is sent on to a page below the
 * issuer, with the ticket; the user is told an error, with a link to go on to the client. */
void authorize__answer_code(struct authorization *a);
void authorize__answer_error(
	struct exchange *x, const struct error *err, const char *code, unsigned status);
enum status authorize__answer_step(
	struct authorization *a, enum authorize_step step, struct error *err) MUST_USE;
enum status authorize__answer_resume(struct authorization *a, struct error *err) MUST_USE;
void authorize__answer_nowhere(struct authorization *a);

#endif
