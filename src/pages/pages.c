#include "pages/pages.h"

#include <stdlib.h>

#include "pages/assets.h"
#include "pages/routes.h"

#define BOTH .installation = true, .workspace = true
#define INSTALLATION .installation = true
#define WORKSPACE .workspace = true
#define MINE .signed_in = true
#define WHOLE .whole = true

static const struct page_route routes[] = {
	{"/sign-in", BOTH, .load = sign_in_load, .get = sign_in_show, .post = sign_in_act},
	{"/sign-in/sent", BOTH, .get = sign_in_sent},
	{"/sign-in/password", INSTALLATION, .get = password_show, .post = password_act},
	{"/sign-in/second", INSTALLATION, .load = second_load, .get = second_show,
		.post = second_act},
	{"/sign-in/link", BOTH, .load = link_load, .get = link_show, .post = link_act},
	{"/sign-in/provider", INSTALLATION, .load = provider_away_load, .get = provider_away_show},
	{"/sign-in/provider/callback", INSTALLATION, .load = provider_back_load,
		.get = provider_back_show},
	{"/signed-in", BOTH, MINE, .get = signed_in_show},
	{"/select-account", BOTH, MINE, .get = select_account_show, .post = select_account_act},
	{"/select-organisation", INSTALLATION, MINE, .load = select_load,
		.get = select_organisation_show, .post = select_organisation_act},
	{"/consent", BOTH, MINE, .load = consent_load, .get = consent_show, .post = consent_act},
	{"/invitation", BOTH, WHOLE, .load = invitation_load, .get = join_show, .post = join_act},
	{"/sign-up", INSTALLATION, .load = sign_up_load, .get = sign_up_show, .post = sign_up_act},
	{"/sign-up/sent", INSTALLATION, .get = sign_in_sent},
	{"/sign-up/link", INSTALLATION, WHOLE, .load = sign_up_link_load, .get = join_show,
		.post = join_act},
	{"/reset", INSTALLATION, .get = reset_show, .post = reset_act},
	{"/reset/sent", INSTALLATION, .get = sign_in_sent},
	{"/reset/link", INSTALLATION, .load = reset_link_load, .get = reset_link_show,
		.post = reset_link_act},
	{"/sign-out", BOTH, .get = sign_out_show, .post = sign_out_act},
	{"/signed-out", BOTH, .get = signed_out_show},
	{"/account", BOTH, MINE, .load = account_load, .get = account_show},
	{"/account/sessions", BOTH, MINE, .load = account_load, .post = account_sessions_act},
	{"/account/clients", BOTH, MINE, .load = account_load, .post = account_clients_act},
	{"/account/password", INSTALLATION, MINE, .load = account_load,
		.post = account_password_act},
	{"/account/totp", INSTALLATION, MINE, .load = account_load, .get = totp_show,
		.post = totp_act},
	{"/account/passkeys", INSTALLATION, MINE, .load = account_load, .post = passkeys_act},
};

/* Cuts "/w/{workspace}" off, in the form in which it stands in the name of the issuer. */
static struct workspace_id
cut_workspace(struct str *path)
{
	struct workspace_id id = {{{0}}}, none = {{{0}}};
	char text[UUID_TEXT_LEN + 1];
	size_t len = 3 + UUID_TEXT_LEN;

	if (!str_starts(*path, STR("/w/")) || path->len < len)
		return none;
	struct str stated = {path->ptr + 3, UUID_TEXT_LEN};
	if (!uuid_parse(stated, &id.id))
		return none;
	uuid_format(text, id.id);
	if (!str_eq(stated, str_from(text)))
		return none;
	*path = (struct str){path->ptr + len, path->len - len};
	return id;
}

const struct page_route *
visit_find_route(struct str path, struct workspace_id *issuer)
{
	*issuer = cut_workspace(&path);
	bool installation = uuid_is_nil(issuer->id);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		bool here = installation ? routes[i].installation : routes[i].workspace;
		if (here && str_eq(path, str_from(routes[i].path)))
			return &routes[i];
	}
	return NULL;
}

static const struct page_asset *
find_asset(struct str path)
{
	for (size_t i = 0; i < page_asset_count; i++) {
		if (str_eq(path, page_assets[i].path))
			return &page_assets[i];
	}
	return NULL;
}

static void
answer_asset(struct http_request *r, const struct page_asset *asset)
{
	bool same = str_eq(http_header(r, "If-None-Match"), asset->etag);

	http_add_header(r, "ETag", asset->etag);
	http_add_header(r, "Cache-Control", STR("public, max-age=3600"));
	http_add_header(r, "X-Content-Type-Options", STR("nosniff"));
	http_respond(r, same ? 304 : 200, same ? NULL : asset->content_type,
		same ? STR("") : asset->bytes);
}

bool
pages_handles(struct str path)
{
	struct workspace_id issuer;

	return visit_find_route(path, &issuer) || find_asset(path);
}

enum status
pages_new(struct pages **out, const struct pages_options *options, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return error_no_memory(err);
	(*out)->options = *options;
	return OK;
}

void
pages_free(struct pages **door)
{
	free(*door);
	*door = NULL;
}

void
pages_handle(struct pages *door, struct http_request *r)
{
	const struct page_asset *asset = find_asset(http_path(r));
	struct visit *v = http_state(r);

	if (v)
		visit_resumed(v);
	else if (asset)
		answer_asset(r, asset);
	else
		visit_begin(door, r);
}
