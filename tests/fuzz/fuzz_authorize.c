/* Authorization requests, over any bytes: what is accepted goes nowhere but where it may. */

#include "fuzz.h"
#include "oauth/authorize_request.h"
#include "oauth/redirect.h"

static struct str uris[] = {
	{"https://app.example/cb", 22},
	{"http://127.0.0.1/cb", 19},
	{"com.example.app:/cb", 19},
};

/* RFC 6749 section 4.1.2.1. */
static void
check_error(enum status rc, const struct error *err)
{
	require(rc == ERR_INVALID && err->status == rc && err->code[0] && err->text[0]);
	for (const char *c = err->text; *c; c++)
		require(*c >= 0x20 && *c < 0x7f && *c != '"' && *c != '\\');
}

static void
check_scope(struct str scope)
{
	require(scope.len > 0 && scope.ptr[0] != ' ' && scope.ptr[scope.len - 1] != ' ');
	for (size_t i = 0; i < scope.len; i++)
		require(scope.ptr[i] >= 0x20 && scope.ptr[i] < 0x7f);
}

static void
check_ticket(const struct ticket *t, const struct client_view *client)
{
	require(t->kind == TICKET_AUTHORIZE && uuid_eq(t->client.id, client->id.id));
	require(t->max_age_s >= MAX_AGE_NONE);
	require(!(t->prompt & PROMPT_NONE) || t->prompt == PROMPT_NONE);
	require(!t->challenge.ptr || t->challenge.len == 43);
	require(t->challenge.ptr || (client->type != CLIENT_PUBLIC && !client->require_pkce));
	require(!t->form_post || str_starts(t->redirect_uri, STR("http")));
	if (t->scope.ptr)
		check_scope(t->scope);
}

static void
try(const struct http_form *form, const struct client_view *client, struct arena *arena)
{
	struct error err = {0};
	struct ticket ticket;
	struct str hint;
	enum status rc = authorize_place(&ticket, form, client, &err);
	if (rc != OK) {
		check_error(rc, &err);
		return;
	}
	require(redirect_is_registered(&client->redirect_uris, ticket.redirect_uri));
	rc = authorize_parse(&ticket, &hint, form, client, arena, &err);
	require(redirect_is_registered(&client->redirect_uris, ticket.redirect_uri));
	if (rc == OK)
		check_ticket(&ticket, client);
	else if (rc != ERR_NO_MEMORY)
		check_error(rc, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new((size_t)1024 * 1024);
	struct http_form form;
	struct error err = {0};
	struct client_view client = {.type = CLIENT_PUBLIC, .redirect_uris = {uris, 3}};
	require(arena != NULL);
	enum status rc =
		http__form_parse(&form, (struct str){(const char *)data, size}, arena, &err);
	if (rc == OK && authorize_client(&client.id, &form, &err) == OK) {
		try(&form, &client, arena);
		client.type = CLIENT_CONFIDENTIAL;
		client.redirect_uris.count = 1;
		try(&form, &client, arena);
	}
	arena_free(&arena);
	return 0;
}
