#ifndef PAGES_TEMPLATES_H
#define PAGES_TEMPLATES_H

#include "html/html.h"

/*
 * The pages, built in from src/pages/templates. Each wants all of its values, whatever they hold:
 *
 * - of every page: `brand`, whose page it is;
 * - of every form but form_post's: `action`, where it goes; `csrf` and `ticket`, hidden fields;
 * - of every page with forms: `error` and `notice`, sentences on top, mostly empty;
 * - `client`: the application that one continues to, empty when there is none;
 * - `email`, `name`: what was typed, or whose page it is;
 * - `back`, `next` with `next_name`: links; an empty `next` is left out;
 * - `passkey_options`: for navigator.credentials, JSON; empty where no passkey is of use. The
 * answer comes in the field `passkey`, with `with=passkey`.
 *
 * What is marked [] is a list, what is marked ? a flag, the others are texts. After the arrow, the
 * fields that the page sends.
 */
extern const struct html_template *const page_templates[];
extern const size_t page_template_count;

/* client; by_email? with passwords? links? or both; others?, when there are providers[link name];
 * passkey_options; sign_up, a link or empty
 * → email with=password|link; with=passkey passkey */
extern const struct html_template page_sign_in;
/* email back reset; links?, link_action → email password; email with=link */
extern const struct html_template page_password;
/* email minutes back; one of for_sign_in? for_reset? for_sign_up? */
extern const struct html_template page_link_sent;
/* email client; elsewhere?, in another browser than where it was asked for → decision=sign_in */
extern const struct html_template page_link_confirm;
/* email back totp? passkey_options recovery? recovery_open?
 * → with=totp code; with=passkey passkey; with=recovery recovery_code */
extern const struct html_template page_second_factor;
/* client organisation email back redirect_host scope any_scope? scopes[name description]
 * → decision=allow|deny scope */
extern const struct html_template page_consent;
/* client organisations[id name] → organisation */
extern const struct html_template page_select_organisation;
/* client accounts[id name email] → account=ID|other */
extern const struct html_template page_select_account;
/* organisation name email others? providers[link name] sign_in, a link → name email */
extern const struct html_template page_sign_up;
/* email sign_in, a link → email */
extern const struct html_template page_reset_request;
/* email password_least → email new_password */
extern const struct html_template page_reset_password;
/* organisation inviter signing_up? email any_role? roles[name] new_account? name
 * password_least → decision=accept|decline name new_password */
extern const struct html_template page_invitation;
/* email client → decision=sign_out|stay */
extern const struct html_template page_sign_out;
/* email account, sign_out, links; no form */
extern const struct html_template page_signed_in;
/* next next_name */
extern const struct html_template page_signed_out;
/* heading text code request_id next next_name; no form */
extern const struct html_template page_error;
/* client fields[name value] target, a link by HTML_U; response_mode=form_post */
extern const struct html_template page_form_post;
/* name email; sessions_action other_sessions? sessions[id what address since used current?];
 * clients_action any_client? clients[id name organisation scope given]; person?, and of that:
 * password_action has_password? password_least; totp_action totp? second? recovery_left;
 * passkeys_possible?; passkeys_action passkeys[id name created used]; passkey_options, or
 * passkey_later?
 * → session=ID|others; withdraw=ID; email password new_password;
 * decision=set_up|turn_off|recovery_codes|add; remove=ID; rename=ID name; passkey name */
extern const struct html_template page_account;
/* secret qr, the path of an SVG in qr_box, or empty; back → code */
extern const struct html_template page_totp_set_up;
/* codes[code] back */
extern const struct html_template page_recovery_codes;

#endif
