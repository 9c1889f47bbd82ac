#ifndef PAGES_ROUTES_H
#define PAGES_ROUTES_H

#include "pages/visit.h"

/* What stands behind each path: `_load` in the transaction, `_show` for GET, `_act` for POST. Each
 * in the file that it is called after. */

/* sign_in.c: who, and by what */
enum status sign_in_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void sign_in_show(struct visit *v);
void sign_in_act(struct visit *v);
void sign_in_sent(struct visit *v);
void signed_in_show(struct visit *v);

/* password.c: the password of who was named */
void password_show(struct visit *v);
void password_act(struct visit *v);

/* second.c: the second step of persons who have a second factor */
enum status second_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void second_show(struct visit *v);
void second_act(struct visit *v);

/* provider.c: an external provider: off to it, and back */
enum status provider_away_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void provider_away_show(struct visit *v);
enum status provider_back_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void provider_back_show(struct visit *v);

/* Those of an organisation (nil: none), as links for a page of ways to sign in. */
struct provider_links {
	struct provider *providers;
	size_t count;
};
enum status provider_links_load(struct provider_links *out, struct call *call, struct org_id org,
	struct error *err) MUST_USE;
struct html_value provider_links_show(struct visit *v, const struct provider_links *links);

/* link.c: what a link in a mail opens */
enum status link_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void link_show(struct visit *v);
void link_act(struct visit *v);

/* select.c: of several accounts or organisations, one */
enum status select_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void select_account_show(struct visit *v);
void select_account_act(struct visit *v);
void select_organisation_show(struct visit *v);
void select_organisation_act(struct visit *v);

/* sign_up.c: joining an organisation on one's own */
enum status sign_up_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void sign_up_show(struct visit *v);
void sign_up_act(struct visit *v);

/* join.c: the last step of who was invited, or signs up */
enum status invitation_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
enum status sign_up_link_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void join_show(struct visit *v);
void join_act(struct visit *v);

/* reset.c: a password forgotten */
void reset_show(struct visit *v);
void reset_act(struct visit *v);
enum status reset_link_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void reset_link_show(struct visit *v);
void reset_link_act(struct visit *v);

/* consent.c: what a client may have */
enum status consent_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void consent_show(struct visit *v);
void consent_act(struct visit *v);

/* sign_out.c */
void sign_out_show(struct visit *v);
void sign_out_act(struct visit *v);
void signed_out_show(struct visit *v);

/* account.c: one's own */
enum status account_load(struct visit *v, struct call *call, struct error *err) MUST_USE;
void account_show(struct visit *v);
void account_sessions_act(struct visit *v);
void account_password_act(struct visit *v);

/* clients.c: whom one has allowed what */
void account_clients_act(struct visit *v);

/* totp.c, passkeys.c: one's second factors; both load as account.c does */
void totp_show(struct visit *v);
void totp_act(struct visit *v);
void passkeys_act(struct visit *v);

#endif
