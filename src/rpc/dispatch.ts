// JSON-RPC 2.0: from one parsed body to one answer. Envelope, batch, parameters, rate of calls, errors.
// Knows no transport; never throws, whatever the body is.

import type { LedgerError } from "../errors.ts";
import type { Logger } from "../ports.ts";
import { errorView, type RpcErrorView, rpcRefusal } from "./errors.ts";
import { parseJson } from "./json.ts";
import { type CallContext, isMethodName, METHODS, type Subscriber } from "./methods.ts";
import type { AddressUse, TokenBucket } from "./rate-limit.ts";
import { checkParams, type MethodName } from "./schemas.ts";

export const REQUEST_ID_LENGTH_MAX = 128;
/** A request this large costs one token more: reading it is work before anything is known of it. */
const BYTES_PER_TOKEN = 16_384;

type RequestId = string | number | null;

interface Request {
  /** undefined: a notification, which gets no answer */
  readonly id: RequestId | undefined;
  readonly method: string;
  readonly params: unknown;
}

type Response = { readonly jsonrpc: "2.0"; readonly id: RequestId } & (
  | { readonly result: unknown }
  | { readonly error: RpcErrorView }
);

interface CheckedMethod {
  cost(params: unknown): number;
  run(params: unknown, context: CallContext): unknown;
}

/** Whom a body came from, and what it may use. */
export interface Caller {
  readonly address: AddressUse;
  /** undefined over HTTP, where only the address is limited */
  readonly connection: TokenBucket | undefined;
  readonly subscriber: Subscriber | undefined;
}

export interface Answer {
  /** undefined: nothing to answer (notifications only) */
  readonly body: string | undefined;
  /** the code of the error that all calls of the body ended with; undefined: at least one did not */
  readonly code: string | undefined;
}

interface Outcome {
  /** undefined: a notification, which gets no answer */
  readonly response: Response | undefined;
  readonly code: string | undefined;
}

export interface DispatcherOptions {
  readonly api: CallContext["api"];
  readonly log: Logger;
  readonly batchRequestsMax: number;
  readonly openCallsPerAddressMax: number;
}

export class Dispatcher {
  private readonly options: DispatcherOptions;
  private incidents = 0;

  constructor(options: DispatcherOptions) {
    this.options = options;
  }

  async answer(body: Uint8Array, caller: Caller): Promise<Answer> {
    if (!this.charge(caller, Math.floor(body.length / BYTES_PER_TOKEN)))
      return this.whole(rpcRefusal("RPC_RATE_LIMITED"));
    const parsed = parseJson(body);
    if (!parsed.ok) return this.whole(this.charged(caller, rpcRefusal(parsed.code, { reason: parsed.detail })));
    if (!Array.isArray(parsed.value)) {
      const { response, code } = await this.respond(parsed.value, caller);
      return { body: response === undefined ? undefined : JSON.stringify(response), code };
    }
    const requests = parsed.value.length;
    const { batchRequestsMax } = this.options;
    if (requests === 0 || requests > batchRequestsMax) {
      return this.whole(
        this.charged(caller, rpcRefusal("RPC_BATCH_INVALID", { requests, requestsMax: batchRequestsMax })),
      );
    }
    const outcomes = await Promise.all(parsed.value.map((request) => this.respond(request, caller)));
    const responses = outcomes.flatMap(({ response }) => (response === undefined ? [] : [response]));
    const [first] = outcomes;
    const code = outcomes.every((outcome) => outcome.code === first?.code) ? first?.code : undefined;
    return { body: responses.length === 0 ? undefined : JSON.stringify(responses), code };
  }

  /** The view of any error; what is not in the catalogue becomes an incident of the log. */
  readonly viewOfError = (error: unknown): RpcErrorView =>
    errorView(error, (unlisted) => {
      this.incidents += 1;
      const incident = `rpc-${this.incidents}`;
      this.options.log.error("rpc call failed", { incident, error: unlisted });
      return incident;
    });

  /** The answer to a body that cannot be answered call by call. */
  whole(error: unknown): Answer {
    const view = this.viewOfError(error);
    return { body: JSON.stringify({ jsonrpc: "2.0", id: null, error: view }), code: view.data.code };
  }

  private async respond(json: unknown, caller: Caller): Promise<Outcome> {
    const request = readRequest(json);
    if (request === undefined) {
      const error = this.viewOfError(this.charged(caller, rpcRefusal("RPC_REQUEST_INVALID")));
      return { response: { jsonrpc: "2.0", id: null, error }, code: error.data.code };
    }
    const outcome = await this.call(request, caller);
    const code = "error" in outcome ? outcome.error.data.code : undefined;
    return { response: request.id === undefined ? undefined : { jsonrpc: "2.0", id: request.id, ...outcome }, code };
  }

  private async call(request: Request, caller: Caller): Promise<{ result: unknown } | { error: RpcErrorView }> {
    const use = caller.address;
    if (use.openCalls >= this.options.openCallsPerAddressMax) {
      return {
        error: this.viewOfError(
          rpcRefusal("RPC_TOO_MANY_OPEN_CALLS", { openCallsMax: this.options.openCallsPerAddressMax }),
        ),
      };
    }
    use.openCalls += 1;
    try {
      return { result: await this.run(request, caller) };
    } catch (error) {
      return { error: this.viewOfError(error) };
    } finally {
      use.openCalls -= 1;
    }
  }

  private run(request: Request, caller: Caller): unknown {
    const name = request.method;
    if (!isMethodName(name)) throw this.charged(caller, rpcRefusal("RPC_METHOD_UNKNOWN"));
    const checked = checkParams(name, request.params ?? {});
    if (!checked.ok)
      throw this.charged(caller, rpcRefusal("RPC_PARAMS_INVALID", { method: name, faults: checked.faults }));
    // The parameters have passed the schema of this very method.
    const method = METHODS[name] as (typeof METHODS)[MethodName] & CheckedMethod;
    if (!this.charge(caller, method.cost(checked.params))) throw rpcRefusal("RPC_RATE_LIMITED");
    const { api } = this.options;
    return method.run(checked.params, { api, subscriber: caller.subscriber, viewOfError: this.viewOfError });
  }

  // Faulty calls cost as well, or they would be free work for the node.
  private charged(caller: Caller, refusal: LedgerError): LedgerError {
    return this.charge(caller, 1) ? refusal : rpcRefusal("RPC_RATE_LIMITED");
  }

  private charge(caller: Caller, cost: number): boolean {
    return cost === 0 || ((caller.connection?.take(cost) ?? true) && caller.address.bucket.take(cost));
  }
}

function readRequest(json: unknown): Request | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const { jsonrpc, id, method, params, ...others } = json as Record<string, unknown>;
  if (jsonrpc !== "2.0" || typeof method !== "string" || Object.keys(others).length > 0) return undefined;
  if (params !== undefined && (typeof params !== "object" || params === null)) return undefined;
  if (!isRequestId(id)) return undefined;
  return { id, method, params };
}

function isRequestId(id: unknown): id is RequestId | undefined {
  return (
    id === undefined ||
    id === null ||
    Number.isSafeInteger(id) ||
    (typeof id === "string" && id.length <= REQUEST_ID_LENGTH_MAX)
  );
}
