/* What a browser sends along, over any bytes: the header Cookie, the cookie of a browser, the token
 * of a form, a ticket. Nothing of it is taken for ours, and nothing is read beyond its end. */
#include <stdlib.h>
#include <unistd.h>

#include "door/cookie.h"
#include "fuzz.h"
#include "signin/browser.h"
#include "signin/ticket.h"

static struct keyring *ring;

static void
make_ring(void)
{
	char path[] = "/tmp/thingward-fuzz-XXXXXX";
	struct error err = {0};
	int fd = mkstemp(path);

	require(fd >= 0 && close(fd) == 0 && unlink(path) == 0);
	require(crypto_init(&err) == OK && keyring_load(&ring, path, true, &err) == OK);
	unlink(path);
}

/* What is found stands in the header, behind its name, and once. */
static void
check_header(struct str header)
{
	struct str found = cookie__find(header, STR("a"));
	if (!found.ptr)
		return;
	require(found.ptr >= header.ptr + 2 && found.ptr + found.len <= header.ptr + header.len);
	require(found.ptr[-1] == '=' && found.ptr[-2] == 'a');
	require(!found.len || !memchr(found.ptr, ';', found.len));
}

static void
check_browser(struct str cookie)
{
	const struct browser_account account = {.email_normal = STR("ada@example.org")};
	const struct session_id nobody = {{{0}}};
	struct browser browser;

	browser_parse(&browser, cookie);
	require(browser.mark_count <= BROWSER_ACCOUNTS_MAX);
	require(!browser.id.ptr || browser.id.len == BROWSER_ID_LEN);
	require(!browser_knows(&browser, ring, &account));
	require(!csrf_check(cookie, &browser, nobody, ring));
}

static void
check_ticket(struct str text)
{
	const struct ticket_source source = {.kind = TICKET_PAGE, .ring = ring, .now_us = 1};
	struct arena *arena = arena_new((size_t)64 * 1024);
	struct ticket ticket;
	struct error err = {0};

	require(arena != NULL);
	require(ticket_open(&ticket, text, &source, arena, &err) == ERR_INVALID);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its own size, so that the sanitizer sees one byte more. */
	char *copy = malloc(size ? size : 1);
	struct str text = {copy, size};

	require(copy != NULL);
	memcpy(copy, data, size);
	if (!ring)
		make_ring();
	check_header(text);
	check_browser(text);
	check_ticket(text);
	free(copy);
	return 0;
}
