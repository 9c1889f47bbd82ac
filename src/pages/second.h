#ifndef PAGES_SECOND_H
#define PAGES_SECOND_H

#include "pages/visit.h"
#include "signin/second_factor.h"

/* Between the steps of a sign-in, and for passkeys: all of this browser, now. */
struct first_factor_seal visit_first_seal(const struct visit *v);
struct passkey_ceremony visit_ceremony(const struct visit *v, enum passkey_purpose purpose);

/* passkey_alone.c: signing in by a passkey and nothing else. The options for the page, "" where
 * there can be no passkeys; and the form that came. `refused` shows the page again, with v->error.
 */
enum status passkey_alone_options(struct str *out, struct visit *v, struct error *err) MUST_USE;
void passkey_alone_act(struct visit *v, visit_step *refused);

#endif
