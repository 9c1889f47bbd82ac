// What the contract, api/openapi.yaml, says of the things that tests look into.
export type Kind =
  | "member" | "end_user" | "service_account" | "api_key" | "application" | "gateway" | "device";
export type NodeKind = "platform" | "organisation" | "workspace" | "resource_group" | "resource";

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  permission?: string;
  request_id: string;
}

export interface Org {
  id: string;
  name: string;
  state: string;
  creator_role: string | null;
  sign_up: boolean;
  mail_sender: string | null;
  revision: number;
  created_at: string;
  changed: number;
}

export interface Workspace {
  id: string;
  org: string;
  name: string;
  description: string;
  state: string;
  changed: number;
}

export interface Ceiling {
  only?: string[];
  except?: string[];
}

export interface Principal {
  id: string;
  org: string;
  kind: Kind;
  workspace: string | null;
  name: string;
  email: string | null;
  description: string;
  state: string;
  expires_at: string | null;
  resource?: { type: string; id: string };
  home_group: string | null;
  confined: boolean;
  reach: string[];
  ceiling: Ceiling | null;
  created_by: string | null;
  created_at: string;
  changed: number;
}

export interface Credential {
  id: string;
  principal: string;
  name: string;
  state: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

export interface PrincipalCreated {
  principal: Principal;
  credential?: Credential;
  secret?: string;
}

export interface Client extends Principal {
  type: string;
  token_endpoint_auth_method: string;
  redirect_uris: string[];
  post_logout_redirect_uris: string[];
  require_pkce: boolean;
  first_party: boolean;
  access_token_ttl_s: number;
  refresh_token_idle_ttl_s: number;
  refresh_token_ttl_s: number;
  id_token_signed_response_alg: string;
  jwks: { keys: Record<string, unknown>[] } | null;
  jwks_uri: string | null;
  backchannel_logout_uri: string | null;
}

export interface ClientCreated extends PrincipalCreated {
  principal: Client;
}

export interface Group {
  id: string;
  name: string;
  description: string;
  changed: number;
}

export interface Role {
  id: string;
  name: string;
  title: string;
  description: string;
  workspace: string | null;
  kinds: Kind[];
  system: boolean;
  exercises_all: boolean;
  exercises: string[];
  gives_all: boolean;
  gives: string[];
  ceiling: Ceiling | null;
  origin: string;
  changed: number;
}

export interface Comparison {
  attribute?: string;
  operator: string;
  value?: unknown;
}

export interface Condition {
  all: Comparison[];
}

export interface Node {
  kind: NodeKind;
  id: string | null;
}

export interface GrantDraft {
  holder: { kind: "principal" | "group"; id: string };
  role?: string;
  permission?: string;
  node: Node;
  expires_at?: string;
  condition?: Condition;
}

export interface Grant extends Omit<GrantDraft, "role" | "permission"> {
  id: string;
  role: string | null;
  role_name: string | null;
  permission: string | null;
}

export interface Permission {
  name: string;
  /** Of operations. */
  group: string;
  class: string;
  origin: string;
  workspace: string | null;
  machine: boolean;
  roles: { id: string; name: string }[];
}

export interface Guardrail {
  id: string;
  name: string;
  description: string;
  node: Node;
  kinds: Kind[];
  permissions: string[];
  condition: Condition | null;
  origin: string;
  changed: number;
}

export interface ResourceGroup {
  id: string;
  workspace: string;
  name: string;
  description: string;
  changed: number;
}

export interface Record_ {
  revision: number;
  part: number;
  time: string;
  actor: { kind: string; id: string | null };
  credential: string | null;
  address: string;
  action: string;
  subject: { kind: string; id: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  hash: string;
}

export interface Entity {
  type: string;
  id: string;
  properties?: Record<string, unknown>;
}

export interface DecisionRequest {
  subject: Entity;
  action: { name: string; properties?: Record<string, unknown> };
  resource: Entity;
  context?: Record<string, unknown>;
}

export interface Decision {
  decision: boolean;
  context?: Record<string, unknown>;
}
