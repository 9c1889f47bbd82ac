#ifndef IAM_FORMS_H
#define IAM_FORMS_H

#include "store/store.h"

/*
 * What is unique by a form of something, as an account is by its address in small letters, is
 * stored under that form.
 *
 * Writes the forms of all rows that were stored under others by an older program. Where another row
 * has the form, that one keeps it, the log names the one that could not have it ("form-left"), and
 * `thingward verify` does so with what to do. For store_options.convert.
 */
enum status forms_convert(struct tx *tx, struct error *err) MUST_USE;

#endif
