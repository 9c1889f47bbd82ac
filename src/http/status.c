#include "http/server.h"

unsigned
http_status_of(enum status status)
{
	switch (status) {
	case OK:
		return 200;
	case ERR_INVALID:
		return 400;
	case ERR_UNAUTHENTICATED:
		return 401;
	case ERR_FORBIDDEN:
		return 403;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
	case ERR_LIMIT:
	case ERR_NOT_REACHED:
		return 409;
	case ERR_PRECONDITION:
		return 412;
	case ERR_TOO_LARGE:
		return 413;
	case ERR_BUSY:
	case ERR_NO_MEMORY:
		return 503;
	case ERR_CORRUPT:
	case ERR_INTERNAL:
		break;
	}
	return 500;
}
