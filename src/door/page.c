#include "door/page.h"

#include "base/log.h"
#include "crypto/crypto.h"

#define PAGE_MAX ((size_t)256 * 1024)
#define POLICY_MAX ((size_t)1024)

#define POLICY                                                                                     \
	"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "                \
	"base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

/* RFC 3986: what a policy could be broken by is in no host, and ends what is taken. */
static size_t
count_host(struct str rest)
{
	size_t len = 0;
	while (len < rest.len &&
		((rest.ptr[len] >= '0' && rest.ptr[len] <= '9') ||
			(rest.ptr[len] >= 'a' && rest.ptr[len] <= 'z') ||
			(rest.ptr[len] >= 'A' && rest.ptr[len] <= 'Z') ||
			strchr("-._:", rest.ptr[len])))
		len++;
	return len;
}

static bool
is_scheme_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '+' || c == '-' || c == '.';
}

void
page__source(struct buf *out, struct str address)
{
	size_t scheme = 0;
	while (scheme < address.len && is_scheme_char(address.ptr[scheme]))
		scheme++;
	if (!scheme || scheme == address.len || address.ptr[scheme] != ':')
		return;
	struct str rest = {address.ptr + scheme + 1, address.len - scheme - 1};
	buf_str(out, (struct str){address.ptr, scheme + 1});
	if (!str_starts(rest, STR("//")))
		return;
	rest = (struct str){rest.ptr + 2, rest.len - 2};
	rest.len = count_host(rest);
	if (rest.len) {
		buf_str(out, STR("//"));
		buf_str(out, rest);
	}
}

static void
add_headers(struct http_request *r, struct str leads_to)
{
	char space[POLICY_MAX];
	struct buf policy;
	buf_init_fixed(&policy, space, sizeof(space));
	buf_str(&policy, STR(POLICY));
	if (leads_to.ptr) {
		buf_char(&policy, ' ');
		page__source(&policy, leads_to);
	}
	/* Too long to be named: then the form leads nowhere. */
	http_add_header(
		r, "Content-Security-Policy", policy.failed ? STR(POLICY) : buf_view(&policy));
	http_add_header(r, "X-Frame-Options", STR("DENY"));
	http_add_header(r, "X-Content-Type-Options", STR("nosniff"));
	http_add_header(r, "Referrer-Policy", STR("same-origin"));
	http_add_header(r, "Cache-Control", STR("no-store"));
	http_add_header(r, "X-Request-ID", http_request_id(r));
}

void
page_answer(struct http_request *r, const struct web_page *page)
{
	struct buf body;
	struct error err = {0};
	buf_init(&body, PAGE_MAX);
	if (html_render(&body, page->html, &page->values, &err) != OK) {
		log_error("page-failed", &err);
		http_respond(r, 500, "text/plain; charset=utf-8", STR("Something went wrong.\n"));
	} else {
		add_headers(r, page->leads_to);
		http_respond(r, page->status, "text/html; charset=utf-8", buf_view(&body));
	}
	if (body.ptr) /* it may hold a secret */
		crypto_wipe(body.ptr, body.cap);
	buf_clear(&body);
}

void
page_go(struct http_request *r, struct str location)
{
	http_add_header(r, "Location", location);
	http_add_header(r, "Referrer-Policy", STR("no-referrer"));
	http_add_header(r, "Cache-Control", STR("no-store"));
	http_respond(r, 303, NULL, STR(""));
}
