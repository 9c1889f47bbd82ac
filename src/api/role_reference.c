/* Which role carries which permission, as JSON, Markdown or CSV (B12, C13). */
#include <stdlib.h>

#include "api/operations.h"
#include "iam/access/permissions.h"
#include "iam/access/roles.h"
#include "policy/lookup.h"

struct table {
	const struct org_view *org;
	const struct role **roles;
	const struct role_view **views;
	size_t count;
};

static enum status
add_page(struct table *table, struct operation_call *op, struct page *page, struct error *err)
{
	struct role *roles;
	size_t count;

	enum status rc = role_list(&roles, &count, &op->call, &(struct role_filter){0}, page, err);
	for (size_t i = 0; rc == OK && i < count && table->count < table->org->role_end; i++) {
		table->roles[table->count] = &roles[i];
		table->views[table->count] = org_role_by_id(table->org, roles[i].id, NULL);
		table->count += table->views[table->count] != NULL;
	}
	return rc;
}

static enum status
load(struct table *table, struct operation_call *op, struct error *err)
{
	const struct org_view *org = op->call.org;
	struct page page = {.limit = 200};
	enum status rc;

	*table = (struct table){.org = org,
		.roles = arena_new_array(op->call.arena, const struct role *, org->role_end + 1),
		.views = arena_new_array(
			op->call.arena, const struct role_view *, org->role_end + 1)};
	if (!table->roles || !table->views)
		return error_no_memory(err);
	do {
		page.more = false;
		rc = add_page(table, op, &page, err);
		page.after = page.last;
	} while (rc == OK && page.more);
	return rc;
}

static void
write_role(struct json_writer *w, const struct table *table, size_t at)
{
	const struct role *role = table->roles[at];
	const struct permset *set = &table->views[at]->exercises;

	jw_object(w, NULL);
	jw_str(w, "role", role->name);
	jw_str(w, "title", role->title);
	jw_str(w, "description", role->description);
	jw_array(w, "kinds");
	for (int kind = KIND_MEMBER; kind < KIND_COUNT; kind++) {
		if (role->kinds & KIND_BIT(kind))
			jw_z(w, NULL, kind_name((enum principal_kind)kind));
	}
	jw_end_array(w);
	jw_array(w, "permissions");
	for (uint32_t p = permset_next(set, 0); p != PERMISSION_NONE; p = permset_next(set, p + 1))
		jw_str(w, NULL, org_permission_name(table->org, p));
	jw_end_array(w);
	jw_end_object(w);
}

static void
write_json(struct json_writer *w, const struct table *table)
{
	jw_object(w, NULL);
	jw_array(w, "roles");
	for (size_t i = 0; i < table->count; i++)
		write_role(w, table, i);
	jw_end_array(w);
	jw_end_object(w);
}

struct style {
	const char *begin, *between, *end, *yes, *no;
};
static const struct style MARKDOWN = {"| ", " | ", " |\n", "yes", ""};
static const struct style CSV = {"", ",", "\r\n", "1", "0"};

/* A line of the table. */
struct row {
	uint32_t number;
	struct str name, group;
};

static void
write_head(struct buf *out, const struct table *table, const struct style *style)
{
	buf_printf(out, "%spermission%sgroup", style->begin, style->between);
	for (size_t i = 0; i < table->count; i++) {
		buf_str(out, str_from(style->between));
		buf_str(out, table->roles[i]->name);
	}
	buf_str(out, str_from(style->end));
	if (style != &MARKDOWN)
		return;
	for (size_t i = 0; i < table->count + 2; i++)
		buf_str(out, STR("| --- "));
	buf_str(out, STR("|\n"));
}

static void
write_row(struct buf *out, const struct table *table, const struct style *style,
	const struct row *row)
{
	buf_str(out, str_from(style->begin));
	buf_str(out, row->name);
	buf_str(out, str_from(style->between));
	buf_str(out, row->group);
	for (size_t i = 0; i < table->count; i++) {
		bool has = permset_has(&table->views[i]->exercises, row->number);
		buf_str(out, str_from(style->between));
		buf_str(out, str_from(has ? style->yes : style->no));
	}
	buf_str(out, str_from(style->end));
}

static int
compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	int order = str_compare(left->group, right->group);

	return order ? order : (left->number > right->number) - (left->number < right->number);
}

/* By group, then by number. What is only another name of a built-in permission has no row. */
static enum status
load_rows(struct row **out, size_t *count, const struct table *table, struct call *call,
	struct error *err)
{
	const struct org_view *org = table->org;
	struct str *groups;

	*count = 0;
	*out = arena_new_array(call->arena, struct row, org->permission_end);
	if (!*out)
		return error_no_memory(err);
	enum status rc = permission_load_groups(&groups, org->permission_end, call, err);
	for (uint32_t n = 0; rc == OK && n < org->permission_end; n++) {
		const struct permission_view *own = org_permission_at(org, n);
		struct str name = org_permission_name(org, n);
		if (name.ptr && (!own || own->alias == PERMISSION_NONE))
			(*out)[(*count)++] = (struct row){n, name, groups[n]};
	}
	if (*count > 0)
		qsort(*out, *count, sizeof(**out), compare_rows);
	return rc;
}

/* Names of permissions, groups and roles: none can hold what a table would have to escape. */
static enum status
write_table(struct operation_call *op, const struct table *table, const struct style *style,
	struct error *err)
{
	struct buf *out = op->out.out;
	struct row *rows;
	size_t count;

	enum status rc = load_rows(&rows, &count, table, &op->call, err);
	if (rc != OK)
		return rc;
	write_head(out, table, style);
	for (size_t i = 0; i < count; i++)
		write_row(out, table, style, &rows[i]);
	return OK;
}

enum status
api_role_reference(struct operation_call *op, struct error *err)
{
	struct str format = param_str(op, "format");
	struct table table;

	enum status rc = load(&table, op, err);
	if (rc != OK)
		return rc;
	if (str_eq(format, STR("markdown"))) {
		op->content_type = "text/markdown; charset=utf-8";
		return write_table(op, &table, &MARKDOWN, err);
	}
	if (str_eq(format, STR("csv"))) {
		op->content_type = "text/csv; charset=utf-8";
		return write_table(op, &table, &CSV, err);
	}
	write_json(&op->out, &table);
	return OK;
}
