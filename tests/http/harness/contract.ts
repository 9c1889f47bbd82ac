// Every answer that a test sees is held against the contract, api/openapi.yaml.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "yaml";
import { ROOT } from "./binary.ts";

interface Response {
  $ref?: string;
  content?: Record<string, { schema?: unknown }>;
}
interface Operation {
  operationId: string;
  responses: Record<string, Response>;
}
interface Contract {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, Response> };
}

const ID = "contract";
const contract = parse(readFileSync(join(ROOT, "api/openapi.yaml"), "utf8")) as Contract;
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addFormat("idn-email", /^[^\s@]+@[^\s@]+$/u);
ajv.addSchema({ $id: ID, ...contract });

const routes = Object.entries(contract.paths).map(([template, methods]) => ({
  template,
  methods,
  pattern: new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  // Of two templates that match, the one with the longer fixed text is meant.
  weight: template.replaceAll(/\{\w+\}/g, "").length,
})).sort((a, b) => b.weight - a.weight);

const validators = new Map<string, ValidateFunction>();

function pointer(...keys: string[]): string {
  const escaped = keys.map((key) => key.replaceAll("~", "~0").replaceAll("/", "~1"));
  return `${ID}#/${escaped.map(encodeURIComponent).join("/")}`;
}

function validator(reference: string): ValidateFunction {
  let found = validators.get(reference);
  if (!found) {
    found = ajv.compile({ $ref: reference });
    validators.set(reference, found);
  }
  return found;
}

/** What the contract calls a request: "group_create"; undefined for what it does not know. */
export function operationOf(method: string, path: string): string | undefined {
  const bare = path.split("?")[0] ?? "";
  const route = routes.find((one) => one.pattern.test(bare));
  return route?.methods[method.toLowerCase()]?.operationId;
}

/** Throws when the contract has an operation for the request, and the answer is none of its. */
export function holdAgainstContract(
  method: string,
  path: string,
  answer: { status: number; headers: Headers; text: string; body: unknown },
): void {
  const bare = path.split("?")[0] ?? "";
  const route = routes.find((one) => one.pattern.test(bare));
  const operation = route?.methods[method.toLowerCase()];
  if (!route || !operation) return;
  const what = `${operation.operationId} answered ${answer.status}`;
  const status = String(answer.status) in operation.responses ? String(answer.status) : "default";
  const declared = operation.responses[status];
  // The decision API keeps the forms of its own standard for errors.
  if (!declared) {
    if (answer.status < 400) throw new Error(`${what}, which the contract does not know`);
    return;
  }
  const at = declared.$ref?.startsWith("#/")
    ? declared.$ref.slice(2).split("/")
    : ["paths", route.template, method.toLowerCase(), "responses", status];
  const content = at[0] === "components"
    ? contract.components.responses[at[2] ?? ""]?.content
    : declared.content;
  const type = answer.headers.get("content-type")?.split(";")[0];
  if (!content) {
    if (answer.text !== "") throw new Error(`${what} with a body: ${answer.text}`);
    return;
  }
  if (type === undefined || !(type in content))
    throw new Error(`${what} as ${type}, not ${Object.keys(content).join(" or ")}: ${answer.text}`);
  if (!type.endsWith("json") || content[type]?.schema === undefined) return;
  const check = validator(pointer(...at, "content", type, "schema"));
  if (!check(answer.body))
    throw new Error(`${what}: ${ajv.errorsText(check.errors)}\n${answer.text}`);
}
