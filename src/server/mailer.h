#ifndef SERVER_MAILER_H
#define SERVER_MAILER_H

#include "server/internal.h"

/* The thread that sends what waits in the queue of mails: it looks every half second, takes a few
 * under a lease, and hands them over, outside any transaction. Each node has one. */
struct mailer;

/* Whether the options are such that mail can be written. ERR_INVALID "option-invalid". */
enum status mailer_check(const struct config *config, struct error *err) MUST_USE;

/* Owned. Start-up. */
enum status mailer_start(struct mailer **out, struct server *server, struct error *err) MUST_USE;
/* Waits for the mail that is being handed over, and frees. What was not sent stays in the queue. */
void mailer_stop(struct mailer **mailer);

#endif
