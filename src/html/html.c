#include "html/html.h"

/* The values in sight: of an item, of the item around it, … of the document. */
struct scope {
	const struct html_map *map;
	const struct scope *outer;
};

struct rendering {
	struct buf *out;
	const struct html_template *html;
	struct error *err;
};

static enum status
failed(const struct rendering *r, struct str name, const char *what)
{
	error_set(r->err, ERR_INTERNAL, "template-failed", "The server could not write this text.");
	return error_detail(r->err, "%s: %.*s %s", r->html->name, STR_ARG(name), what);
}

static const struct html_value *
find(const struct scope *scope, struct str name)
{
	for (; scope; scope = scope->outer) {
		for (size_t i = 0; i < scope->map->count; i++) {
			if (str_eq(str_from(scope->map->values[i].name), name))
				return &scope->map->values[i];
		}
	}
	return NULL;
}

static bool
holds(const struct html_value *value)
{
	switch (value->type) {
	case HTML_TEXT:
	case HTML_LINK:
		return value->text.len > 0;
	case HTML_FLAG:
		return value->flag;
	case HTML_LIST:
		return value->list.count > 0;
	}
	return false;
}

/* `from` is the index of the first operation of the section's inside, or of the document. */
static enum status render(
	const struct rendering *r, const struct scope *scope, size_t from, size_t end);

static enum status
section(const struct rendering *r, const struct scope *scope, size_t at)
{
	const struct html_op *op = &r->html->ops[at];
	const struct html_value *value = find(scope, op->text);
	enum status rc = OK;
	if (!value)
		return failed(r, op->text, "is missing");
	if (holds(value) != (op->type == HTML_IF))
		return OK;
	if (op->type == HTML_UNLESS || value->type != HTML_LIST)
		return render(r, scope, at + 1, op->end);
	for (size_t i = 0; rc == OK && i < value->list.count; i++) {
		struct scope inner = {&value->list.items[i], scope};
		rc = render(r, &inner, at + 1, op->end);
	}
	return rc;
}

/* https, http, or the scheme of an application, which has a dot (RFC 8252 section 7.1): no script
 * and no data. */
static bool
leads_out(struct str address)
{
	struct str rest = address, scheme = str_cut(&rest, ':');
	bool web = str_eq(scheme, STR("https")) || str_eq(scheme, STR("http"));
	if (web)
		return str_starts(rest, STR("//"));
	return rest.len && memchr(scheme.ptr, '.', scheme.len) &&
		!memchr(scheme.ptr, '/', scheme.len);
}

static enum status
address(const struct rendering *r, const struct html_op *op, const struct html_value *value)
{
	bool made_here = value->type == HTML_LINK && leads_out(value->text);
	if (!made_here && !html_address_allowed(value->text))
		return failed(r, op->text, "is not an address that a page may lead to");
	html_escape(r->out, value->text);
	return OK;
}

static enum status
plain(const struct rendering *r, const struct html_op *op, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return failed(r, op->text, "contains control characters");
	}
	buf_str(r->out, text);
	return OK;
}

static enum status
put(const struct rendering *r, const struct scope *scope, const struct html_op *op)
{
	const struct html_value *value = find(scope, op->text);
	if (!value)
		return failed(r, op->text, "is missing");
	if (value->type != HTML_TEXT && value->type != HTML_LINK)
		return failed(r, op->text, "is not a text");
	if (!value->text.ptr)
		return failed(r, op->text, "is absent");
	if (op->type == HTML_ADDRESS)
		return address(r, op, value);
	if (op->type == HTML_PLAIN)
		return plain(r, op, value->text);
	html_escape(r->out, value->text);
	return OK;
}

static enum status
render(const struct rendering *r, const struct scope *scope, size_t from, size_t end)
{
	enum status rc = OK;
	for (size_t at = from; rc == OK && at < end;) {
		const struct html_op *op = &r->html->ops[at];
		size_t next = at + 1;
		switch (op->type) {
		case HTML_LITERAL:
			buf_str(r->out, op->text);
			break;
		case HTML_ESCAPED:
		case HTML_ADDRESS:
		case HTML_PLAIN:
			rc = put(r, scope, op);
			break;
		case HTML_IF:
		case HTML_UNLESS:
			rc = section(r, scope, at);
			next = op->end;
			break;
		}
		at = next;
	}
	return rc;
}

enum status
html_render(struct buf *out, const struct html_template *html, const struct html_map *values,
	struct error *err)
{
	struct rendering r = {out, html, err};
	struct scope scope = {values, NULL};
	enum status rc = render(&r, &scope, 0, html->count);
	if (rc == OK && out->failed)
		return failed(&r, STR("the document"), "does not fit");
	return rc;
}
