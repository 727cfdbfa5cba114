// The OpenRPC document that rpc_discover answers, made from the schemas that check the calls.
// Built once; it can never describe something else than what is checked.

import { RPC_CATALOGUE } from "./errors.ts";
import { jsonSchemaOf, type MethodName } from "./schemas.ts";

let built: Readonly<Record<string, unknown>> | undefined;

/** @param methods names with their summaries, in the order of the document */
export function openRpcDocument(
  methods: readonly (readonly [MethodName, string])[],
): Readonly<Record<string, unknown>> {
  built ??= {
    openrpc: "1.3.2",
    info: {
      title: "Linli ledger node",
      version: "1.0.0",
      description: "JSON-RPC 2.0 over HTTP (POST /) and WebSocket (/). Parameters by name; unknown fields are errors.",
    },
    methods: methods.map(([name, summary]) => methodObject(name, summary)),
    components: { errors: errorObjects() },
  };
  return built;
}

function methodObject(name: MethodName, summary: string): Record<string, unknown> {
  const { params, result } = jsonSchemaOf(name);
  const properties = (params.properties ?? {}) as Record<string, unknown>;
  const required = (params.required ?? []) as readonly string[];
  // Recursive schemas refer to "#/$defs/..." of their own root: each parameter carries the definitions it may need.
  const definitions = params.$defs === undefined ? {} : { $defs: params.$defs };
  return {
    name,
    summary,
    paramStructure: "by-name",
    params: Object.entries(properties).map(([parameter, schema]) => ({
      name: parameter,
      required: required.includes(parameter),
      schema: { ...(schema as Record<string, unknown>), ...definitions },
    })),
    result: { name: "result", schema: result },
  };
}

function errorObjects(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(RPC_CATALOGUE).map(([code, { number, cause, remedy }]) => [
      code,
      { code: number, message: `${code}: ${cause}`, data: { code, cause, remedy } },
    ]),
  );
}
