#ifndef IAM_REFUSALS_H
#define IAM_REFUSALS_H

#include "iam/call.h"

/* What is refused although it says that it lives: families by their `sid`, access tokens by their
 * `jti`, each until no token can carry it any longer. The purge takes the rest. */

/* Ends one access token before its time, at the word of its client, with a record. */
enum status token_end(struct call *call, const struct token *token, struct error *err) MUST_USE;

/* When the access tokens that are out now have all ended, whatever their client's setting was. */
int64_t refusal_end_us(const struct call *call);

#endif
