#include <stdio.h>

#include "base/log.h"
#include "oauth/authorize.h"

#define ERROR_BODY_MAX (2 * ERROR_TEXT_MAX + 256)

/* The one table from an error to OAuth: those with a code of its own, and all others by status. */
static const struct {
	const char *code;
	unsigned status;
} CODES[] = {
	{"invalid_request", 400},
	{"invalid_client", 400},
	{"invalid_grant", 400},
	{"unauthorized_client", 400},
	{"unsupported_grant_type", 400},
	{"invalid_scope", 400},
	{"invalid_target", 400},
	{"invalid_token", 401},
	{"insufficient_scope", 403},
	{"method_not_allowed", 405},
	{"unsupported_token_type", 400},
	/* Of the authorization endpoint, which redirects them. */
	{"access_denied", 403},
	{"unsupported_response_type", 400},
	{"login_required", 400},
	{"consent_required", 400},
	{"interaction_required", 400},
	{"account_selection_required", 400},
	{"request_not_supported", 400},
	{"request_uri_not_supported", 400},
	{"registration_not_supported", 400},
	{"unmet_authentication_requirements", 400},
};

static const char *
code_of_status(enum status status)
{
	switch (status) {
	case ERR_UNAUTHENTICATED:
		return "invalid_client";
	case ERR_FORBIDDEN:
		return "access_denied";
	case ERR_BUSY:
	case ERR_NO_MEMORY:
		return "temporarily_unavailable";
	case OK:
	case ERR_CORRUPT:
	case ERR_INTERNAL:
		return "server_error";
	case ERR_INVALID:
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
	case ERR_PRECONDITION:
	case ERR_TOO_LARGE:
	case ERR_LIMIT:
	case ERR_NOT_REACHED:
		break;
	}
	return "invalid_request";
}

static const char *
find_code(const struct error *err, unsigned *status)
{
	for (size_t i = 0; i < ARRAY_LEN(CODES); i++) {
		if (err->code && strcmp(err->code, CODES[i].code) == 0) {
			*status = CODES[i].status;
			return CODES[i].code;
		}
	}
	*status = http_status_of(err->status);
	return code_of_status(err->status);
}

const char *
oauth__description(char out[ERROR_TEXT_MAX], const struct error *err)
{
	snprintf(out, ERROR_TEXT_MAX, "%s", err->text);
	for (char *at = out; *at; at++) {
		if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
			*at = '\'';
	}
	return out;
}

static void
add_common_headers(struct exchange *x)
{
	if (http_header(x->http, "X-Request-ID").ptr)
		http_add_header(x->http, "X-Request-ID", http_request_id(x->http));
	if (x->endpoint && x->endpoint->users == FOR_SCRIPTS)
		http_add_header(x->http, "Access-Control-Allow-Origin", STR("*"));
}

static void
respond(struct exchange *x, unsigned status, const struct buf *body)
{
	/* Both, as RFC 6749 section 5.1 has it. */
	http_add_header(x->http, "Cache-Control", STR("no-store"));
	http_add_header(x->http, "Pragma", STR("no-cache"));
	add_common_headers(x);
	http_respond(x->http, status, "application/json", buf_view(body));
}

void
oauth__answer(struct exchange *x, const struct buf *body)
{
	struct error err = {0};
	if (!body->failed) {
		respond(x, 200, body);
		return;
	}
	(void)error_set(&err, ERR_INTERNAL, "answer-too-large", "The answer is too large.");
	oauth__answer_error(x, &err);
}

void
oauth__answer_kept(struct exchange *x, const struct buf *body, unsigned max_age_s)
{
	char text[48];
	if (body->failed) {
		oauth__answer(x, body);
		return;
	}
	snprintf(text, sizeof(text), "public, max-age=%u", max_age_s);
	http_add_header(x->http, "Cache-Control", str_from(text));
	add_common_headers(x);
	http_respond(x->http, 200, "application/json", buf_view(body));
}

enum status
oauth__refuse_token(struct exchange *x, struct error *err, const struct error *why)
{
	if (why && why->status != OK && why->status != ERR_UNAUTHENTICATED) {
		*err = *why;
		return why->status;
	}
	x->bearer_error = why ? "invalid_token" : "";
	return error_set(err, ERR_UNAUTHENTICATED, "invalid_token",
		"Send a live access token of this issuer as Authorization: Bearer.");
}

/* RFC 6750 section 3: who sent nothing is told nothing of errors. */
static void
challenge_bearer(struct exchange *x)
{
	char space[128];
	struct buf out;
	buf_init_fixed(&out, space, sizeof(space));
	buf_str(&out, STR("Bearer realm=\"thingward\""));
	if (x->bearer_error[0])
		buf_printf(&out, ", error=\"%s\"", x->bearer_error);
	if (strcmp(x->bearer_error, "insufficient_scope") == 0)
		buf_str(&out, STR(", scope=\"openid\""));
	http_add_header(x->http, "WWW-Authenticate", buf_view(&out));
}

void
oauth__answer_error(struct exchange *x, const struct error *err)
{
	char space[ERROR_BODY_MAX], description[ERROR_TEXT_MAX];
	unsigned status;
	struct json_writer w;
	struct buf body;
	const struct error *owed = http_error(x->http, err);
	const char *code = find_code(owed, &status);
	/* Who used the header is told by it which scheme there is (RFC 6749 section 5.2). */
	if (x->used_header && strcmp(code, "invalid_client") == 0) {
		status = 401;
		http_add_header(x->http, "WWW-Authenticate",
			STR("Basic realm=\"thingward\", charset=\"UTF-8\""));
	}
	if (x->bearer_error && owed == err)
		challenge_bearer(x);
	if (status == 503)
		http_add_header(x->http, "Retry-After", STR("1"));
	if (status == 500)
		log_error("request-failed", owed);
	if (x->endpoint && x->endpoint->users == FOR_PEOPLE) {
		authorize__answer_error(x, owed, code, status);
		return;
	}
	buf_init_fixed(&body, space, sizeof(space));
	jw_init(&w, &body);
	jw_object(&w, NULL);
	jw_z(&w, "error", code);
	jw_z(&w, "error_description", oauth__description(description, owed));
	jw_end_object(&w);
	ASSERT(!body.failed);
	respond(x, status, &body);
}
