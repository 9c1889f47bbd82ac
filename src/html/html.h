#ifndef HTML_HTML_H
#define HTML_HTML_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Templates of pages and mails, compiled by tools/templates.py, and their values. What stands in a
 * template is the author's; a value is escaped for the place where it stands, which the compiler
 * has found out, and there is no way around it. All of it is immutable; threads: any.
 */
enum html_op_type {
	HTML_LITERAL, /* the bytes themselves */
	HTML_ESCAPED, /* a value in text or in a quoted attribute */
	HTML_ADDRESS, /* a value that is an address: a link, the target of a form */
	HTML_PLAIN, /* a value in a text that is not HTML */
	HTML_IF, /* up to `end`, when the value holds; for each item, when it is a list */
	HTML_UNLESS, /* up to `end`, when it does not */
};

struct html_op {
	enum html_op_type type;
	unsigned end; /* of a section: the index behind its last operation */
	struct str text; /* the bytes, or the name of the value */
};

struct html_template {
	const char *name; /* of its file */
	const struct html_op *ops;
	size_t count;
};

struct html_value;

struct html_map {
	const struct html_value *values;
	size_t count;
};

enum html_type {
	HTML_TEXT, /* holds when it is not empty */
	HTML_LINK, /* as a text, and an address to whatever host or application: one that we made
		    * ourselves, or checked */
	HTML_FLAG,
	HTML_LIST, /* holds when it has items */
};

struct html_value {
	const char *name;
	enum html_type type;
	union {
		struct str text; /* UTF-8; what is malformed is shown as U+FFFD */
		bool flag;
		struct {
			const struct html_map *items;
			size_t count;
		} list;
	};
};

/* HTML_MAP(HTML_S("email", email), HTML_B("remember", true)) lives as long as its block. */
#define HTML_S(name_, s) ((struct html_value){.name = (name_), .type = HTML_TEXT, .text = (s)})
#define HTML_Z(name_, z) HTML_S(name_, str_from(z))
#define HTML_U(name_, s) ((struct html_value){.name = (name_), .type = HTML_LINK, .text = (s)})
#define HTML_B(name_, b) ((struct html_value){.name = (name_), .type = HTML_FLAG, .flag = (b)})
#define HTML_L(name_, items_, count_)                                                              \
	((struct html_value){.name = (name_), .type = HTML_LIST, .list = {(items_), (count_)}})
#define HTML_MAP(...)                                                                              \
	((struct html_map){(const struct html_value[]){__VA_ARGS__},                               \
		ARRAY_LEN(((const struct html_value[]){__VA_ARGS__}))})

/*
 * Appends the document to `out`, whose maximum bounds it. Inside a list, an item's values hide
 * those around it. ERR_INTERNAL "template-failed", with the name in the detail, when a value is
 * missing, is an absent text, is of another type than the template makes of it, is an address that
 * html_address_allowed refuses or, in a text that is not HTML, contains control characters; also
 * when the document does not fit. `out` is then of no use.
 */
enum status html_render(struct buf *out, const struct html_template *html,
	const struct html_map *values, struct error *err) MUST_USE;

/*
 * What a link or a form may lead to when the address comes from outside: https, http to a loopback
 * address, or a path of this server ("/…", but not "//…"; "?…", "#…"). To be asked before
 * rendering wherever the address was not checked when it was stored.
 */
bool html_address_allowed(struct str address);

/* As text of an HTML document or of a quoted attribute. */
void html_escape(struct buf *out, struct str text);

#endif
