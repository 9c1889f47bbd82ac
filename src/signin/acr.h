#ifndef SIGNIN_ACR_H
#define SIGNIN_ACR_H

#include "base/str.h"

/*
 * How well who signed in was proved (OpenID Connect Core section 2, `acr`): by one factor; or by
 * two, which a passkey that verified its user is by itself. A session with a second_us is of the
 * second kind.
 */
#define ACR_SINGLE STR("urn:thingward:acr:1")
#define ACR_SECOND STR("urn:thingward:acr:2")

/* By what (`amr`, RFC 8176), in the order in which it was proved, with blanks between: beside the
 * "pwd" and "email" of iam/sessions.h. */
#define METHOD_OTP STR("otp") /* a code of an app, or a recovery code */
#define METHOD_HARDWARE STR("hwk") /* a passkey that stays in its device */
#define METHOD_SOFTWARE STR("swk") /* a passkey that may be copied between devices */
#define METHOD_SECOND STR("mfa") /* two factors */

#endif
