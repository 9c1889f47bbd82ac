/* Of several accounts, or organisations, one: what was chosen goes back inside the ticket. */
#include "pages/routes.h"
#include "signin/session.h"

struct choices {
	struct membership *memberships;
	size_t count;
};

enum status
select_load(struct visit *v, struct call *call, struct error *err)
{
	struct choices *c = arena_new_one(call->arena, struct choices);

	v->state = c;
	if (!c)
		return error_no_memory(err);
	if (uuid_is_nil(v->session.person.id))
		return OK;
	return person_memberships(&c->memberships, &c->count, call, v->session.person, err);
}

static struct uuid
own_id(const struct visit *v)
{
	return uuid_is_nil(v->session.person.id) ? v->session.principal.id : v->session.person.id;
}

static struct str
id_text(struct visit *v, struct uuid id)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(text, id);
	return visit_print(v, "%s", text);
}

void
select_account_show(struct visit *v)
{
	const struct html_map account = HTML_MAP(HTML_S("id", id_text(v, own_id(v))),
		HTML_S("name", v->session.name), HTML_S("email", v->session.email));

	visit_show(v, &page_select_account, HTML_MAP(HTML_L("accounts", &account, 1)));
}

void
select_account_act(struct visit *v)
{
	struct uuid chosen;

	if (!uuid_parse(visit_field(v, "account"), &chosen) || !uuid_eq(chosen, own_id(v))) {
		visit_go(v, "/sign-in?need=login", v->ticketed ? &v->ticket : NULL);
		return;
	}
	v->ticket.account = chosen;
	visit_go_on(v);
}

void
select_organisation_show(struct visit *v)
{
	const struct choices *c = v->state;
	struct html_map items[MEMBERSHIPS_MAX];
	struct html_value(*values)[2] =
		arena_alloc_array(http_arena(v->http), c->count, sizeof(*values));
	struct error err = {0};
	size_t shown = 0;

	if (!values) {
		(void)error_no_memory(&err);
		visit_fail(v, &err);
		return;
	}
	for (size_t i = 0; i < c->count; i++) {
		const struct membership *m = &c->memberships[i];
		if (!session_opens(&v->session, m))
			continue;
		values[shown][0] = HTML_S("id", id_text(v, m->org.id));
		values[shown][1] = HTML_S("name", m->name);
		items[shown] = (struct html_map){values[shown], 2};
		shown++;
	}
	visit_show(v, &page_select_organisation, HTML_MAP(HTML_L("organisations", items, shown)));
}

void
select_organisation_act(struct visit *v)
{
	const struct choices *c = v->state;
	struct uuid chosen;
	struct error err = {0};
	bool found = false;

	bool stated = uuid_parse(visit_field(v, "organisation"), &chosen);
	for (size_t i = 0; stated && i < c->count && !found; i++)
		found = uuid_eq(c->memberships[i].org.id, chosen) &&
			session_opens(&v->session, &c->memberships[i]);
	if (!found) {
		(void)error_set(&err, ERR_FORBIDDEN, "not-a-member",
			"You are not a member of this organisation, or not any more.");
		visit_fail(v, &err);
		return;
	}
	v->ticket.organisation.id = chosen;
	visit_go_on(v);
}
