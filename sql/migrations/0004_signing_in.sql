-- Accounts, signing in, and the authorization server. What a stranger can cause to be written is
-- bounded, and every row that ends by itself has an index by its end, for the purge.

-- Which organisation a workspace belongs to: the URL of an issuer names the workspace alone.
-- Platform-wide; never changes.
CREATE TABLE issuers (
	workspace {uuid} NOT NULL PRIMARY KEY,
	org {uuid} NOT NULL
) {strict};
INSERT INTO issuers (workspace, org) SELECT workspace, org FROM workspaces;

-- Of the installation's issuer org and workspace are nil. algorithm: enum sign_algorithm. state:
-- 1 published and next, 2 signs, 3 retired. public_key: a JWK. private_key: sealed PKCS #8.
CREATE TABLE signing_keys (
	org {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	key_id {uuid} NOT NULL,
	algorithm {int} NOT NULL,
	state {int} NOT NULL,
	public_key {text} NOT NULL,
	private_key {bytes} NOT NULL,
	created_us {int} NOT NULL,
	activated_us {int},
	retired_us {int},
	PRIMARY KEY (org, workspace, key_id)
) {strict};
CREATE INDEX signing_keys_active ON signing_keys (state, activated_us);
CREATE INDEX signing_keys_retired ON signing_keys (state, retired_us);

-- What an application is as a client of OAuth 2. type: 1 code with PKCE (public), 2 code with a
-- secret, 3 client credentials. auth_method: 0 none, 1 secret, 2 private_key_jwt. Lists are JSON
-- arrays. first_party: asks for no consent, and may ask for all that its user may do.
CREATE TABLE clients (
	org {uuid} NOT NULL,
	client {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	type {int} NOT NULL,
	auth_method {int} NOT NULL,
	redirect_uris {text} NOT NULL,
	logout_uris {text} NOT NULL,
	require_pkce {int} NOT NULL,
	first_party {int} NOT NULL,
	access_ttl_s {int} NOT NULL,
	refresh_idle_s {int} NOT NULL,
	refresh_ttl_s {int} NOT NULL,
	id_token_algorithm {int} NOT NULL,
	jwks {text},
	jwks_uri {text},
	backchannel_uri {text},
	changed {int} NOT NULL,
	PRIMARY KEY (org, client)
) {strict};
INSERT INTO clients (org, client, workspace, type, auth_method, redirect_uris, logout_uris,
	require_pkce, first_party, access_ttl_s, refresh_idle_s, refresh_ttl_s, id_token_algorithm,
	changed)
SELECT org, principal, workspace, 3, 1, '[]', '[]', 1, 0, 600, 1209600, 7776000, 1, changed
FROM principals WHERE kind = 5;

-- Any JSON about an end-user or a client, by key. entry: what pages go by.
CREATE TABLE metadata (
	org {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	name {text} NOT NULL,
	entry {uuid} NOT NULL,
	value {text} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, principal, name)
) {strict};

-- password: a PHC string of argon2id. password_short: 1 when it is long enough only beside a second
-- factor. verified_us: when the address was proved. generation: raised
-- by what ends every session and token of the person.
ALTER TABLE persons ADD COLUMN password {text};
ALTER TABLE persons ADD COLUMN password_us {int};
ALTER TABLE persons ADD COLUMN password_short {int} NOT NULL DEFAULT 0;
ALTER TABLE persons ADD COLUMN verified_us {int};
ALTER TABLE persons ADD COLUMN generation {int} NOT NULL DEFAULT 0;
ALTER TABLE persons ADD COLUMN changed {int} NOT NULL DEFAULT 0;
CREATE INDEX principals_of_person ON principals (person, org) WHERE person IS NOT NULL;

-- secret: sealed. confirmed_us: NULL until a first code proved it. last_step: the newest time step
-- that a code was accepted for.
CREATE TABLE totps (
	person {uuid} NOT NULL PRIMARY KEY,
	secret {bytes} NOT NULL,
	confirmed_us {int},
	last_step {int} NOT NULL,
	created_us {int} NOT NULL
) {strict};

CREATE TABLE recovery_codes (
	person {uuid} NOT NULL,
	hash {bytes} NOT NULL,
	pepper {int} NOT NULL,
	used_us {int},
	PRIMARY KEY (person, hash)
) {strict};

-- credential_id: the authenticator's. algorithm: its number in COSE. public_key: ES256 x and y, EdDSA
-- x, RS256 n (256 bytes) and e (3).
CREATE TABLE passkeys (
	person {uuid} NOT NULL,
	passkey {uuid} NOT NULL,
	credential_id {bytes} NOT NULL UNIQUE,
	algorithm {int} NOT NULL,
	public_key {bytes} NOT NULL,
	sign_count {int} NOT NULL,
	name {text} NOT NULL,
	created_us {int} NOT NULL,
	used_us {int},
	PRIMARY KEY (person, passkey)
) {strict};

-- Of a browser: with the installation (org and workspace nil, a person) or with a workspace (an
-- end-user). only_org: what a sign-in through an organisation's own provider opens. methods: how
-- it was proved, RFC 8176 values with blanks between. auth_us, second_us: when last.
CREATE TABLE sessions (
	org {uuid} NOT NULL,
	session {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	principal {uuid},
	person {uuid},
	only_org {uuid},
	provider {uuid},
	hash {bytes} NOT NULL,
	pepper {int} NOT NULL,
	methods {text} NOT NULL,
	auth_us {int} NOT NULL,
	second_us {int},
	address {text} NOT NULL,
	agent {text} NOT NULL,
	created_us {int} NOT NULL,
	used_us {int} NOT NULL,
	expires_us {int} NOT NULL,
	PRIMARY KEY (org, session)
) {strict};
CREATE INDEX sessions_person ON sessions (org, person);
CREATE INDEX sessions_principal ON sessions (org, principal);
CREATE INDEX sessions_end ON sessions (expires_us);

-- What was sent by mail and works once. kind: 1 sign in, 2 invitation, 3 password reset, 4 sign
-- up. browser: hash of what only the browser that asked knows. request: where to go on. used_us:
-- kept until its end, so that who comes back is told.
CREATE TABLE links (
	org {uuid} NOT NULL,
	link {uuid} NOT NULL,
	kind {int} NOT NULL,
	workspace {uuid} NOT NULL,
	principal {uuid},
	person {uuid},
	email {text} NOT NULL,
	email_normal {text} NOT NULL,
	hash {bytes} NOT NULL,
	pepper {int} NOT NULL,
	browser {bytes},
	request {text},
	created_us {int} NOT NULL,
	expires_us {int} NOT NULL,
	used_us {int},
	PRIMARY KEY (org, link)
) {strict};
CREATE INDEX links_email ON links (org, workspace, kind, email_normal);
CREATE INDEX links_principal ON links (org, principal);
CREATE INDEX links_end ON links (expires_us);

-- What waits to be sent (state 1), could not be (2), and was (3), which is kept without its content
-- for as long as it counts against the limits. content: sealed JSON of what the template is filled
-- with. next_us: not before; of what is over, when it may go. expires_us: not after.
CREATE TABLE mails (
	org {uuid} NOT NULL,
	mail {uuid} NOT NULL,
	state {int} NOT NULL,
	template {text} NOT NULL,
	recipient {text} NOT NULL,
	recipient_normal {text} NOT NULL,
	content {bytes} NOT NULL,
	attempts {int} NOT NULL,
	next_us {int} NOT NULL,
	error {text} NOT NULL,
	created_us {int} NOT NULL,
	expires_us {int} NOT NULL,
	PRIMARY KEY (org, mail)
) {strict};
CREATE INDEX mails_due ON mails (state, next_us);
CREATE INDEX mails_made ON mails (org, created_us);
CREATE INDEX mails_recipient ON mails (org, recipient_normal, created_us);

-- Authorization codes. org is the user's; client_org the client's, which is nil for the clients of
-- the installation. family: what the code gave, once it was used.
CREATE TABLE codes (
	org {uuid} NOT NULL,
	code {uuid} NOT NULL,
	hash {bytes} NOT NULL,
	pepper {int} NOT NULL,
	workspace {uuid} NOT NULL,
	client_org {uuid} NOT NULL,
	client {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	person {uuid},
	session {uuid},
	redirect_uri {text} NOT NULL,
	redirect_stated {int} NOT NULL,
	challenge {text},
	scope {text} NOT NULL,
	resource {text},
	nonce {text},
	claims {text},
	methods {text} NOT NULL,
	auth_us {int} NOT NULL,
	created_us {int} NOT NULL,
	expires_us {int} NOT NULL,
	used_us {int},
	family {uuid},
	PRIMARY KEY (org, code)
) {strict};
CREATE INDEX codes_end ON codes (expires_us);
CREATE INDEX codes_principal ON codes (org, principal);
CREATE INDEX codes_client ON codes (org, client);

-- A refresh token and its successors: one live at a time. hash: of the live one; previous_hash: of
-- the one before, for a short grace. expires_us: the idle end; ends_us: the absolute one.
-- generation, client_generation, person_generation: when it began; once one has grown, it is dead.
CREATE TABLE families (
	org {uuid} NOT NULL,
	family {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	client_org {uuid} NOT NULL,
	client {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	person {uuid},
	generation {int} NOT NULL DEFAULT 0,
	client_generation {int} NOT NULL DEFAULT 0,
	person_generation {int},
	session {uuid},
	hash {bytes} NOT NULL,
	pepper {int} NOT NULL,
	previous_hash {bytes},
	previous_pepper {int},
	rotations {int} NOT NULL,
	scope {text} NOT NULL,
	resource {text},
	nonce {text},
	claims {text},
	methods {text} NOT NULL,
	auth_us {int} NOT NULL,
	created_us {int} NOT NULL,
	used_us {int} NOT NULL,
	expires_us {int} NOT NULL,
	ends_us {int} NOT NULL,
	PRIMARY KEY (org, family)
) {strict};
CREATE INDEX families_principal ON families (org, principal);
CREATE INDEX families_client ON families (org, client);
CREATE INDEX families_session ON families (org, session);
CREATE INDEX families_workspace ON families (org, workspace, family);
CREATE INDEX families_end ON families (expires_us);

-- Ended families and revoked access tokens, by `sid` and `jti`, until no token can carry them.
CREATE TABLE refusals (
	org {uuid} NOT NULL,
	refused {uuid} NOT NULL,
	until_us {int} NOT NULL,
	PRIMARY KEY (org, refused)
) {strict};
CREATE INDEX refusals_latest ON refusals (org, until_us);
CREATE INDEX refusals_end ON refusals (until_us);

-- Clients that are still to be told that what they were given in a session has ended: its `sid`.
-- org and workspace are the issuer's.
-- next_us: not before; expires_us: not after.
CREATE TABLE logout_notices (
	org {uuid} NOT NULL,
	notice {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	client {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	family {uuid} NOT NULL,
	attempts {int} NOT NULL,
	next_us {int} NOT NULL,
	expires_us {int} NOT NULL,
	PRIMARY KEY (org, notice)
) {strict};
CREATE INDEX logout_notices_due ON logout_notices (next_us);
CREATE INDEX logout_notices_end ON logout_notices (expires_us);

CREATE TABLE consents (
	org {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	client {uuid} NOT NULL,
	scope {text} NOT NULL,
	given_us {int} NOT NULL,
	PRIMARY KEY (org, principal, client)
) {strict};
CREATE INDEX consents_client ON consents (org, client);

-- External OpenID providers. client_secret: sealed. domains: whose verified addresses may be linked
-- to accounts that are there. rules: JSON, groups of the provider to memberships and roles here.
CREATE TABLE providers (
	org {uuid} NOT NULL,
	provider {uuid} NOT NULL,
	name {text} NOT NULL,
	issuer {text} NOT NULL,
	client_id {text} NOT NULL,
	client_secret {bytes},
	state {int} NOT NULL,
	scopes {text} NOT NULL,
	sign_up {int} NOT NULL,
	domains {text} NOT NULL,
	groups_claim {text} NOT NULL,
	rules {text} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, provider),
	UNIQUE (org, name)
) {strict};

CREATE TABLE identities (
	org {uuid} NOT NULL,
	provider {uuid} NOT NULL,
	subject {text} NOT NULL,
	person {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	email {text} NOT NULL,
	created_us {int} NOT NULL,
	used_us {int} NOT NULL,
	PRIMARY KEY (org, provider, subject)
) {strict};
CREATE INDEX identities_person ON identities (org, person);
CREATE INDEX identities_principal ON identities (org, principal);

-- What a provider's rules gave, so that the next sign-in can take it back.
CREATE TABLE synced_grants (
	org {uuid} NOT NULL,
	provider {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	grant_id {uuid} NOT NULL,
	PRIMARY KEY (org, principal, provider, grant_id)
) {strict};

-- sign_up: whether people may join on their own: 0 no, 1 yes. mail_sender: the name that mails of
-- the organisation come from.
ALTER TABLE orgs ADD COLUMN sign_up {int} NOT NULL DEFAULT 0;
ALTER TABLE orgs ADD COLUMN mail_sender {text};
