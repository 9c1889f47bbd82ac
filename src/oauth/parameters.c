#include "oauth/exchange.h"

static enum status
invalid(struct error *err, const char *text)
{
	return oauth__refuse(err, "invalid_request", "%s", text);
}

/* A resource may be one of several (RFC 8707 section 2); nothing else may. */
static enum status
check_repeated(const struct http_form *form, struct error *err)
{
	for (size_t i = 0; i < form->count; i++) {
		struct str name = form->fields[i].name;
		for (size_t j = 0; j < i; j++) {
			if (str_eq(name, form->fields[j].name) && !str_eq(name, STR("resource")))
				return oauth__refuse(err, "invalid_request",
					"The parameter %.*s is there more than once.",
					(int)(name.len < 64 ? name.len : 64), name.ptr);
		}
	}
	return OK;
}

enum status
oauth__read_form(struct exchange *x, struct error *err)
{
	struct error why = {0};
	if (x->form_read)
		return OK;
	enum status rc = http_form_body(&x->form, x->http, &why);
	if (rc == ERR_INVALID)
		return invalid(err, why.text);
	if (rc != OK) {
		*err = why;
		return rc;
	}
	rc = check_repeated(&x->form, err);
	x->form_read = rc == OK;
	return rc;
}

struct str
oauth__parameter(const struct exchange *x, const char *name)
{
	bool repeated;
	struct str value = http_form_get(&x->form, name, &repeated);
	return value.len ? value : (struct str){0};
}
