#include "oauth/client_auth.h"

enum status
oauth__assertion(const struct client_view **out, struct exchange *x, struct error *err)
{
	(void)x;
	*out = NULL;
	return oauth__invalid_client(err);
}
