#include "iam/providers/identities.h"

#include "iam/people/joining.h"
#include "iam/rows.h"
#include "model/names.h"

static const struct sql IDENTITY_SELECT = SQL("SELECT person, email FROM identities"
					      " WHERE org = $1 AND provider = $2 AND subject = $3");
static const struct sql IDENTITY_INSERT =
	SQL("INSERT INTO identities (org, provider, subject, person, principal, email, created_us,"
	    " used_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (org, provider, subject)"
	    " DO UPDATE SET person = $4, principal = $5, email = $6, used_us = $7");
static const struct sql IDENTITY_USED =
	SQL("UPDATE identities SET principal = $4, email = $5, used_us = $6"
	    " WHERE org = $1 AND provider = $2 AND subject = $3");

/* One sign-in on its way. */
struct acceptance {
	struct call *call; /* open on the organisation, as the provider */
	struct tx *tx;
	const struct identity_claims *claims;
	struct provider provider;
	struct person_id known; /* of the identity; nil: it is new */
	bool removed; /* was a member, and is not any more */
	struct str email_normal;
};

static enum status
refuse_inactive(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "principal-not-active",
		"Your account is not active in this organisation: ask whoever runs it.");
}

static enum status
load_provider(struct acceptance *a, const struct identity_sign_in *sign_in, struct error *err)
{
	bool found;

	enum status rc = provider_find(&a->provider, &found, a->call, sign_in->provider, err);
	if (rc == OK && (!found || a->provider.state != STATE_ACTIVE))
		return error_set(err, ERR_NOT_FOUND, "provider-not-found",
			"There is no such way to sign in.");
	if (rc == OK && a->provider.changed != sign_in->changed)
		return error_set(err, ERR_CONFLICT, "provider-changed",
			"The settings of this sign-in were changed just now: begin again.");
	return rc;
}

static enum status
query_identity(struct query *q, struct acceptance *a, const struct sql *sql, struct error *err)
{
	enum status rc = iam__query(q, a->call, sql, a->provider.id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(q, 2, a->provider.id.id);
	query_bind_str(q, 3, a->claims->subject);
	return OK;
}

static enum status
find_identity(struct acceptance *a, struct error *err)
{
	struct query q;

	enum status rc = query_identity(&q, a, &IDENTITY_SELECT, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		a->known.id = query_uuid(&q, 0);
	query_end(&q);
	return rc;
}

/* The member that a person is here. */
static enum status
find_member(struct principal *out, bool *found, struct acceptance *a, struct person_id person,
	struct error *err)
{
	char label[UUID_TEXT_LEN + 1];

	uuid_format(label, person.id);
	const struct principal_name name = {.kind = KIND_MEMBER, .label = str_from(label)};
	return principal_find(out, found, a->call, &name, err);
}

struct named {
	struct person person;
	struct principal member;
	bool person_found, member_found;
};

static enum status
find_named(struct named *out, struct acceptance *a, struct str name, struct error *err)
{
	*out = (struct named){0};
	if (!name.ptr)
		return error_no_memory(err);
	enum status rc = person_find(&out->person, &out->person_found, a->call, name, err);
	if (rc == OK && out->person_found)
		rc = find_member(&out->member, &out->member_found, a, out->person.id, err);
	return rc;
}

static enum status
refuse_in_use(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "address-in-use",
		"Your address belongs to a member of this organisation already: sign in the way "
		"you did before, or ask whoever runs it to let this provider's accounts be "
		"linked.");
}

/* Another call in the same transaction, on the platform, whose chain persons are of. */
static struct call
beside(const struct call *call)
{
	return (struct call){.address = call->address,
		.now_us = call->now_us,
		.arena = call->arena,
		.directory = call->directory,
		.keyring = call->keyring};
}

static struct actor
actor_of(const struct identity_sign_in *sign_in)
{
	return (struct actor){.org = sign_in->org, .id = sign_in->provider.id};
}

/* What the provider calls somebody, if that is a name here. */
static struct str
claimed_name(const struct identity_claims *claims)
{
	struct error ignored = {0};

	return claims->name.ptr && name_check(claims->name, "name", &ignored) == OK ? claims->name
										    : claims->email;
}

static enum status
make_person(struct person *out, struct acceptance *a, struct str normal, struct error *err)
{
	struct call platform = beside(a->call);
	const struct actor actor = {.org = a->provider.org, .id = a->provider.id.id};
	const struct person_draft draft = {
		.email = a->claims->email, .email_normal = normal, .name = claimed_name(a->claims)};

	enum status rc = call_open_as(&platform, a->tx, PLATFORM, &actor, err);
	if (rc == OK)
		rc = person_create(out, &platform, &draft, err);
	return rc == OK ? call_close(&platform, err) : rc;
}

static enum status
check_sign_up(struct acceptance *a, struct error *err)
{
	struct sign_up sign_up;

	enum status rc = sign_up_find(&sign_up, a->call, a->provider.org, err);
	if (rc == OK && !(sign_up.open && a->provider.sign_up))
		rc = error_set(err, ERR_FORBIDDEN, "sign-up-closed",
			"You are not a member of this organisation: ask one of its members for an "
			"invitation.");
	return rc;
}

static enum status
make_member(struct identified *out, struct acceptance *a, struct named *who, struct str name,
	struct error *err)
{
	struct issued_secret none;

	if (a->removed)
		return refuse_inactive(err);
	enum status rc = check_sign_up(a, err);
	if (rc == OK && !who->person_found)
		rc = make_person(&who->person, a, name, err);
	if (rc != OK)
		return rc;
	const struct principal_draft draft = {.kind = KIND_MEMBER,
		.name = claimed_name(a->claims),
		.email = a->claims->email,
		.person = who->person.id,
		.expires_us = NEVER};
	out->person = who->person;
	out->new_member = true;
	return principal_create(&out->member, &none, a->call, &draft, err);
}

static enum status
insert_identity(const struct identified *who, struct acceptance *a, struct error *err)
{
	struct query q;

	enum status rc = query_identity(&q, a, &IDENTITY_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 4, who->person.id.id);
	query_bind_uuid(&q, 5, who->member.id.id);
	query_bind_str(&q, 6, a->claims->email);
	query_bind_int(&q, 7, a->call->now_us);
	return query_run(&q, NULL, err);
}

struct linked {
	const struct identified *who;
	const struct provider *provider;
	struct str subject;
};

static void
linked_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct linked *linked = entity;

	jw_object(w, name);
	jw_uuid(w, "principal", linked->who->member.id.id);
	jw_uuid(w, "provider", linked->provider->id.id);
	jw_str(w, "subject", linked->subject);
	jw_end_object(w);
}

static enum status
link_identity(const struct identified *who, struct acceptance *a, struct error *err)
{
	const struct linked linked = {who, &a->provider, a->claims->subject};

	enum status rc = iam__record(a->call, "identities.link", "member", who->member.id.id,
		VERSIONS(NOTHING, call_json(a->call, linked_write, &linked)), err);
	return rc == OK ? insert_identity(who, a, err) : rc;
}

static enum status
check_address(struct acceptance *a, struct error *err)
{
	struct error malformed = {0};

	if (a->claims->email.ptr && a->claims->email_verified &&
		email_check(a->claims->email, "email", a->call->arena, &a->email_normal,
			&malformed) == OK)
		return OK;
	if (malformed.status == ERR_NO_MEMORY)
		return error_no_memory(err);
	return error_set(err, ERR_FORBIDDEN, "address-not-verified",
		"The provider does not confirm your e-mail address: verify it there, and sign in "
		"again.");
}

/* Who has not come this way before. */
static enum status
accept_new(struct identified *out, struct acceptance *a, struct error *err)
{
	struct named person, own;

	enum status rc = check_address(a, err);
	struct str own_text = NOTHING;
	if (rc == OK)
		own_text = person_own_name(a->call->arena, a->provider.org, a->email_normal);
	if (rc == OK)
		rc = find_named(&person, a, a->email_normal, err);
	if (rc == OK)
		rc = find_named(&own, a, own_text, err);
	if (rc != OK)
		return rc;
	bool links = provider_links(&a->provider, a->email_normal);
	struct named *member = person.member_found ? &person : own.member_found ? &own : NULL;
	if (member && !links)
		return refuse_in_use(err);
	if (member) {
		out->person = member->person;
		rc = principal_accept(&out->member, a->call, member->member.id, err);
	} else if (links) {
		rc = make_member(out, a, &person, a->email_normal, err);
	} else {
		rc = make_member(out, a, &own, own_text, err);
	}
	return rc == OK ? link_identity(out, a, err) : rc;
}

static enum status
note_use(const struct identified *who, struct acceptance *a, struct error *err)
{
	struct query q;

	enum status rc = query_identity(&q, a, &IDENTITY_USED, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 4, who->member.id.id);
	query_bind_str(&q, 5, a->claims->email.ptr ? a->claims->email : STR(""));
	query_bind_int(&q, 6, a->call->now_us);
	return query_run(&q, NULL, err);
}

/* Whoever was removed does not become a member anew by himself; as one who was invited again he is
 * linked again. */
static enum status
accept_known(struct identified *out, struct acceptance *a, struct error *err)
{
	bool found, member;

	enum status rc = person_find_by_id(&out->person, &found, a->call, a->known, err);
	if (rc == OK)
		rc = find_member(&out->member, &member, a, a->known, err);
	if (rc != OK)
		return rc;
	a->removed = !found || !member;
	if (a->removed)
		return accept_new(out, a, err);
	rc = principal_accept(&out->member, a->call, out->member.id, err);
	return rc == OK ? note_use(out, a, err) : rc;
}

static enum status
check_person(const struct identified *who, struct error *err)
{
	if (who->person.state == STATE_ACTIVE)
		return OK;
	return error_set(err, ERR_FORBIDDEN, "account-not-active",
		"This account cannot be used: ask whoever runs this installation.");
}

enum status
identity_accept(struct identified *out, struct call *call, const struct identity_sign_in *sign_in,
	struct error *err)
{
	struct tx *tx = call->tx;
	struct call own = beside(call);
	const struct actor actor = actor_of(sign_in);
	struct acceptance a = {.call = &own, .tx = tx, .claims = &sign_in->claims};

	*out = (struct identified){0};
	ASSERT(sign_in->claims.subject.ptr && sign_in->claims.subject.len <= IDENTITY_SUBJECT_MAX);
	call_open_event(call, tx, PLATFORM);
	enum status rc = call_open_as(&own, tx, sign_in->org, &actor, err);
	if (rc == OK)
		rc = load_provider(&a, sign_in, err);
	if (rc == OK)
		rc = find_identity(&a, err);
	if (rc == OK)
		rc = uuid_is_nil(a.known.id) ? accept_new(out, &a, err)
					     : accept_known(out, &a, err);
	if (rc == OK)
		rc = check_person(out, err);
	if (rc == OK)
		rc = provider_sync(&own, &a.provider, out->member.id, sign_in->claims.groups, err);
	return rc == OK ? call_close(&own, err) : rc;
}
