#ifndef OAUTH_REDIRECT_H
#define OAUTH_REDIRECT_H

#include "directory/oauth_views.h"

/*
 * Whether a request may name this address: it is one of those registered, byte for byte (RFC 6749
 * section 3.1.2.3); of "http://127.0.0.1" and "http://[::1]" the port may be any (RFC 8252 section
 * 7.3), as programs on the user's own machine take what is free. False of an absent one. Pure.
 */
bool redirect_is_registered(const struct str_list *registered, struct str uri);

#endif
