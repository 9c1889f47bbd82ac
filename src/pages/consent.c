/* What a client may have of who is signed in: asked once for each scope, and kept. */
#include "directory/rows.h"
#include "door/may.h"
#include "iam/tokens/consents.h"
#include "iam/tokens/scopes_of_token.h"
#include "pages/routes.h"
#include "signin/session.h"

#define SHOWN_MAX 128

struct asking {
	struct org_id org; /* of who is asked */
	struct str org_name;
	struct principal_id principal;
	enum principal_kind kind;
	struct str scope; /* what a token would get */
	struct str names[SHOWN_MAX], descriptions[SHOWN_MAX];
	size_t count;
};

static enum status
nobody(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "not-a-member",
		"You do not belong to the organisation that this application asks for, or not any "
		"more.");
}

/* The member that a person is in the organisation asked for, or in the only one. */
static enum status
find_member(struct asking *a, struct visit *v, struct call *call, struct error *err)
{
	struct membership *all;
	size_t count;

	enum status rc = person_memberships(&all, &count, call, v->session.person, err);
	if (rc != OK)
		return rc;
	const struct membership *m =
		session_member(&v->session, all, &count, v->ticket.organisation);
	if (!m)
		return nobody(err);
	a->org = m->org;
	a->org_name = m->name;
	a->principal = m->principal;
	a->kind = KIND_MEMBER;
	return OK;
}

static enum status
find_principal(struct asking *a, struct visit *v, struct call *call, struct error *err)
{
	if (!uuid_is_nil(v->session.person.id))
		return find_member(a, v, call, err);
	a->org = v->of.org;
	a->org_name = v->of.name;
	a->principal = v->session.principal;
	a->kind = KIND_END_USER;
	return OK;
}

/* Who would hold the token, from rows. */
struct holding {
	const struct org_view *org;
	const struct principal_view *principal;
	const struct workspace_view *workspace;
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
};

static enum status
load_holding(
	struct holding *h, struct asking *a, struct visit *v, struct call *call, struct error *err)
{
	enum status rc = rows_load_org(&h->org, call->tx, a->org, call->arena, err);
	if (rc == OK && h->org)
		rc = rows_load_principal(
			&h->principal, call->tx, h->org, a->principal, call->arena, err);
	if (rc == OK && !h->principal)
		rc = nobody(err);
	if (rc == OK && !uuid_is_nil(v->issuer.id))
		rc = rows_load_workspace(
			&h->workspace, call->tx, a->org, v->issuer, call->arena, err);
	for (uint32_t i = 0; rc == OK && i < h->principal->group_count; i++)
		rc = rows_load_group(
			&h->groups[i], call->tx, h->org, h->principal->groups[i], call->arena, err);
	return rc;
}

/* The same as the authorization server would give. */
static enum status
find_scope(struct asking *a, struct visit *v, struct call *call, struct error *err)
{
	struct holding h = {0};
	struct buf list;

	enum status rc = load_holding(&h, a, v, call, err);
	if (rc != OK)
		return rc;
	const struct attribute address = door_address(v->http);
	const struct scope_holder holder = {
		.question = {.org = h.org,
			.subject = {.principal = h.principal, .groups = h.groups},
			.target = {.kind = h.workspace ? TARGET_WORKSPACE : TARGET_ORG,
				.workspace = h.workspace},
			.attributes = {.items = &address, .count = 1, .now_us = call->now_us}},
		.workspace = v->issuer,
	};
	buf_init(&list, SCOPES_MAX + 1);
	rc = scopes_of_user(&list, &holder, v->ticket.scope, err);
	if (rc == OK) {
		a->scope = arena_copy(call->arena, list.ptr ? buf_view(&list) : STR(""));
		rc = a->scope.ptr ? OK : error_no_memory(err);
	}
	buf_clear(&list);
	return rc;
}

static enum status
describe(struct asking *a, struct visit *v, struct call *call, struct error *err)
{
	struct str rest = a->scope;
	enum status rc = OK;

	call_open_event(call, call->tx, a->org);
	for (a->count = 0; rc == OK && rest.len && a->count < SHOWN_MAX; a->count++) {
		a->names[a->count] = str_cut(&rest, ' ');
		rc = scope_describe(
			&a->descriptions[a->count], call, v->issuer, a->names[a->count], err);
	}
	return rc;
}

enum status
consent_load(struct visit *v, struct call *call, struct error *err)
{
	struct asking *a = arena_new_one(call->arena, struct asking);

	v->state = a;
	if (!a)
		return error_no_memory(err);
	if (!v->ticketed || v->ticket.kind != TICKET_AUTHORIZE)
		return error_set(err, ERR_INVALID, "ticket-invalid",
			"Go to the application that you want to use, and begin there.");
	enum status rc = find_principal(a, v, call, err);
	if (rc == OK)
		rc = find_scope(a, v, call, err);
	return rc == OK ? describe(a, v, call, err) : rc;
}

/* Where the browser is taken afterwards, as far as somebody can make sense of it. */
static struct str
host_of(struct str address)
{
	struct str rest = address, scheme = str_cut(&rest, ':');

	if (!str_starts(rest, STR("//")))
		return scheme;
	rest = (struct str){rest.ptr + 2, rest.len - 2};
	struct str host = str_cut(&rest, '/');
	return str_cut(&host, '?');
}

void
consent_show(struct visit *v)
{
	const struct asking *a = v->state;
	struct html_value values[SHOWN_MAX][2];
	struct html_map scopes[SHOWN_MAX];

	for (size_t i = 0; i < a->count; i++) {
		values[i][0] = HTML_S("name", a->names[i]);
		values[i][1] = HTML_S("description", a->descriptions[i]);
		scopes[i] = (struct html_map){values[i], 2};
	}
	visit_show(v, &page_consent,
		HTML_MAP(HTML_S("organisation", a->org_name), HTML_S("email", v->session.email),
			HTML_S("back",
				visit_print(v, "%.*s/sign-in?need=login&ticket=%.*s",
					STR_ARG(v->base), STR_ARG(v->ticket_text))),
			HTML_S("redirect_host", host_of(v->ticket.redirect_uri)),
			HTML_S("scope", a->scope), HTML_B("any_scope", a->count > 0),
			HTML_L("scopes", scopes, a->count)));
}

/* What was shown, as far as a token would get it still: what came to it meanwhile nobody has read.
 */
static enum status
agreed_scope(struct str *out, struct visit *v, struct error *err)
{
	const struct asking *a = v->state;
	struct str shown = visit_field(v, "scope"), rest = a->scope;
	struct buf list;

	buf_init(&list, SCOPES_MAX + 1);
	while (rest.len) {
		struct str one = str_cut(&rest, ' ');
		if (!scope_has(shown, one))
			continue;
		if (list.len)
			buf_char(&list, ' ');
		buf_str(&list, one);
	}
	*out = arena_copy(http_arena(v->http), list.ptr ? buf_view(&list) : STR(""));
	buf_clear(&list);
	return out->ptr ? OK : error_no_memory(err);
}

static enum status
give(struct visit *v, struct call *call, struct error *err)
{
	const struct asking *a = v->state;
	const struct actor self = {a->org, a->principal.id, a->kind};
	struct str scope;

	enum status rc = agreed_scope(&scope, v, err);
	if (rc == OK)
		rc = call_open_as(call, call->tx, a->org, &self, err);
	if (rc == OK)
		rc = consent_give(call, a->principal, v->ticket.client, scope, err);
	return rc == OK ? call_close(call, err) : rc;
}

void
consent_act(struct visit *v)
{
	const struct asking *a = v->state;

	if (visit_decides(v, "allow")) {
		visit_change(v, a->org, give, visit_go_on);
		return;
	}
	v->ticket.denied = true;
	visit_go_on(v);
}
