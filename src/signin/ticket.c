#include "signin/ticket.h"

#include "signin/carried.h"
#include "json/json.h"
#include "json/writer.h"

/* Sealed, and in base64url, it is TICKET_TEXT_MAX long. */
#define PLAIN_MAX (TICKET_TEXT_MAX / 4 * 3 - KEYRING_SEAL_OVERHEAD)

/* What is in it, under short names: it stands in addresses. */
static const struct {
	const char *name;
	size_t at;
} texts[] = {
	{"uri", offsetof(struct ticket, redirect_uri)},
	{"st", offsetof(struct ticket, state)},
	{"sc", offsetof(struct ticket, scope)},
	{"ch", offsetof(struct ticket, challenge)},
	{"no", offsetof(struct ticket, nonce)},
	{"re", offsetof(struct ticket, resource)},
	{"hi", offsetof(struct ticket, login_hint)},
	{"cl", offsetof(struct ticket, claims)},
	{"su", offsetof(struct ticket, subject)},
	{"na", offsetof(struct ticket, name)},
	{"pa", offsetof(struct ticket, path)},
};

static struct str *
text_at(const struct ticket *ticket, size_t i)
{
	return (struct str *)(void *)((char *)(uintptr_t)ticket + texts[i].at);
}

/* The kind is bound as well: no ticket is taken for another. */
#define AAD_MAX 64
static struct str
aad_of(char space[AAD_MAX], enum ticket_kind kind, struct workspace_id issuer)
{
	struct buf aad;
	char id[UUID_TEXT_LEN + 1];
	uuid_format(id, issuer.id);
	buf_init_fixed(&aad, space, AAD_MAX);
	buf_printf(&aad, "ticket %d %s", (int)kind, id);
	return buf_view(&aad);
}

static void
write_id(struct json_writer *w, const char *name, struct uuid id)
{
	if (!uuid_is_nil(id))
		jw_uuid(w, name, id);
}

static void
write_number(struct json_writer *w, const char *name, int64_t value, int64_t usual)
{
	if (value != usual)
		jw_int(w, name, value);
}

static void
write_ticket(struct json_writer *w, const struct ticket *ticket)
{
	jw_object(w, NULL);
	jw_int(w, "at", ticket->started_us);
	write_id(w, "id", ticket->client.id);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (text_at(ticket, i)->ptr)
			jw_str(w, texts[i].name, *text_at(ticket, i));
	}
	write_number(w, "rs", ticket->redirect_stated, 0);
	write_number(w, "fp", ticket->form_post, 0);
	write_number(w, "pr", ticket->prompt, 0);
	write_number(w, "ma", ticket->max_age_s, MAX_AGE_NONE);
	write_number(w, "sf", (int)ticket->second, 0);
	write_id(w, "ac", ticket->account);
	write_id(w, "or", ticket->organisation.id);
	write_number(w, "de", ticket->denied, 0);
	jw_end_object(w);
}

enum status
ticket_seal(struct str *out, const struct ticket *ticket, struct workspace_id issuer,
	const struct keyring *ring, struct arena *arena, struct error *err)
{
	char space[PLAIN_MAX], aad[AAD_MAX];
	struct buf plain;
	struct json_writer w;

	*out = (struct str){NULL, 0};
	buf_init_fixed(&plain, space, sizeof(space));
	jw_init(&w, &plain);
	write_ticket(&w, ticket);
	if (plain.failed)
		return error_set(err, ERR_INVALID, "ticket-too-long",
			"The request is too long: ask for fewer scopes and claims.");
	return carried_seal(
		out, buf_view(&plain), ring, aad_of(aad, ticket->kind, issuer), arena, err);
}

static enum status
invalid(struct error *err)
{
	return error_set(err, ERR_INVALID, "ticket-invalid",
		"This page was opened in a way that it was not made for; go back to the "
		"application and begin again.");
}

static struct uuid
read_id(const struct json *doc, const char *name)
{
	struct uuid id;
	return uuid_parse(json_str(json_get(doc, name)), &id) ? id : (struct uuid){{0}};
}

static enum status
read_ticket(struct ticket *out, const struct json *doc, struct arena *arena, struct error *err)
{
	const struct json *age = json_get(doc, "ma");
	out->started_us = json_int(json_get(doc, "at"));
	out->client.id = read_id(doc, "id");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str text = json_str(json_get(doc, texts[i].name));
		*text_at(out, i) = arena_copy(arena, text);
		if (text.ptr && !text_at(out, i)->ptr)
			return error_no_memory(err);
	}
	out->redirect_stated = json_int(json_get(doc, "rs")) != 0;
	out->form_post = json_int(json_get(doc, "fp")) != 0;
	out->prompt = (unsigned)json_int(json_get(doc, "pr"));
	out->max_age_s = age ? json_int(age) : MAX_AGE_NONE;
	out->second = (enum ticket_second)json_int(json_get(doc, "sf"));
	out->account = read_id(doc, "ac");
	out->organisation.id = read_id(doc, "or");
	out->denied = json_int(json_get(doc, "de")) != 0;
	return OK;
}

static enum status
unseal(struct buf *plain, struct str text, const struct ticket_source *source, struct error *err)
{
	char aad[AAD_MAX];
	bool sound;

	enum status rc = carried_open(
		&sound, plain, text, source->ring, aad_of(aad, source->kind, source->issuer), err);
	return rc == OK && !sound ? invalid(err) : rc;
}

enum status
ticket_open(struct ticket *out, struct str text, const struct ticket_source *source,
	struct arena *arena, struct error *err)
{
	char space[PLAIN_MAX];
	struct buf plain;
	struct json *doc = NULL;

	*out = (struct ticket){.kind = source->kind, .max_age_s = MAX_AGE_NONE};
	buf_init_fixed(&plain, space, sizeof(space));
	enum status rc = unseal(&plain, text, source, err);
	if (rc == OK)
		rc = json_parse(&doc, buf_view(&plain), JSON_LIMITS_DEFAULT, err);
	if (rc == OK)
		rc = read_ticket(out, doc, arena, err);
	json_free(&doc);
	if (rc != OK)
		return rc;
	if (source->now_us - out->started_us >= TICKET_LIFE_US)
		return error_set(err, ERR_INVALID, "ticket-expired",
			"This has waited for too long; go back to the application and begin "
			"again.");
	return OK;
}
