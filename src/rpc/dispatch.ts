// JSON-RPC 2.0: from one parsed body to one answer. Envelope, batch, parameters, rate of calls, errors.
// Knows no transport; never throws, whatever the body is.

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
  /** the first code of an error that concerns the whole body or the rate of calls */
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
    if (!parsed.ok) return this.whole(rpcRefusal(parsed.code, { reason: parsed.detail }));
    if (!Array.isArray(parsed.value)) {
      const response = await this.respond(parsed.value, caller);
      return { body: response && stringify(response), code: responseCode(response) };
    }
    const { batchRequestsMax } = this.options;
    if (parsed.value.length === 0 || parsed.value.length > batchRequestsMax) {
      return this.whole(
        rpcRefusal("RPC_BATCH_INVALID", { requests: parsed.value.length, requestsMax: batchRequestsMax }),
      );
    }
    const responses = (await Promise.all(parsed.value.map((request) => this.respond(request, caller)))).filter(
      (response) => response !== undefined,
    );
    return { body: responses.length === 0 ? undefined : stringify(responses), code: undefined };
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
    return { body: stringify({ jsonrpc: "2.0", id: null, error: view }), code: view.data.code };
  }

  private async respond(json: unknown, caller: Caller): Promise<Response | undefined> {
    const request = readRequest(json);
    if (request === undefined) {
      return { jsonrpc: "2.0", id: null, error: this.viewOfError(rpcRefusal("RPC_REQUEST_INVALID")) };
    }
    const outcome = await this.call(request, caller);
    return request.id === undefined ? undefined : { jsonrpc: "2.0", id: request.id, ...outcome };
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
    if (!isMethodName(name)) return this.refuse(caller, 1, rpcRefusal("RPC_METHOD_UNKNOWN"));
    const checked = checkParams(name, request.params ?? {});
    if (!checked.ok)
      return this.refuse(caller, 1, rpcRefusal("RPC_PARAMS_INVALID", { method: name, faults: checked.faults }));
    const method = METHODS[name] as (typeof METHODS)[MethodName] & {
      cost(params: unknown): number;
      run(params: unknown, context: CallContext): unknown;
    };
    if (!this.charge(caller, method.cost(checked.params))) throw rpcRefusal("RPC_RATE_LIMITED");
    return method.run(checked.params, {
      api: this.options.api,
      subscriber: caller.subscriber,
      viewOfError: this.viewOfError,
    });
  }

  // Faulty calls cost as well, or they would be free work for the node.
  private refuse(caller: Caller, cost: number, error: Error): never {
    if (!this.charge(caller, cost)) throw rpcRefusal("RPC_RATE_LIMITED");
    throw error;
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

function responseCode(response: Response | undefined): string | undefined {
  return response !== undefined && "error" in response ? response.error.data.code : undefined;
}

function stringify(value: unknown): string {
  return JSON.stringify(value);
}
