#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

/* Tells the service manager what sd_notify(3) tells it: "READY=1", "STOPPING=1". Nothing where
 * there is none (no NOTIFY_SOCKET); what it cannot be told goes into the log. Main thread. */
void notify_manager(const char *state);

#endif
