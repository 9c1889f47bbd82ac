#ifndef IAM_RECOVERY_H
#define IAM_RECOVERY_H

#include "iam/people/persons.h"
#include "iam/people/second_factors.h"

/*
 * Help for somebody who cannot come into his account any more, by whoever runs the installation and
 * knows by other means who it is. Everything that the person has ends, second factors and recovery
 * codes go, and with them a password that was let be short because of them; a link, good for as
 * long as one that he asks for himself, lets him set another. It goes to him by mail; only to who
 * holds the store itself is it given back, or an operator could become anybody.
 */
struct recovery_wish {
	struct person_id person;
	struct str base_url; /* of the installation */
	bool keeps_factors; /* only the password was lost */
	bool mails; /* otherwise it is given back */
	int64_t if_match;
};

struct recovery {
	struct person person;
	struct str url; /* secret; absent when it was mailed */
	int64_t expires_us;
};

/* In a call that is open on the platform. ERR_NOT_FOUND "person-not-found"; ERR_CONFLICT
 * "person-suspended"; "account-not-begun": nobody has proved the address, so an invitation or a
 * provider is how to come in; ERR_LIMIT "too-many-mails". */
enum status person_recover(struct recovery *out, struct call *call,
	const struct recovery_wish *wish, struct error *err) MUST_USE;

#endif
