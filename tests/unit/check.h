#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

/* cmocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

/* Fails at the caller's line, showing both. */
#define check_str(got, want) check_str_at(got, want, __FILE__, __LINE__)

static inline void
check_str_at(struct str got, const char *want, const char *file, int line)
{
	if (str_eq(got, str_from(want)))
		return;
	print_error("got:  %.*s\nwant: %s\n", STR_ARG(got), want);
	_fail(file, line);
}

#endif
