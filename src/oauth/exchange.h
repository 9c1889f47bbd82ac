#ifndef OAUTH_EXCHANGE_H
#define OAUTH_EXCHANGE_H

#include "door/wait.h"
#include "http/form.h"
#include "oauth/oauth.h"
#include "signin/signer.h"
#include "signin/ticket.h"

struct oauth {
	struct oauth_options options;
	struct client_keys *client_keys; /* what clients sign with, and what they have signed */
	struct replays *assertions;
};

/*
 * One exchange on its way, in the arena of the request. Its endpoint is run inside a
 * directory_enter section, and again from the start after each wait, so that what was found in
 * views never outlives the section.
 */
struct exchange {
	struct oauth *door;
	const struct signin *signin;
	struct http_request *http;
	const struct endpoint *endpoint;
	struct workspace_id workspace; /* whose issuer it is; nil: the installation's */
	struct str issuer; /* its identifier */
	struct str authorization; /* the header; absent as well when it came several times … */
	bool authorized; /* … and whether it came */
	int64_t now_us;
	void *state; /* of the endpoint, from run to run */

	/* Found anew in each run. */
	struct misses *misses;
	const struct org_view *org; /* the issuer's; of the installation the platform */
	const struct workspace_view *place; /* NULL: the installation */

	/* What the endpoint wants, and is run again after: set, and answer with any error. */
	struct wait_job change, reading; /* run NULL: nothing */
	struct wait_errand errand;
	bool wants_news;

	struct wait *wait;
	struct http_form form;
	bool form_read, used_header;
	bool asserted; /* a client_assertion was proved, which counts once */
	unsigned fetches; /* of keys of a client */
	struct making *making; /* a signing key that was missing */
	const char *bearer_error; /* told in the challenge of RFC 6750; NULL: no such challenge */

	/* Of a page: the good request whose client is told of errors, and its name; NULL: the user
	 * is.
	 */
	const struct ticket *accepted;
	struct str client_name;
};

/* ERR_… while something was missed (x->misses), or wanted; otherwise the answer was given, or is
 * to be one of an error. */
typedef enum status exchange_run(struct exchange *x, struct error *err);

enum endpoint_users {
	FOR_SERVERS,
	FOR_SCRIPTS, /* of any site, which may read its answers */
	FOR_PEOPLE, /* errors are pages, or redirects */
};

struct endpoint {
	struct str path; /* below the issuer */
	unsigned methods; /* bits 1 << enum http_method */
	const char *allow;
	enum endpoint_users users;
	exchange_run *run;
};

/* Has the endpoint run again after a job, or once all that is committed by now is known here: to be
 * answered with, as nothing else is to be done before. */
enum status oauth__want_change(
	struct exchange *x, const struct wait_job *job, struct error *err) MUST_USE;
enum status oauth__want_reading(
	struct exchange *x, const struct wait_job *job, struct error *err) MUST_USE;
enum status oauth__want_errand(
	struct exchange *x, const struct wait_errand *errand, struct error *err) MUST_USE;
enum status oauth__want_news(struct exchange *x, struct error *err) MUST_USE;

/* A call to be opened in a job of this exchange. */
struct call oauth__call(const struct exchange *x);

/* The endpoints. */
exchange_run oauth__openid_metadata, oauth__metadata, oauth__resource_metadata, oauth__jwks,
	oauth__token, oauth__introspect, oauth__revoke, oauth__userinfo, oauth__authorize,
	oauth__authorize_resume, oauth__logout, oauth__logout_resume, oauth__logout_done;

/* Finds x->org and x->place, both active. ERR_NOT_FOUND: there is no such issuer. */
enum status oauth__find_issuer(struct exchange *x, struct error *err) MUST_USE;

/* The key that signs for this issuer; when there is none yet, it is made first. */
enum status oauth__signer(
	struct signer *out, struct exchange *x, enum sign_alg alg, struct error *err) MUST_USE;

/* The form that was sent, once read and found to be one. A parameter without a value counts as
 * left out (RFC 6749 section 3.2). ERR_INVALID "invalid_request": no form, or a parameter that is
 * repeated, but for `resource`. */
enum status oauth__read_form(struct exchange *x, struct error *err) MUST_USE;
struct str oauth__parameter(const struct exchange *x, const char *name); /* absent: left out */

/* An answer in JSON that nobody keeps; its body is copied. */
void oauth__answer(struct exchange *x, const struct buf *body);
/* One that may be kept for so many seconds. */
void oauth__answer_kept(struct exchange *x, const struct buf *body, unsigned max_age_s);
/* The refusal of a bearer token (RFC 6750 section 3): none was sent (`why` NULL), or it is not one
 * that holds; passes on what is none. */
enum status oauth__refuse_token(
	struct exchange *x, struct error *err, const struct error *why) MUST_USE;
/* RFC 6749 section 5.2. Whatever has a code of OAuth ("invalid_grant") is told with it. */
void oauth__answer_error(struct exchange *x, const struct error *err);

/* RFC 6749 section 5.2: a description is of printable ASCII, with neither '"' nor '\'. */
const char *oauth__description(char out[ERROR_TEXT_MAX], const struct error *err);

/* Sets an error of OAuth. */
#define oauth__refuse(err, code, ...) error_set(err, ERR_INVALID, code, __VA_ARGS__)

#endif
