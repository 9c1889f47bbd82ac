#include "oauth/oauth.h"

#include <stdlib.h>

#include "base/clock.h"
#include "oauth/exchange.h"
#include "signin/client_keys.h"
#include "signin/replays.h"

#define WELL_KNOWN "/.well-known/"
#define METHODS_GET (1U << HTTP_GET | 1U << HTTP_HEAD)
#define METHODS_POST (1U << HTTP_POST)
#define METHODS_PAGE (1U << HTTP_GET | 1U << HTTP_POST)

#define PATH(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static const struct endpoint ENDPOINTS[] = {
	{PATH("/.well-known/openid-configuration"), METHODS_GET, "GET, HEAD", FOR_SCRIPTS,
		oauth__openid_metadata},
	{PATH("/.well-known/oauth-authorization-server"), METHODS_GET, "GET, HEAD", FOR_SCRIPTS,
		oauth__metadata},
	{PATH("/jwks"), METHODS_GET, "GET, HEAD", FOR_SCRIPTS, oauth__jwks},
	{PATH("/token"), METHODS_POST, "POST", FOR_SCRIPTS, oauth__token},
	{PATH("/introspect"), METHODS_POST, "POST", FOR_SERVERS, oauth__introspect},
	{PATH("/revoke"), METHODS_POST, "POST", FOR_SCRIPTS, oauth__revoke},
	{PATH("/userinfo"), METHODS_GET | METHODS_POST, "GET, HEAD, POST", FOR_SCRIPTS,
		oauth__userinfo},
	{PATH("/authorize"), METHODS_PAGE, "GET, POST", FOR_PEOPLE, oauth__authorize},
	{PATH("/authorize/resume"), 1U << HTTP_GET, "GET", FOR_PEOPLE, oauth__authorize_resume},
	{PATH("/logout"), METHODS_PAGE, "GET, POST", FOR_PEOPLE, oauth__logout},
	{PATH("/logout/resume"), 1U << HTTP_GET, "GET", FOR_PEOPLE, oauth__logout_resume},
	{PATH("/logout/done"), 1U << HTTP_GET, "GET", FOR_PEOPLE, oauth__logout_done},
};

/* Metadata of the management API, which is no issuer. */
static const struct endpoint RESOURCE_METADATA = {PATH("/.well-known/oauth-protected-resource"),
	METHODS_GET, "GET, HEAD", FOR_SCRIPTS, oauth__resource_metadata};

enum status
oauth_new(struct oauth **out, const struct oauth_options *options, struct error *err)
{
	*out = NULL;
	struct oauth *door = calloc(1, sizeof(*door));
	if (!door)
		return error_no_memory(err);
	door->options = *options;
	enum status rc = client_keys_new(&door->client_keys, &options->guard, err);
	if (rc == OK)
		rc = replays_new(&door->assertions, err);
	if (rc != OK)
		oauth_free(&door);
	*out = door;
	return rc;
}

void
oauth_free(struct oauth **door)
{
	if (!*door)
		return;
	client_keys_free(&(*door)->client_keys);
	replays_free(&(*door)->assertions);
	free(*door);
	*door = NULL;
}

static const struct endpoint *
find_endpoint(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(ENDPOINTS); i++) {
		if (str_eq(path, ENDPOINTS[i].path))
			return &ENDPOINTS[i];
	}
	return NULL;
}

/* Cuts "/w/{workspace}" off. Its identifier has to be as it stands in that of the issuer. */
static bool
cut_workspace(struct workspace_id *out, struct str *path)
{
	char text[UUID_TEXT_LEN + 1];
	struct workspace_id workspace;
	size_t len = 3 + UUID_TEXT_LEN;
	if (!str_starts(*path, STR("/w/")) || path->len < len)
		return false;
	struct str id = {path->ptr + 3, UUID_TEXT_LEN};
	if (!uuid_parse(id, &workspace.id) || uuid_is_nil(workspace.id))
		return false;
	uuid_format(text, workspace.id);
	if (!str_eq(id, str_from(text)))
		return false;
	*out = workspace;
	*path = (struct str){path->ptr + len, path->len - len};
	return true;
}

/* RFC 8414 section 3.1 puts the path of the issuer behind that of the document. */
static struct oauth_route
find_inserted(struct str path)
{
	struct oauth_route route = {0};
	for (size_t i = 0; i < ARRAY_LEN(ENDPOINTS); i++) {
		struct str document = ENDPOINTS[i].path, rest = path;
		if (!str_starts(document, STR(WELL_KNOWN)) || !str_starts(path, document))
			continue;
		rest = (struct str){path.ptr + document.len, path.len - document.len};
		if (cut_workspace(&route.workspace, &rest) && rest.len == 0)
			route.endpoint = &ENDPOINTS[i];
	}
	return route;
}

bool
oauth_find(struct oauth_route *out, struct str path)
{
	struct str rest = path;
	*out = (struct oauth_route){0};
	if (str_eq(path, RESOURCE_METADATA.path) ||
		str_eq(path, STR("/.well-known/oauth-protected-resource/api"))) {
		out->endpoint = &RESOURCE_METADATA;
		return true;
	}
	(void)cut_workspace(&out->workspace, &rest);
	out->endpoint = find_endpoint(rest);
	if (!out->endpoint)
		*out = find_inserted(path);
	return out->endpoint != NULL;
}

static enum status
waits(struct error *err)
{
	return error_set(err, ERR_BUSY, "waits", "The request waits.");
}

enum status
oauth__want_change(struct exchange *x, const struct wait_job *job, struct error *err)
{
	x->change = *job;
	return waits(err);
}

enum status
oauth__want_reading(struct exchange *x, const struct wait_job *job, struct error *err)
{
	x->reading = *job;
	return waits(err);
}

enum status
oauth__want_errand(struct exchange *x, const struct wait_errand *errand, struct error *err)
{
	x->errand = *errand;
	return waits(err);
}

enum status
oauth__want_news(struct exchange *x, struct error *err)
{
	x->wants_news = true;
	return waits(err);
}

struct call
oauth__call(const struct exchange *x)
{
	return (struct call){
		.address = http_peer(x->http),
		.now_us = x->now_us,
		.arena = http_arena(x->http),
		.directory = x->signin->directory,
		.keyring = x->signin->keyring,
	};
}

static void
answer_method(struct exchange *x)
{
	struct error err = {0};
	if (x->endpoint->users == FOR_SCRIPTS && http_method(x->http) == HTTP_OPTIONS) {
		http_add_header(x->http, "Access-Control-Allow-Origin", STR("*"));
		http_add_header(
			x->http, "Access-Control-Allow-Methods", str_from(x->endpoint->allow));
		http_add_header(x->http, "Access-Control-Allow-Headers",
			STR("Authorization, Content-Type"));
		http_add_header(x->http, "Access-Control-Max-Age", STR("3600"));
		http_respond(x->http, 204, NULL, STR(""));
		return;
	}
	http_add_header(x->http, "Allow", str_from(x->endpoint->allow));
	(void)error_set(&err, ERR_INVALID, "method_not_allowed",
		"This path does not have that method; Allow names those that it has.");
	oauth__answer_error(x, &err);
}

/* What the endpoint wants before it is run again. */
static enum status
wait_for_wanted(struct exchange *x, const struct misses *misses, struct error *err)
{
	const struct wait_job change = x->change, reading = x->reading;
	bool news = x->wants_news;
	const struct wait_errand errand = x->errand;
	x->change = x->reading = (struct wait_job){0};
	x->errand = (struct wait_errand){0};
	x->wants_news = false;
	if (!x->wait)
		x->wait = wait_new(x->http, x->signin->directory, x->door->options.store);
	if (!x->wait)
		return error_no_memory(err);
	if (misses->count)
		return wait_for_views(x->wait, misses, err);
	if (errand.start)
		return wait_for_errand(x->wait, &errand, err);
	if (reading.run)
		return wait_for_reading(x->wait, &reading, err);
	return news ? wait_for_news(x->wait, err) : wait_for_change(x->wait, &change, err);
}

static void
run(struct exchange *x)
{
	struct misses misses; /* large, and initialised as far as it is used */
	struct error err = {0};
	misses.count = 0;
	misses.overflow = false;
	x->misses = &misses;
	x->now_us = clock_now_us();
	directory_enter();
	enum status rc = x->endpoint->run(x, &err);
	directory_leave();
	if (misses.count || x->change.run || x->reading.run || x->errand.start || x->wants_news) {
		error_clear(&err);
		rc = wait_for_wanted(x, &misses, &err);
	}
	if (rc != OK)
		oauth__answer_error(x, &err);
}

/* {base}, or {base}/w/{workspace}. */
static bool
name_issuer(struct exchange *x)
{
	struct str base = x->signin->base_url;
	struct buf out;
	x->issuer = base;
	if (uuid_is_nil(x->workspace.id))
		return true;
	size_t size = base.len + 3 + UUID_TEXT_LEN + 1;
	char *space = arena_alloc(http_arena(x->http), size);
	if (!space)
		return false;
	buf_init_fixed(&out, space, size);
	buf_str(&out, base);
	buf_str(&out, STR("/w/"));
	uuid_format(space + out.len, x->workspace.id);
	x->issuer = (struct str){space, size - 1};
	return true;
}

static void
begin(struct oauth *door, struct http_request *r, const struct oauth_route *route)
{
	struct exchange *x = arena_new_one(http_arena(r), struct exchange);
	if (!x)
		return; /* answered with 500 */
	*x = (struct exchange){.door = door,
		.signin = door->options.signin,
		.http = r,
		.endpoint = route->endpoint,
		.workspace = route->workspace};
	http_set_state(r, x);
	x->authorization = http_header_once(r, "Authorization");
	x->authorized = x->authorization.ptr || http_header_count(r, "Authorization") > 0;
	if (!name_issuer(x))
		return;
	if (x->endpoint->methods & 1U << http_method(r))
		run(x);
	else
		answer_method(x);
}

void
oauth_handle(struct oauth *door, struct http_request *r, const struct oauth_route *route)
{
	struct error err = {0};
	struct exchange *x = http_state(r);
	if (!x)
		begin(door, r, route);
	else if (wait_result(x->wait, &err) != OK)
		oauth__answer_error(x, &err);
	else
		run(x);
}
