/* What is kept about end-users and clients, by key. */
#include "iam/principals/metadata.h"
#include "api/list.h"
#include "api/operations.h"
#include "api/route.h"

/* Of a client by its identifier, of an end-user by that or by its address. */
static enum status
load(struct principal *out, struct operation_call *op, struct error *err)
{
	struct workspace_id workspace = path_workspace(op);

	if (op->route->kind == KIND_END_USER)
		return end_user_find(out, &op->call, workspace, op->path[1], err);
	return principal_load_kind(out, &op->call, (struct principal_id){path_uuid(op, 1)},
		op->route->kind, workspace, err);
}

enum status
api_metadata_list(struct operation_call *op, struct error *err)
{
	struct principal principal;
	struct metadata *all;
	size_t count;

	enum status rc = load(&principal, op, err);
	if (rc == OK)
		rc = metadata_list(&all, &count, &op->call, principal.id, &op->page, err);
	if (rc == OK)
		list_write(op, all, count, sizeof(*all), metadata_write);
	return rc;
}

enum status
api_metadata_get(struct operation_call *op, struct error *err)
{
	struct principal principal;
	struct metadata one;

	enum status rc = load(&principal, op, err);
	if (rc == OK)
		rc = metadata_load(&one, &op->call, principal.id, op->path[2], err);
	if (rc != OK)
		return rc;
	jw_raw(&op->out, NULL, one.value);
	op->etag = one.changed;
	return OK;
}

static enum status
body_text(struct str *out, const struct operation_call *op, struct error *err)
{
	struct buf buf;

	buf_init(&buf, op->route->body_max);
	json_dump(&buf, op->body, false);
	*out = arena_copy(op->call.arena, buf_view(&buf));
	bool too_large = buf.failed;
	buf_clear(&buf);
	if (too_large)
		return error_set(err, ERR_TOO_LARGE, "metadata-too-large",
			"The value has more than %zu bytes.", op->route->body_max);
	return out->ptr ? OK : error_no_memory(err);
}

enum status
api_metadata_put(struct operation_call *op, struct error *err)
{
	struct metadata_draft draft = {.key = op->path[2], .if_match = op->if_match};
	struct principal principal;
	struct metadata one;

	enum status rc = load(&principal, op, err);
	if (rc == OK)
		rc = body_text(&draft.value, op, err);
	if (rc == OK)
		rc = metadata_set(&one, &op->call, &principal, &draft, err);
	if (rc == OK)
		op->etag = one.changed;
	return rc;
}

enum status
api_metadata_delete(struct operation_call *op, struct error *err)
{
	struct principal principal;

	enum status rc = load(&principal, op, err);
	if (rc == OK)
		rc = metadata_delete(&op->call, &principal, op->path[2], op->if_match, err);
	return rc;
}
