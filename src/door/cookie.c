#include "door/cookie.h"

#include <stdio.h>

#define COOKIE_MAX 4096 /* what browsers keep */

const char *
cookie__of_session(struct cookie_name *space, struct workspace_id issuer)
{
	char id[UUID_TEXT_LEN + 1];
	if (uuid_is_nil(issuer.id))
		return "__Host-thingward";
	uuid_format(id, issuer.id);
	snprintf(space->text, sizeof(space->text), "__Host-thingward-%s", id);
	return space->text;
}

/* Browsers put "; " between them. */
struct str
cookie__find(struct str header, struct str name)
{
	struct str found = {NULL, 0};
	while (header.ptr) {
		struct str value = str_cut(&header, ';');
		while (value.len && value.ptr[0] == ' ')
			value = (struct str){value.ptr + 1, value.len - 1};
		struct str this = str_cut(&value, '=');
		if (!str_eq(this, name))
			continue;
		if (found.ptr)
			return (struct str){NULL, 0};
		found = value;
	}
	return found;
}

struct str
cookie_get(const struct http_request *r, const char *name)
{
	return cookie__find(http_header_once(r, "Cookie"), str_from(name));
}

static void
add(struct http_request *r, const char *name, struct str value, const char *life)
{
	char space[COOKIE_MAX];
	struct buf text;
	buf_init_fixed(&text, space, sizeof(space));
	buf_printf(&text, "%s=%.*s; Path=/; Secure; HttpOnly; SameSite=Lax%s", name, STR_ARG(value),
		life);
	ASSERT(!text.failed);
	http_add_header(r, "Set-Cookie", buf_view(&text));
}

void
cookie_set(struct http_request *r, const char *name, struct str value)
{
	add(r, name, value, value.ptr ? "" : "; Max-Age=0");
}

struct str
cookie_get_session(const struct http_request *r, struct workspace_id issuer)
{
	struct cookie_name space;
	return cookie_get(r, cookie__of_session(&space, issuer));
}

void
cookie_set_session(struct http_request *r, struct workspace_id issuer, struct str value)
{
	struct cookie_name space;
	cookie_set(r, cookie__of_session(&space, issuer), value);
}

void
cookie_keep(struct http_request *r, const char *name, struct str value, int life_s)
{
	char life[32];
	snprintf(life, sizeof(life), "; Max-Age=%d", life_s);
	add(r, name, value, life);
}
