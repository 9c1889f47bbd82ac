/* Passkeys of one's own: added, which needs the script, renamed and removed. */
#include "pages/own.h"

#define PASSKEY_VALUES 4

bool
own_passkeys_possible(const struct visit *v)
{
	return passkey_available(v->options->signin->base_url);
}

static struct html_map
map_of(struct visit *v, const struct passkey *p)
{
	struct html_value *values =
		arena_new_array(http_arena(v->http), struct html_value, PASSKEY_VALUES);
	char id[UUID_TEXT_LEN + 1];

	if (!values)
		return (struct html_map){NULL, 0};
	uuid_format(id, p->id.id);
	values[0] = HTML_S("id", visit_print(v, "%s", id));
	values[1] = HTML_S("name", p->name);
	values[2] = HTML_S("created", own_time(v, p->created_us));
	values[3] = HTML_S("used", p->used_us ? own_time(v, p->used_us) : STR(""));
	return (struct html_map){values, PASSKEY_VALUES};
}

void
own_passkey_maps(struct html_map out[PASSKEYS_MAX], struct visit *v)
{
	const struct owned *o = v->state;

	for (size_t i = 0; i < o->passkey_count; i++)
		out[i] = map_of(v, &o->passkeys[i]);
}

enum status
own_passkey_options(struct str *out, struct visit *v, struct error *err)
{
	const struct passkey_ceremony ceremony = visit_ceremony(v, PASSKEY_ADD);
	const struct owned *o = v->state;
	const struct passkey_owner owner = {
		o->person.id, o->person.email, o->person.name, visit_brand(v)};

	*out = STR("");
	if (!own_is_fresh(v) || o->passkey_count == PASSKEYS_MAX)
		return OK;
	return passkey_creation(out, &ceremony, &owner, o->passkeys, o->passkey_count, err);
}

static enum status
add(struct visit *v, struct call *own, struct error *err)
{
	struct owned *o = v->state;
	struct passkey passkey;

	enum status rc = passkey_add(&passkey, own, v->session.person, &o->key, o->typed, err);
	return rc == OK ? own_first_codes(v, own, err) : rc;
}

static void
added(struct visit *v)
{
	const struct owned *o = v->state;

	if (o->codes_made)
		own_show_codes(v);
	else
		visit_go(v, "/account?done=passkey", NULL);
}

static enum status
read_new(struct visit *v, struct error *err)
{
	const struct passkey_ceremony ceremony = visit_ceremony(v, PASSKEY_ADD);
	struct owned *o = v->state;
	struct passkey_answer answer;

	enum status rc = visit_name(&o->typed, v, err);
	if (rc == OK)
		rc = passkey_read(&answer, &ceremony, visit_field(v, "passkey"), err);
	return rc == OK ? passkey_verify_new(&o->key, &ceremony, &answer, err) : rc;
}

static enum status
rename_one(struct visit *v, struct call *own, struct error *err)
{
	const struct owned *o = v->state;

	return passkey_rename(own, v->session.person, o->passkey, o->typed, err);
}

static void
renamed(struct visit *v)
{
	visit_go(v, "/account?done=passkey_renamed", NULL);
}

static enum status
remove_one(struct visit *v, struct call *own, struct error *err)
{
	const struct owned *o = v->state;

	return passkey_remove(own, v->session.person, o->passkey, err);
}

static void
removed(struct visit *v)
{
	visit_go(v, "/account?done=passkey_removed", NULL);
}

/* Which one is in the button that was pressed. */
static bool
is_about(struct visit *v, const char *button)
{
	struct owned *o = v->state;

	return uuid_parse(visit_field(v, button), &o->passkey.id);
}

static void
refuse(struct visit *v, const struct error *err)
{
	if (!own_refused(v, err))
		visit_fail(v, err);
}

void
passkeys_act(struct visit *v)
{
	struct owned *o = v->state;
	struct error err = {0};

	if (!own_is_fresh(v))
		own_ask_again(v);
	else if (is_about(v, "remove"))
		own_change(v, remove_one, removed);
	else if (is_about(v, "rename") && visit_name(&o->typed, v, &err) == OK)
		own_change(v, rename_one, renamed);
	else if (err.status == OK && !visit_field(v, "passkey").ptr)
		visit_go(v, "/account", NULL);
	else if (err.status == OK && read_new(v, &err) == OK)
		own_change(v, add, added);
	else
		refuse(v, &err);
}
