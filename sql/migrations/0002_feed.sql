-- What each change touched, for the other nodes on the same database; empty where there can be
-- none. moment: orders rows by the time at which they could first be seen, as the engine counts.
-- views: of each a byte for its kind and its key of 16 bytes. Rows go after ten minutes.
CREATE TABLE feed (
	org {uuid} NOT NULL,
	revision {int} NOT NULL,
	moment {int} NOT NULL DEFAULT {moment},
	made_us {int} NOT NULL,
	views {bytes} NOT NULL,
	PRIMARY KEY (org, revision)
) {strict};
CREATE INDEX feed_moment ON feed (moment);
CREATE INDEX feed_made ON feed (made_us);

-- Proves that a key file is the installation's: the number of a pepper, and the incarnation's hash
-- under it. NULL until the next start.
ALTER TABLE installation ADD COLUMN key_check {bytes};
