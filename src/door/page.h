#ifndef DOOR_PAGE_H
#define DOOR_PAGE_H

#include "html/html.h"
#include "http/server.h"

/*
 * An answer that is a page: rendered, under a policy that lets it load and run nothing but what is
 * this server's own, be framed by nobody and be kept by nobody.
 */
struct web_page {
	unsigned status;
	const struct html_template *html;
	struct html_map values;
	/* Where its form leads in the end beside this server, by itself or by redirects: a browser
	 * goes nowhere else. Absent: nowhere. */
	struct str leads_to;
};

/* Whatever else: a page that cannot be rendered is answered with 500. Threads: serving. */
void page_answer(struct http_request *r, const struct web_page *page);

/* Sends the browser on with GET, whatever it came with (RFC 9110 section 15.4.4). */
void page_go(struct http_request *r, struct str location);

/*
 * The source expression of Content-Security-Policy for an address: its origin, or the scheme where
 * that has none that can be written (an IPv6 address, a scheme of one's own). Appends nothing when
 * it is no absolute address.
 */
void page__source(struct buf *out, struct str address);

#endif
