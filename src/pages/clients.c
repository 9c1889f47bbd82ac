/* One's own: the clients that one has allowed something, and taking that back. */
#include "pages/own.h"

#define CLIENT_VALUES 5

static struct html_map
map_of(struct visit *v, const struct consent *consent)
{
	struct html_value *values =
		arena_new_array(http_arena(v->http), struct html_value, CLIENT_VALUES);
	char org[UUID_TEXT_LEN + 1], client[UUID_TEXT_LEN + 1];

	if (!values)
		return (struct html_map){NULL, 0};
	uuid_format(org, consent->org.id);
	uuid_format(client, consent->client.id);
	values[0] = HTML_S("id", visit_print(v, "%s.%s", org, client));
	values[1] = HTML_S("name", consent->client_name);
	values[2] = HTML_S("organisation", consent->org_name);
	values[3] = HTML_S("scope", consent->scope);
	values[4] = HTML_S("given", own_time(v, consent->given_us));
	return (struct html_map){values, CLIENT_VALUES};
}

void
own_client_maps(struct html_map out[CONSENTS_LISTED_MAX], struct visit *v)
{
	const struct owned *o = v->state;

	for (size_t i = 0; i < o->consent_count; i++)
		out[i] = map_of(v, &o->consents[i]);
}

static enum status
withdraw(struct visit *v, struct call *call, struct error *err)
{
	const struct owned *o = v->state;
	const struct consent *consent = o->withdrawn;
	const struct actor self = {consent->org, consent->principal.id,
		uuid_is_nil(v->issuer.id) ? KIND_MEMBER : KIND_END_USER};

	enum status rc = call_open_as(call, call->tx, consent->org, &self, err);
	if (rc == OK)
		rc = consent_withdraw(call, consent->principal, consent->client, err);
	return rc == OK ? call_close(call, err) : rc;
}

static void
withdrawn(struct visit *v)
{
	visit_go(v, "/account?done=withdrawn", NULL);
}

void
account_clients_act(struct visit *v)
{
	struct owned *o = v->state;
	struct str rest = visit_field(v, "withdraw");
	struct str stated = str_cut(&rest, '.');
	struct uuid org, client;

	if (uuid_parse(stated, &org) && uuid_parse(rest, &client)) {
		for (size_t i = 0; i < o->consent_count && !o->withdrawn; i++) {
			const struct consent *consent = &o->consents[i];
			if (uuid_eq(consent->org.id, org) && uuid_eq(consent->client.id, client))
				o->withdrawn = consent;
		}
	}
	/* Taken back elsewhere meanwhile: that is what was wanted. */
	if (o->withdrawn)
		visit_change(v, o->withdrawn->org, withdraw, withdrawn);
	else
		withdrawn(v);
}
