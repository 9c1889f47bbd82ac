-- The histories that this store has told, the newest last. A revision names one state of an
-- organisation only together with the incarnation in which it was reached: a store that was restored
-- or failed over counts on under another. identity: which database told it, as the engine says.
CREATE TABLE incarnations (
	number {int} NOT NULL PRIMARY KEY,
	incarnation {uuid} NOT NULL,
	identity {text} NOT NULL,
	since_us {int} NOT NULL
) {strict};
