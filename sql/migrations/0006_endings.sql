-- What ends together is found together, whoever ends it.

-- provider: of the session that a code was allowed in, which may be over before what it gave; NULL:
-- none.
ALTER TABLE codes ADD COLUMN provider {uuid};
ALTER TABLE families ADD COLUMN provider {uuid};
DELETE FROM sessions WHERE provider IS NOT NULL AND NOT EXISTS (SELECT 1 FROM providers p
	WHERE p.org = sessions.only_org AND p.provider = sessions.provider);
UPDATE families SET provider = (SELECT s.provider FROM sessions s
	WHERE s.org = families.workspace AND s.session = families.session);
CREATE INDEX codes_session ON codes (org, session);
CREATE INDEX codes_provider ON codes (org, provider) WHERE provider IS NOT NULL;
CREATE INDEX families_provider ON families (org, provider) WHERE provider IS NOT NULL;
CREATE INDEX sessions_provider ON sessions (org, only_org, provider) WHERE provider IS NOT NULL;

-- Clients of the platform that were deleted, until nothing of them is left in any organisation.
-- since_us: when; 0: before this table was there.
CREATE TABLE gone_clients (
	gone {uuid} NOT NULL PRIMARY KEY,
	since_us {int} NOT NULL
) {strict};
CREATE INDEX families_of_client ON families (client, org);
CREATE INDEX consents_of_client ON consents (client, org);
INSERT INTO gone_clients (gone, since_us) SELECT DISTINCT f.client, 0 FROM families f
	WHERE NOT EXISTS (SELECT 1 FROM clients c WHERE c.client = f.client);
INSERT INTO gone_clients (gone, since_us) SELECT DISTINCT k.client, 0 FROM consents k
	WHERE NOT EXISTS (SELECT 1 FROM clients c WHERE c.client = k.client)
	AND NOT EXISTS (SELECT 1 FROM gone_clients g WHERE g.gone = k.client);
