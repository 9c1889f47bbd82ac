#ifndef SIGNIN_ACR_H
#define SIGNIN_ACR_H

#include "base/str.h"
#include "iam/tokens/scopes_of_token.h"

/* By what who signed in was proved (`amr`, RFC 8176), in the order in which it was, with blanks
 * between: beside the "pwd" and "email" of iam/people/sessions.h. */
#define METHOD_OTP STR("otp") /* a code of an app, or a recovery code */
#define METHOD_HARDWARE STR("hwk") /* a passkey that stays in its device */
#define METHOD_SOFTWARE STR("swk") /* a passkey that may be copied between devices */
#define METHOD_PROVIDER STR("fed") /* an external provider's word */
#define METHOD_SECOND STR("mfa") /* two factors: a session of them has a second_us */

/* … and how well (OpenID Connect Core section 2, `acr`): by one factor; or by two, which a passkey
 * that verified its user is by itself. */
#define ACR_SINGLE STR("urn:thingward:acr:1")
#define ACR_SECOND STR("urn:thingward:acr:2")

static inline struct str
acr_of_methods(struct str methods)
{
	return scope_has(methods, METHOD_SECOND) ? ACR_SECOND : ACR_SINGLE;
}

#endif
