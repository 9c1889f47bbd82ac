#include "signin/browser.h"

#include "base/random.h"

#define ID_BYTES 32
#define MARK_MAX 64 /* with the NUL: a pepper's number, '-', a hash in base64url */

static bool
is_id(struct str text)
{
	uint8_t bytes[ID_BYTES];
	size_t len = 0;

	return text.len == BROWSER_ID_LEN &&
		crypto_base64url_decode(bytes, sizeof(bytes), &len, text) && len == ID_BYTES;
}

void
browser_parse(struct browser *out, struct str cookie)
{
	struct str id = str_cut(&cookie, '.');

	*out = (struct browser){0};
	if (!is_id(id))
		return;
	out->id = id;
	while (cookie.ptr && out->mark_count < BROWSER_ACCOUNTS_MAX)
		out->marks[out->mark_count++] = str_cut(&cookie, '.');
}

enum status
browser_make(struct browser *out, struct arena *arena, struct error *err)
{
	uint8_t bytes[ID_BYTES];
	char *text = arena_alloc(arena, BROWSER_ID_LEN + 1);

	*out = (struct browser){0};
	if (!text)
		return error_no_memory(err);
	random_bytes(bytes, sizeof(bytes));
	out->id.len = crypto_base64url(text, BROWSER_ID_LEN + 1, bytes, sizeof(bytes));
	out->id.ptr = text;
	return OK;
}

/* A keyed hash of several texts, as "PEPPER-HASH". */
struct message {
	char space[512];
	struct buf buf;
};

static struct str
message_of(struct message *m, const char *what, struct uuid id, struct str browser, struct str text)
{
	char hex[UUID_TEXT_LEN + 1];

	uuid_format(hex, id);
	buf_init_fixed(&m->buf, m->space, sizeof(m->space));
	buf_printf(&m->buf, "%s %s %.*s %.*s", what, hex, STR_ARG(browser), STR_ARG(text));
	return m->buf.failed ? (struct str){NULL, 0} : buf_view(&m->buf);
}

static void
mark_make(char out[MARK_MAX], struct str message, const struct keyring *ring)
{
	uint8_t hash[SHA256_LEN];
	char text[BROWSER_ID_LEN + 1];
	int pepper;
	struct buf b;

	keyring_hash(ring, hash, &pepper, message);
	crypto_base64url(text, sizeof(text), hash, sizeof(hash));
	buf_init_fixed(&b, out, MARK_MAX);
	buf_printf(&b, "%d-%s", pepper, text);
	buf_char(&b, '\0');
}

static bool
mark_check(struct str mark, struct str message, const struct keyring *ring)
{
	uint8_t hash[SHA256_LEN];
	uint64_t pepper;
	size_t len = 0;
	struct str number = str_cut(&mark, '-');

	return message.ptr && str_to_u64(number, &pepper) && pepper <= 255 &&
		crypto_base64url_decode(hash, sizeof(hash), &len, mark) && len == sizeof(hash) &&
		keyring_verify(ring, hash, (int)pepper, message);
}

static struct str
account_message(
	struct message *m, const struct browser *browser, const struct browser_account *account)
{
	return message_of(m, "account", account->issuer.id, browser->id, account->email_normal);
}

bool
browser_knows(const struct browser *browser, const struct keyring *ring,
	const struct browser_account *account)
{
	struct message m;

	if (!browser->id.ptr || !account->email_normal.ptr)
		return false;
	struct str message = account_message(&m, browser, account);
	for (size_t i = 0; i < browser->mark_count; i++) {
		if (mark_check(browser->marks[i], message, ring))
			return true;
	}
	return false;
}

enum status
browser_remember(struct str *cookie, const struct browser *browser, const struct keyring *ring,
	const struct browser_account *account, struct arena *arena, struct error *err)
{
	enum { COOKIE_MAX = BROWSER_ID_LEN + BROWSER_ACCOUNTS_MAX * MARK_MAX };
	char space[COOKIE_MAX], mark[MARK_MAX];
	struct message m;
	struct buf out;
	size_t marks = 1;

	struct str message = account_message(&m, browser, account);
	ASSERT(browser->id.ptr && message.ptr);
	mark_make(mark, message, ring);
	buf_init_fixed(&out, space, sizeof(space));
	buf_printf(&out, "%.*s.%s", STR_ARG(browser->id), mark);
	for (size_t i = 0; i < browser->mark_count && marks < BROWSER_ACCOUNTS_MAX; i++) {
		bool same = mark_check(browser->marks[i], message, ring);
		if (same || browser->marks[i].len >= MARK_MAX)
			continue;
		buf_printf(&out, ".%.*s", STR_ARG(browser->marks[i]));
		marks++;
	}
	ASSERT(!out.failed);
	*cookie = arena_copy(arena, buf_view(&out));
	return cookie->ptr ? OK : error_no_memory(err);
}

void
browser_digest(uint8_t out[SHA256_LEN], const struct browser *browser)
{
	crypto_sha256(out, browser->id.ptr, browser->id.len);
}

void
csrf_token(char out[CSRF_TEXT_MAX], const struct browser *browser, struct session_id session,
	const struct keyring *ring)
{
	struct message m;

	mark_make(out, message_of(&m, "csrf", session.id, browser->id, STR("")), ring);
}

bool
csrf_check(struct str token, const struct browser *browser, struct session_id session,
	const struct keyring *ring)
{
	struct message m;

	return browser->id.ptr && token.ptr &&
		mark_check(token, message_of(&m, "csrf", session.id, browser->id, STR("")), ring);
}

bool
csrf_origin_ok(struct str base_url, struct str fetch_site, struct str origin)
{
	if (fetch_site.ptr)
		return str_eq(fetch_site, STR("same-origin"));
	/* Under a policy that tells no referrer, a browser says "null" of its own pages too. */
	return !origin.ptr || str_eq(origin, STR("null")) || str_eq(origin, base_url);
}
