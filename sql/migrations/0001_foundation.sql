-- The foundation. Times are Unix microseconds, states and kinds the numbers of model/kinds.h,
-- conditions and lists JSON text. Every tenant table's key begins with the organisation; the
-- platform itself is the organisation whose identifier is nil.

CREATE TABLE installation (
	one {int} NOT NULL PRIMARY KEY CHECK (one = 1),
	incarnation {uuid} NOT NULL,
	created_us {int} NOT NULL
) {strict};

-- revision: counts changes. skeleton: the revision at which roles, permissions, guardrails,
-- resource types or defaults last changed. head: hash of the newest change record.
CREATE TABLE orgs (
	org {uuid} NOT NULL PRIMARY KEY,
	name {text} NOT NULL,
	state {int} NOT NULL,
	revision {int} NOT NULL,
	skeleton {int} NOT NULL,
	head {bytes} NOT NULL,
	next_permission {int} NOT NULL,
	next_role {int} NOT NULL,
	creator_role {uuid},
	created_us {int} NOT NULL,
	changed {int} NOT NULL
) {strict};

-- An account of the installation; platform-wide, unique by its normalised address.
CREATE TABLE persons (
	person {uuid} NOT NULL PRIMARY KEY,
	email {text} NOT NULL,
	email_normal {text} NOT NULL UNIQUE,
	name {text} NOT NULL,
	state {int} NOT NULL,
	created_us {int} NOT NULL
) {strict};

CREATE TABLE workspaces (
	org {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	name {text} NOT NULL,
	description {text} NOT NULL,
	state {int} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, workspace)
) {strict};
CREATE UNIQUE INDEX workspaces_name ON workspaces (org, name) WHERE state <> 3;

-- kind: enum principal_kind. workspace: nil for those of the whole organisation. label: what its
-- kind is unique by (a member's person, an end-user's normalised address, a machine's name).
CREATE TABLE principals (
	org {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	kind {int} NOT NULL,
	workspace {uuid} NOT NULL,
	label {text} NOT NULL,
	name {text} NOT NULL,
	email {text},
	description {text} NOT NULL,
	person {uuid},
	resource {uuid},
	state {int} NOT NULL,
	expires_us {int},
	confined {int} NOT NULL,
	home_group {uuid},
	ceiling {text},
	generation {int} NOT NULL,
	created_by {uuid},
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, principal)
) {strict};
CREATE UNIQUE INDEX principals_label ON principals (org, kind, workspace, label);
CREATE INDEX principals_kind ON principals (org, kind, principal);
CREATE INDEX principals_person ON principals (org, person);

-- A secret of a principal, found by its own identifier, proved by its hash.
CREATE TABLE credentials (
	org {uuid} NOT NULL,
	credential {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	name {text} NOT NULL,
	hash {bytes} NOT NULL,
	pepper {int} NOT NULL,
	state {int} NOT NULL,
	expires_us {int},
	last_used_us {int},
	created_by {uuid},
	created_us {int} NOT NULL,
	PRIMARY KEY (org, credential)
) {strict};
CREATE INDEX credentials_principal ON credentials (org, principal);

CREATE TABLE groups (
	org {uuid} NOT NULL,
	grp {uuid} NOT NULL,
	name {text} NOT NULL,
	description {text} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, grp),
	UNIQUE (org, name)
) {strict};

CREATE TABLE group_members (
	org {uuid} NOT NULL,
	grp {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	since_us {int} NOT NULL,
	PRIMARY KEY (org, grp, principal)
) {strict};
CREATE INDEX group_members_principal ON group_members (org, principal, grp);

-- What blueprints and workspaces add to the built-in catalogue. number: from 1024 on, never
-- reused, hence kept when the permission is gone (removed = 1). workspace: nil unless a scope.
-- alias: the number of the built-in permission that this is another name of. operation_group: what
-- it is listed under; the namespace unless a blueprint says otherwise.
CREATE TABLE permissions (
	org {uuid} NOT NULL,
	number {int} NOT NULL,
	workspace {uuid} NOT NULL,
	name {text} NOT NULL,
	operation_group {text} NOT NULL,
	description {text} NOT NULL,
	class {int} NOT NULL,
	machine {int} NOT NULL,
	alias {int},
	origin {text} NOT NULL,
	removed {int} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, number)
) {strict};
CREATE UNIQUE INDEX permissions_name ON permissions (org, name, workspace) WHERE removed = 0;

-- number: small, per organisation, never reused. system: cannot be changed by the tenant.
-- kinds: bit mask of enum principal_kind. everything: exercises, or may give, all there is and
-- will be (scopes and operations of machines aside, when exercised). confines: who gets it is
-- confined to its resource groups from then on.
CREATE TABLE roles (
	org {uuid} NOT NULL,
	role {uuid} NOT NULL,
	number {int} NOT NULL,
	workspace {uuid} NOT NULL,
	name {text} NOT NULL,
	title {text} NOT NULL,
	description {text} NOT NULL,
	kinds {int} NOT NULL,
	system {int} NOT NULL,
	exercises_all {int} NOT NULL,
	gives_all {int} NOT NULL,
	confines {int} NOT NULL,
	ceiling {text},
	origin {text} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, role),
	UNIQUE (org, number),
	UNIQUE (org, workspace, name)
) {strict};

CREATE TABLE role_permissions (
	org {uuid} NOT NULL,
	role {uuid} NOT NULL,
	permission {text} NOT NULL,
	exercises {int} NOT NULL,
	gives {int} NOT NULL,
	PRIMARY KEY (org, role, permission)
) {strict};

-- holder_kind: 0 principal, 1 group. Exactly one of role and permission is there.
CREATE TABLE grants (
	org {uuid} NOT NULL,
	grant_id {uuid} NOT NULL,
	holder_kind {int} NOT NULL,
	holder {uuid} NOT NULL,
	role {uuid},
	permission {text},
	node_kind {int} NOT NULL,
	node {uuid} NOT NULL,
	condition {text},
	expires_us {int},
	created_by {uuid},
	created_us {int} NOT NULL,
	PRIMARY KEY (org, grant_id)
) {strict};
CREATE INDEX grants_holder ON grants (org, holder);
CREATE INDEX grants_role ON grants (org, role);
CREATE INDEX grants_node ON grants (org, node);

CREATE TABLE guardrails (
	org {uuid} NOT NULL,
	guardrail {uuid} NOT NULL,
	name {text} NOT NULL,
	description {text} NOT NULL,
	node_kind {int} NOT NULL,
	node {uuid} NOT NULL,
	kinds {int} NOT NULL,
	permissions {text} NOT NULL,
	condition {text},
	origin {text} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, guardrail),
	UNIQUE (org, name)
) {strict};

CREATE TABLE resource_types (
	org {uuid} NOT NULL,
	type {text} NOT NULL,
	description {text} NOT NULL,
	registered {int} NOT NULL,
	origin {text} NOT NULL,
	PRIMARY KEY (org, type)
) {strict};

-- What a principal of a kind gets when nothing is stated: a role, and the ceiling-bearing role
-- that bounds it while it holds none.
CREATE TABLE kind_defaults (
	org {uuid} NOT NULL,
	kind {int} NOT NULL,
	role {uuid},
	ceiling_role {uuid},
	PRIMARY KEY (org, kind)
) {strict};

CREATE TABLE resource_groups (
	org {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	grp {uuid} NOT NULL,
	name {text} NOT NULL,
	description {text} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, grp),
	UNIQUE (org, workspace, name)
) {strict};

-- workspace: nil for a global resource of the organisation.
CREATE TABLE resources (
	org {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	type {text} NOT NULL,
	id {text} NOT NULL,
	resource {uuid} NOT NULL,
	name {text} NOT NULL,
	state {int} NOT NULL,
	created_us {int} NOT NULL,
	changed {int} NOT NULL,
	PRIMARY KEY (org, resource)
) {strict};
CREATE UNIQUE INDEX resources_id ON resources (org, workspace, type, id);

CREATE TABLE resource_group_members (
	org {uuid} NOT NULL,
	grp {uuid} NOT NULL,
	resource {uuid} NOT NULL,
	since_us {int} NOT NULL,
	PRIMARY KEY (org, grp, resource)
) {strict};
CREATE INDEX resource_group_members_resource ON resource_group_members (org, resource, grp);

-- The resource groups to which a confined principal is confined.
CREATE TABLE reach (
	org {uuid} NOT NULL,
	principal {uuid} NOT NULL,
	grp {uuid} NOT NULL,
	PRIMARY KEY (org, principal, grp)
) {strict};
CREATE INDEX reach_group ON reach (org, grp, principal);

-- A global resource offered to a workspace; usable there once enabled.
CREATE TABLE offers (
	org {uuid} NOT NULL,
	resource {uuid} NOT NULL,
	workspace {uuid} NOT NULL,
	enabled {int} NOT NULL,
	PRIMARY KEY (org, resource, workspace)
) {strict};
CREATE INDEX offers_workspace ON offers (org, workspace, resource);

CREATE TABLE blueprints (
	org {uuid} NOT NULL,
	name {text} NOT NULL,
	version {int} NOT NULL,
	title {text} NOT NULL,
	digest {bytes} NOT NULL,
	document {text} NOT NULL,
	applied_us {int} NOT NULL,
	PRIMARY KEY (org, name)
) {strict};

-- One record per thing changed. hash = SHA-256 over the previous record's hash, the fields below
-- in a fixed form, and digest; digest = SHA-256 over salt and body, so that a body can be erased
-- and the chain still proves.
CREATE TABLE records (
	org {uuid} NOT NULL,
	revision {int} NOT NULL,
	part {int} NOT NULL,
	time_us {int} NOT NULL,
	actor {uuid} NOT NULL,
	actor_kind {int} NOT NULL,
	actor_org {uuid} NOT NULL,
	credential {uuid},
	address {text} NOT NULL,
	action {text} NOT NULL,
	subject_kind {text} NOT NULL,
	subject {text} NOT NULL,
	salt {bytes},
	body {text},
	digest {bytes} NOT NULL,
	hash {bytes} NOT NULL,
	PRIMARY KEY (org, revision, part)
) {strict};
CREATE INDEX records_actor ON records (org, actor, revision, part);
CREATE INDEX records_subject ON records (org, subject, revision, part);
