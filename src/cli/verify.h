#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "store/store.h"

/* Proves a store, and prints what was found, with a last line that begins "sound" or "not sound".
 */
enum status verify_run_on(bool *sound, struct store *store, struct error *err) MUST_USE;

#endif
