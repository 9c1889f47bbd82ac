-- What was answered to a change that came with an Idempotency-Key, to be answered again when the
-- caller repeats it. key_hash: SHA-256 of the key. request: SHA-256 of method, path, query and body.
-- status, etag, location, revision: of the answer; answer: its body, sealed, for it may hold a
-- secret. Rows go after a day.
CREATE TABLE idempotency (
	org {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	key_hash {bytes} NOT NULL,
	request {bytes} NOT NULL,
	status {int} NOT NULL,
	etag {int} NOT NULL,
	location {text},
	revision {int} NOT NULL,
	answer {bytes} NOT NULL,
	created_us {int} NOT NULL,
	PRIMARY KEY (org, principal, key_hash)
) {strict};
CREATE INDEX idempotency_created ON idempotency (created_us);
