#include "authzen/answer.h"

#include "model/names.h"
#include "policy/lookup.h"

static void
echo_request_id(struct http_request *r)
{
	if (http_header(r, "X-Request-ID").ptr)
		http_add_header(r, "X-Request-ID", http_request_id(r));
}

void
answer_send(struct http_request *r, struct str body)
{
	const struct error none = {0}, *owed = http_error(r, &none);
	/* What did not fit into memory was not decided about. */
	if (owed != &none) {
		answer_status(r, owed);
		return;
	}
	echo_request_id(r);
	http_respond(r, 200, "application/json", body);
}

void
answer_error(struct http_request *r, unsigned status, const char *message)
{
	char space[2 * ERROR_TEXT_MAX + 16];
	struct buf body;
	buf_init_fixed(&body, space, sizeof(space));
	buf_json_str(&body, str_from(message));
	echo_request_id(r);
	if (status == 401)
		http_add_header(r, "WWW-Authenticate", STR("Bearer"));
	if (status == 503)
		http_add_header(r, "Retry-After", STR("1"));
	http_respond(r, status, "application/json", body.failed ? STR("\"\"") : buf_view(&body));
}

void
answer_status(struct http_request *r, const struct error *err)
{
	err = http_error(r, err);
	if (err->code)
		http_add_header(r, "Thingward-Error", str_from(err->code));
	answer_error(r, http_status_of(err->status), err->text);
}

void
answer_age(struct json_writer *w, const struct judge *j)
{
	jw_int(w, "revision", j->revision);
	jw_int(w, "age_ms", j->age_us / 1000);
	jw_uuid(w, "incarnation", j->era.incarnation);
}

static bool
is_in_group(const struct resource_view *resource, struct uuid id)
{
	for (uint32_t i = 0; resource && i < resource->group_count; i++) {
		if (uuid_eq(resource->groups[i].id, id))
			return true;
	}
	return false;
}

/* Which kind of node on the path of a question an identifier is. */
static enum node_kind
kind_of_node(const struct question *question, struct uuid id)
{
	const struct target *target = &question->target;
	if (uuid_eq(id, question->org->id.id))
		return org_is_platform(question->org->id) ? NODE_PLATFORM : NODE_ORG;
	if (target->workspace && uuid_eq(id, target->workspace->id.id))
		return NODE_WORKSPACE;
	if (target->resource && uuid_eq(id, target->resource->id.id))
		return NODE_RESOURCE;
	if ((target->rgroup && uuid_eq(id, target->rgroup->id.id)) ||
		is_in_group(target->resource, id))
		return NODE_RESOURCE_GROUP;
	return NODE_NONE;
}

/* The node asked about; of a bare name the workspace that it is in. */
static struct uuid
asked_node(const struct question *question)
{
	const struct target *target = &question->target;
	if (target->resource)
		return target->resource->id.id;
	if (target->rgroup)
		return target->rgroup->id.id;
	return target->workspace ? target->workspace->id.id : question->org->id.id;
}

static void
write_node(struct json_writer *w, const struct question *question, const struct grant_entry *grant)
{
	struct uuid id = grant ? grant->node : asked_node(question);
	enum node_kind kind = kind_of_node(question, id);
	jw_object(w, "node");
	jw_z(w, "kind", kind == NODE_NONE ? NULL : node_kind_name(kind));
	if (kind == NODE_PLATFORM)
		jw_z(w, "id", "platform");
	else
		jw_uuid(w, "id", id);
	jw_end_object(w);
}

static void
write_grant(struct json_writer *w, const struct question *question, const struct answer *answer)
{
	const struct grant_entry *grant = answer->grant;
	const struct role_view *role = grant ? org_role_at(question->org, grant->role) : NULL;
	jw_uuid(w, "grant", grant ? grant->id.id : (struct uuid){{0}});
	jw_str(w, "role", role ? role->name : (struct str){NULL, 0});
	jw_uuid(w, "group", answer->group ? answer->group->id.id : (struct uuid){{0}});
	write_node(w, question, grant);
}

static void
write_reason(
	struct json_writer *w, const struct access_request *request, const struct ruling *ruling)
{
	const struct question *question = &ruling->question;
	const struct answer *answer = &ruling->answer;
	struct str none = {NULL, 0};
	bool known = question->permission != PERMISSION_NONE;
	struct str missing =
		request->action.len <= PERMISSION_NAME_MAX_BYTES ? request->action : none;
	jw_z(w, "reason", reason_code(answer->reason));
	jw_z(w, "condition", reason_condition(answer->reason));
	jw_str(w, "permission", known ? request->action : none);
	write_grant(w, question, answer);
	jw_str(w, "guardrail", answer->guardrail ? answer->guardrail->name : none);
	jw_str(w, "missing", answer->decision == DECISION_ALLOW ? none : missing);
}

/* What most answers are, without a writer's bookkeeping. */
static void
write_plain(struct buf *out, const struct judge *j, enum decision decision)
{
	char incarnation[UUID_TEXT_LEN + 1];
	if (decision == DECISION_ALLOW)
		buf_str(out, STR("{\"decision\":true,\"context\":{\"revision\":"));
	else
		buf_str(out, STR("{\"decision\":false,\"context\":{\"revision\":"));
	buf_i64(out, j->revision);
	buf_str(out, STR(",\"age_ms\":"));
	buf_i64(out, j->age_us / 1000);
	buf_str(out, STR(",\"incarnation\":\""));
	uuid_format(incarnation, j->era.incarnation);
	buf_append(out, incarnation, UUID_TEXT_LEN);
	buf_str(out, STR("\"}}"));
}

void
answer_decision(struct buf *out, const struct judge *j, const struct access_request *request,
	const struct ruling *ruling)
{
	struct json_writer w;
	if (!request->explain) {
		write_plain(out, j, ruling->answer.decision);
		return;
	}
	jw_init(&w, out);
	jw_object(&w, NULL);
	jw_bool(&w, "decision", ruling->answer.decision == DECISION_ALLOW);
	jw_object(&w, "context");
	write_reason(&w, request, ruling);
	answer_age(&w, j);
	jw_end_object(&w);
	jw_end_object(&w);
}

void
answer_item(
	struct json_writer *w, const struct access_request *request, const struct ruling *ruling)
{
	jw_object(w, NULL);
	jw_bool(w, "decision", ruling->answer.decision == DECISION_ALLOW);
	if (request->explain) {
		jw_object(w, "context");
		write_reason(w, request, ruling);
		jw_end_object(w);
	}
	jw_end_object(w);
}

void
answer_failed_item(struct json_writer *w, unsigned status, const char *message)
{
	jw_object(w, NULL);
	jw_bool(w, "decision", false);
	jw_object(w, "context");
	jw_object(w, "error");
	jw_int(w, "status", status);
	jw_z(w, "message", message);
	jw_end_object(w);
	jw_end_object(w);
	jw_end_object(w);
}
