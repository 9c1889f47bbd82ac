#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "config/config.h"

/*
 * The composition root: opens everything, from the store up to the listening socket, answers until
 * SIGTERM, SIGINT or SIGHUP, then ends from the socket down. What runs when the signal comes is
 * finished, within SERVER_STOP_MS; what is not by then is left to the end of the process, and
 * nothing acknowledged is lost by it. The status is that of the start. Main thread, before any
 * other was made.
 */
#define SERVER_STOP_MS 10000
enum status server_run(struct config *config, struct error *err) MUST_USE;

#endif
