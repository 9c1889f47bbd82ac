#ifndef OAUTH_AUTHORIZE_REQUEST_H
#define OAUTH_AUTHORIZE_REQUEST_H

#include "directory/oauth_views.h"
#include "http/form.h"
#include "signin/ticket.h"

/*
 * The parameters of an authorization request (RFC 6749 section 4.1.1, RFC 7636, RFC 8707, OpenID
 * Connect Core section 3.1.2.1), in three steps after which errors are told in different ways: none
 * of them is redirected before the first two have gone well. Pure: any bytes, any thread. What is
 * read is borrowed from the form, or in `arena`.
 *
 * A parameter without a value counts as left out, an unknown one is ignored, and none may come
 * twice. The code of an error is what the client is told as `error`, its text the
 * `error_description`.
 */

/* Who asks. ERR_INVALID, for a page: absent, repeated, or no identifier. */
enum status authorize_client(
	struct principal_id *out, const struct http_form *form, struct error *err) MUST_USE;

/* Where the answer goes: redirect_uri, form_post and state. ERR_INVALID, for a page. */
enum status authorize_place(struct ticket *out, const struct http_form *form,
	const struct client_view *client, struct error *err) MUST_USE;

/*
 * All the rest, after authorize_place. `hint` is an id_token_hint as it came, still to be looked
 * at, or absent. ERR_INVALID, for the client; ERR_NO_MEMORY.
 */
enum status authorize_parse(struct ticket *out, struct str *hint, const struct http_form *form,
	const struct client_view *client, struct arena *arena, struct error *err) MUST_USE;

#endif
