/* External OpenID providers. */
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"
#include "iam/providers/settings.h"

static struct provider_id
path_provider(const struct operation_call *op)
{
	return (struct provider_id){path_uuid(op, 1)};
}

static enum status
show(struct operation_call *op, const struct provider *provider, enum status rc)
{
	if (rc != OK)
		return rc;
	provider_write(&op->out, NULL, provider);
	op->etag = provider->changed;
	return OK;
}

static unsigned
stated_fields(const struct operation_call *op)
{
	static const struct {
		const char *name;
		enum provider_field field;
	} FIELDS[] = {
		{"name", PROVIDER_NAME},
		{"issuer", PROVIDER_ISSUER},
		{"client_id", PROVIDER_CLIENT_ID},
		{"client_secret", PROVIDER_CLIENT_SECRET},
		{"state", PROVIDER_STATE},
		{"scopes", PROVIDER_SCOPES},
		{"sign_up", PROVIDER_SIGN_UP},
		{"domains", PROVIDER_DOMAINS},
		{"groups_claim", PROVIDER_GROUPS_CLAIM},
		{"rules", PROVIDER_RULES},
	};
	unsigned stated = 0;

	for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++) {
		if (body_states(op, FIELDS[i].name))
			stated |= FIELDS[i].field;
	}
	return stated;
}

static enum status
decode_rules(struct provider_draft *draft, const struct operation_call *op, struct error *err)
{
	const struct json *list = body_get(op, "rules");
	struct stated_rule *rules;

	draft->rule_count = json_count(list);
	rules = arena_new_array(op->call.arena, struct stated_rule, draft->rule_count);
	draft->rules = rules;
	if (!rules)
		return error_no_memory(err);
	for (size_t i = 0; i < draft->rule_count; i++) {
		const struct json *rule = json_at(list, i);
		rules[i] = (struct stated_rule){.group = json_str(json_get(rule, "group")),
			.role = json_str(json_get(rule, "role"))};
		if (!uuid_parse(json_str(json_get(rule, "workspace")), &rules[i].workspace.id))
			rules[i].workspace = (struct workspace_id){{{0}}};
	}
	return OK;
}

static enum status
decode(struct provider_draft *draft, const struct operation_call *op, struct error *err)
{
	*draft = (struct provider_draft){.stated = stated_fields(op),
		.name = body_str(op, "name"),
		.issuer = body_str(op, "issuer"),
		.client_id = body_str(op, "client_id"),
		.client_secret = body_str(op, "client_secret"),
		.state = body_state(op, "state"),
		.sign_up = body_bool(op, "sign_up"),
		.groups_claim = body_str(op, "groups_claim"),
		.if_match = op->if_match};

	enum status rc = body_strings(&draft->scopes, &draft->scope_count, op, "scopes", err);
	if (rc == OK)
		rc = body_strings(&draft->domains, &draft->domain_count, op, "domains", err);
	return rc == OK ? decode_rules(draft, op, err) : rc;
}

enum status
api_provider_list(struct operation_call *op, struct error *err)
{
	struct provider *providers;
	size_t count;

	enum status rc = provider_list(&providers, &count, &op->call, &op->page, err);
	if (rc == OK)
		list_write(op, providers, count, sizeof(*providers), provider_write);
	return rc;
}

enum status
api_provider_create(struct operation_call *op, struct error *err)
{
	struct provider_draft draft;
	struct provider provider;

	enum status rc = decode(&draft, op, err);
	if (rc == OK)
		rc = provider_create(&provider, &op->call, &draft, err);
	return show(op, &provider, rc);
}

enum status
api_provider_get(struct operation_call *op, struct error *err)
{
	struct provider provider;

	return show(op, &provider, provider_load(&provider, &op->call, path_provider(op), err));
}

enum status
api_provider_update(struct operation_call *op, struct error *err)
{
	struct provider_draft draft;
	struct provider provider;

	enum status rc = decode(&draft, op, err);
	if (rc == OK)
		rc = provider_update(&provider, &op->call, path_provider(op), &draft, err);
	return show(op, &provider, rc);
}

enum status
api_provider_delete(struct operation_call *op, struct error *err)
{
	return provider_delete(&op->call, path_provider(op), op->if_match, err);
}
