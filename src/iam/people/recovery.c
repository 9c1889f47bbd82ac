#include "iam/people/recovery.h"

#include "iam/mails/mails.h"
#include "iam/people/links.h"
#include "iam/rows.h"

static enum status
load(struct recovery *out, struct call *call, const struct recovery_wish *wish, struct error *err)
{
	bool found;

	enum status rc = person_find_by_id(&out->person, &found, call, wish->person, err);
	if (rc == OK && !found)
		rc = error_set(err, ERR_NOT_FOUND, "person-not-found", "There is no such person.");
	if (rc == OK)
		rc = call_check_match(wish->if_match, out->person.changed, err);
	if (rc == OK && out->person.state != STATE_ACTIVE)
		rc = error_set(err, ERR_CONFLICT, "person-suspended",
			"This account is suspended: activate it first.");
	if (rc == OK && !person_is_established(&out->person))
		rc = error_set(err, ERR_CONFLICT, "account-not-begun",
			"Nobody has come into this account by its address yet: an invitation, or "
			"the provider of an organisation, is the way in.");
	return rc;
}

static enum status
mail(struct call *call, const struct link *link, struct str url, struct error *err)
{
	struct str minutes = arena_printf(call->arena, "%d", (int)(link_life_s(LINK_RESET) / 60));
	bool queued;

	if (!minutes.ptr)
		return error_no_memory(err);
	const struct mail_field fields[] = {
		{"link", url},
		{"organisation", STR("Thingward")},
		{"minutes", minutes},
		{"email", link->email},
	};
	const struct mail_draft draft = {.template = "recovery",
		.asker = MAIL_FOR_OPERATOR,
		.recipient = link->email,
		.recipient_normal = link->email_normal,
		.fields = fields,
		.field_count = ARRAY_LEN(fields),
		.expires_us = link->expires_us};
	enum status rc = mail_enqueue(&queued, call, &draft, err);
	if (rc == OK && !queued)
		rc = error_set(err, ERR_LIMIT, "too-many-mails",
			"Too many mails were sent to this address within an hour: try again "
			"later.");
	return rc;
}

static enum status
give_link(struct recovery *out, struct call *call, const struct recovery_wish *wish,
	struct error *err)
{
	struct secret_text secret;
	struct link link;
	const struct link draft = {.kind = LINK_RESET,
		.person = out->person.id,
		.email = out->person.email,
		.email_normal = out->person.email_normal};

	enum status rc = link_issue(&link, &secret, call, &draft, err);
	if (rc != OK)
		return rc;
	struct str url = arena_printf(
		call->arena, "%.*s/reset/link?link=%s", STR_ARG(wish->base_url), secret.text);
	crypto_wipe(&secret, sizeof(secret));
	if (!url.ptr)
		return error_no_memory(err);
	out->expires_us = link.expires_us;
	if (wish->mails)
		return mail(call, &link, url, err);
	out->url = url;
	return OK;
}

enum status
person_recover(struct recovery *out, struct call *call, const struct recovery_wish *wish,
	struct error *err)
{
	const struct person_update update = {.recovers = true};

	*out = (struct recovery){0};
	enum status rc = load(out, call, wish, err);
	if (rc == OK && !wish->keeps_factors)
		rc = second_factors_remove(call, out->person.id, err);
	if (rc == OK)
		rc = person_update(&out->person, call, &update, err);
	return rc == OK ? give_link(out, call, wish, err) : rc;
}
