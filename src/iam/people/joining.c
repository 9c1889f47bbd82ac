#include "iam/people/joining.h"

#include "base/clock.h"
#include "iam/mails/mails.h"
#include "iam/principals/rows.h"
#include "iam/rows.h"
#include "model/names.h"

static const struct sql ORG_SIGN_UP = SQL("SELECT name, state, sign_up FROM orgs WHERE org = $1");
/* Who made the principal: one of its own organisation, or of the platform. */
static const struct sql INVITER = SQL("SELECT p.name, i.name FROM principals p"
				      " LEFT JOIN principals i ON i.org = p.org"
				      "  AND i.principal = p.created_by AND i.kind = 1"
				      " WHERE p.org = $1 AND p.principal = $2");

enum status
sign_up_find(struct sign_up *out, struct call *call, struct org_id org, struct error *err)
{
	struct query q;

	*out = (struct sign_up){.org = org};
	enum status rc = query_begin(&q, call->tx, &ORG_SIGN_UP, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		out->name = iam__text(&q, 0, call);
		out->open = query_int(&q, 1) == STATE_ACTIVE && query_int(&q, 2) != 0;
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

static enum status
find_inviter(struct str *out, struct call *call, struct principal_id invited, struct error *err)
{
	struct query q;

	*out = NOTHING;
	enum status rc = iam__query(&q, call, &INVITER, invited.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		*out = iam__text(&q, 1, call);
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

/* Where an invitation leads. */
static struct str
invitation_url(struct call *call, const struct link *link, struct str base_url,
	const struct secret_text *secret)
{
	char workspace[UUID_TEXT_LEN + 1];

	if (uuid_is_nil(link->workspace.id))
		return arena_printf(
			call->arena, "%.*s/invitation?link=%s", STR_ARG(base_url), secret->text);
	uuid_format(workspace, link->workspace.id);
	return arena_printf(call->arena, "%.*s/w/%s/invitation?link=%s", STR_ARG(base_url),
		workspace, secret->text);
}

static enum status
mail_invitation(struct call *call, const struct link *link, struct str url, struct error *err)
{
	struct sign_up org;
	struct str inviter;
	bool queued;

	enum status rc = sign_up_find(&org, call, call->chain.org, err);
	if (rc == OK)
		rc = find_inviter(&inviter, call, link->principal, err);
	if (rc != OK)
		return rc;
	const struct mail_field fields[] = {
		{"link", url},
		{"organisation", org.name},
		{"inviter", inviter.ptr ? inviter : STR("")},
		{"email", link->email},
	};
	const struct mail_draft draft = {.template = "invitation",
		.recipient = link->email,
		.recipient_normal = link->email_normal,
		.fields = fields,
		.field_count = ARRAY_LEN(fields),
		.expires_us = link->expires_us};
	rc = mail_enqueue(&queued, call, &draft, err);
	if (rc == OK && !queued)
		rc = error_set(err, ERR_LIMIT, "too-many-mails",
			"Too many mails were sent to this address, or by this organisation, within "
			"an hour: try again later.");
	return rc;
}

enum status
invitation_send(
	struct call *call, const struct principal *invited, struct str base_url, struct error *err)
{
	struct secret_text secret;
	struct link link;
	struct str normal;

	if (invited->state != STATE_INVITED || !kind_has_email(invited->kind))
		return error_set(err, ERR_CONFLICT, "not-invited",
			"Only a member or end-user in state invited can be sent an invitation.");
	enum status rc = email_check(invited->email, "email", call->arena, &normal, err);
	if (rc != OK)
		return rc;
	const struct link draft = {.kind = LINK_INVITATION,
		.workspace = invited->workspace,
		.principal = invited->id,
		.person = invited->person,
		.email = invited->email,
		.email_normal = normal};
	rc = link_issue(&link, &secret, call, &draft, err);
	if (rc == OK) {
		struct str url = invitation_url(call, &link, base_url, &secret);
		rc = url.ptr ? mail_invitation(call, &link, url, err) : error_no_memory(err);
	}
	crypto_wipe(&secret, sizeof(secret));
	return rc;
}

enum status
invitation_resend(
	struct call *call, const struct principal *invited, struct str base_url, struct error *err)
{
	enum status rc = invitation_send(call, invited, base_url, err);

	return rc == OK ? iam__record(call, "principals.invite", kind_name(invited->kind),
				  invited->id.id, VERSIONS(NOTHING, NOTHING), err)
			: rc;
}

static enum status
find_person(struct person *out, struct call *call, struct person_id id, struct error *err)
{
	bool found;

	enum status rc = person_find_by_id(out, &found, call, id, err);
	if (rc == OK && (!found || out->state != STATE_ACTIVE))
		rc = error_set(err, ERR_FORBIDDEN, "account-not-active",
			"This account cannot be used: ask whoever runs this installation.");
	return rc;
}

enum status
invitation_find(struct invitation *out, struct call *call, struct str secret, struct error *err)
{
	struct sign_up org = {0};

	*out = (struct invitation){0};
	enum status rc = link_find(&out->link, call, LINK_INVITATION, secret, err);
	if (rc == OK)
		rc = sign_up_find(&org, call, call->chain.org, err);
	if (rc == OK)
		rc = find_inviter(&out->inviter, call, out->link.principal, err);
	out->org_name = org.name;
	if (rc != OK || uuid_is_nil(out->link.person.id))
		return rc;
	rc = find_person(&out->person, call, out->link.person, err);
	out->new_account = rc == OK && !person_is_established(&out->person);
	return rc;
}

/* Another call in the same transaction. */
static struct call
beside(const struct call *call)
{
	return (struct call){.address = call->address,
		.now_us = call->now_us,
		.arena = call->arena,
		.directory = call->directory,
		.keyring = call->keyring};
}

static enum status
open_platform(struct call *out, const struct call *call, struct tx *tx, struct person_id person,
	struct error *err)
{
	const struct actor actor = {.id = person.id};

	*out = beside(call);
	return call_open_as(out, tx, PLATFORM, &actor, err);
}

/* The account is there: then he who holds the link has to be signed in to it. */
static enum status
check_signed_in(const struct person *person, struct person_id signed_in, struct error *err)
{
	if (uuid_eq(person->id.id, signed_in.id))
		return OK;
	if (uuid_is_nil(signed_in.id))
		return error_set(err, ERR_UNAUTHENTICATED, "sign-in-needed",
			"Sign in as %.*s first.", STR_ARG(person->email));
	return error_set(err, ERR_FORBIDDEN, "wrong-person",
		"This is for %.*s, and somebody else is signed in here: sign out first, or open "
		"the link in another browser.",
		STR_ARG(person->email));
}

/* Name and password of an account that has been named by others alone until now. */
static enum status
establish(struct person *person, const struct call *call, struct tx *tx,
	const struct joining *joining, struct error *err)
{
	const struct person_update update = {
		.name = joining->name, .password = joining->password, .verified = true};
	struct call own;

	if (!joining->name.ptr || !joining->password.ptr)
		return error_set(err, ERR_INVALID, "account-incomplete",
			"State a name and a password for the new account.");
	enum status rc = open_platform(&own, call, tx, person->id, err);
	/* Once more, now that nobody else changes it. */
	if (rc == OK)
		rc = find_person(person, &own, person->id, err);
	if (rc == OK && person_is_established(person))
		return check_signed_in(person, joining->signed_in, err);
	if (rc == OK)
		rc = person_update(person, &own, &update, err);
	return rc == OK ? call_close(&own, err) : rc;
}

static enum status
prove_person(struct person *person, const struct call *call, struct tx *tx,
	const struct joining *joining, struct error *err)
{
	return person_is_established(person) ? check_signed_in(person, joining->signed_in, err)
					     : establish(person, call, tx, joining, err);
}

enum status
invitation_accept(struct joined *out, struct call *call, struct org_id org,
	const struct joining *joining, struct error *err)
{
	struct tx *tx = call->tx;

	*out = (struct joined){0};
	call_open_event(call, tx, org);
	enum status rc = link_find(&out->link, call, LINK_INVITATION, joining->secret, err);
	if (rc != OK)
		return rc;
	struct call own = beside(call);
	bool member = !uuid_is_nil(out->link.person.id);
	const struct actor actor = {
		org, out->link.principal.id, member ? KIND_MEMBER : KIND_END_USER};
	rc = call_open_as(&own, tx, org, &actor, err);
	if (rc == OK && member)
		rc = find_person(&out->person, call, out->link.person, err);
	if (rc == OK && member)
		rc = prove_person(&out->person, call, tx, joining, err);
	if (rc == OK)
		rc = principal_accept(&out->principal, &own, out->link.principal, err);
	if (rc == OK)
		rc = link_consume(call, &out->link, err);
	return rc == OK ? call_close(&own, err) : rc;
}

/* The account of an address that was proved: found, or made. */
static enum status
person_of_address(struct person *out, const struct call *call, struct tx *tx,
	const struct link *link, const struct joining *joining, struct error *err)
{
	struct call own = beside(call);
	bool found;

	call_open_event(&own, tx, PLATFORM);
	enum status rc = person_find(out, &found, &own, link->email_normal, err);
	if (rc != OK || found)
		return rc == OK ? find_person(out, &own, out->id, err) : rc;
	rc = open_platform(&own, call, tx, (struct person_id){{{0}}}, err);
	if (rc != OK)
		return rc;
	const struct person_draft draft = {.email = link->email,
		.email_normal = link->email_normal,
		.name = joining->name.ptr ? joining->name : link->email};
	rc = person_create(out, &own, &draft, err);
	return rc == OK ? call_close(&own, err) : rc;
}

/* Becomes a member, with the default role of its kind. */
static enum status
become_member(
	struct principal *out, struct call *call, const struct person *person, struct error *err)
{
	char label[UUID_TEXT_LEN + 1];
	struct issued_secret none;
	bool found;

	uuid_format(label, person->id.id);
	const struct principal_name name = {.kind = KIND_MEMBER, .label = str_from(label)};
	enum status rc = principal_find(out, &found, call, &name, err);
	if (rc != OK)
		return rc;
	if (found)
		return principal_accept(out, call, out->id, err);
	const struct principal_draft draft = {.kind = KIND_MEMBER,
		.name = person->name,
		.email = person->email,
		.expires_us = NEVER};
	return principal_create(out, &none, call, &draft, err);
}

static enum status
check_open(struct call *call, struct org_id org, struct error *err)
{
	struct sign_up sign_up;

	enum status rc = sign_up_find(&sign_up, call, org, err);
	if (rc == OK && !sign_up.open)
		rc = error_set(err, ERR_FORBIDDEN, "sign-up-closed",
			"This organisation does not let people join on their own: ask one of its "
			"members for an invitation.");
	return rc;
}

enum status
sign_up_accept(struct joined *out, struct call *call, struct org_id org,
	const struct joining *joining, struct error *err)
{
	struct tx *tx = call->tx;
	struct call own = beside(call);

	*out = (struct joined){0};
	call_open_event(call, tx, org);
	enum status rc = link_find(&out->link, call, LINK_SIGN_UP, joining->secret, err);
	if (rc == OK)
		rc = check_open(call, org, err);
	/* The organisation is locked before the platform, as everywhere. */
	if (rc == OK)
		rc = call_open_as(&own, tx, org, &(struct actor){0}, err);
	if (rc == OK)
		rc = person_of_address(&out->person, call, tx, &out->link, joining, err);
	if (rc == OK)
		rc = prove_person(&out->person, call, tx, joining, err);
	if (rc == OK) {
		own.caller.principal.id = out->person.id.id;
		rc = become_member(&out->principal, &own, &out->person, err);
	}
	if (rc == OK)
		rc = link_consume(call, &out->link, err);
	return rc == OK ? call_close(&own, err) : rc;
}
