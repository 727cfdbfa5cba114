// Who acts in the devnet: organisations, their people's accounts and every key, all derived from one seed of the data directory.
// ONLY FOR THE DEVNET: whoever has that seed can sign as everybody. In earnest each person keeps their own key.

import { sha256 } from "#sha256";
import type { GenesisAccount, GenesisOrganisation } from "../../ledger/genesis.ts";
import type { KeySigner } from "../../ports.ts";
import { nativeSigner } from "../ed25519-native.ts";

/** The organisations that run nodes, in the order in which they join: the first four are the smallest network. */
export const NODE_ORGANISATIONS: readonly GenesisOrganisation[] = [
  { id: "property", title: "邻里物业服务有限公司 · Linli Property Services", role: "property" },
  { id: "street", title: "邻里街道办事处 · Linli Street Office", role: "street" },
  { id: "provider", title: "快修设备服务有限公司 · Kuaixiu Repairs", role: "provider" },
  { id: "government", title: "住房和城乡建设局 · Housing Authority", role: "government" },
  { id: "committee", title: "邻里花园业主委员会 · Owners' Committee", role: "committee" },
  { id: "residents", title: "邻里社区居民委员会 · Residents' Committee", role: "residents" },
  { id: "auditor", title: "公正会计师事务所 · Auditor", role: "auditor" },
];

/** Take part without a node unless the network is large enough to give them one. */
const OTHER_ORGANISATIONS: readonly GenesisOrganisation[] = [
  { id: "bank", title: "存管银行 · Custodian Bank", role: "bank" },
  { id: "homecare", title: "安心到家服务有限公司 · Anxin Home Care", role: "provider" },
];

/** Every organisation of the devnet, whatever the number of nodes. */
export const DEVNET_ORGANISATIONS: readonly GenesisOrganisation[] = [...NODE_ORGANISATIONS, ...OTHER_ORGANISATIONS];

/** Somebody of an organisation, enrolled by its administrator on the first morning. */
export interface StaffMember {
  readonly account: string;
  readonly organisation: string;
  readonly role: string;
}

export const STAFF = {
  registrar: { account: "registrar", organisation: "street", role: "registrar" },
  manager: { account: "pm-manager", organisation: "property", role: "pm_manager" },
  finance: { account: "pm-finance", organisation: "property", role: "pm_finance" },
  clerk: { account: "pm-clerk", organisation: "property", role: "pm_clerk" },
  repairer: { account: "kuaixiu-wang", organisation: "provider", role: "provider" },
  dispatcher: { account: "anxin-dispatch", organisation: "homecare", role: "provider" },
  inspector: { account: "inspector", organisation: "government", role: "inspector" },
  regulator: { account: "regulator", organisation: "government", role: "regulator" },
  reviewer: { account: "regulator-review", organisation: "government", role: "regulator" },
  committee: { account: "committee-chair", organisation: "committee", role: "committee" },
  street: { account: "street-officer", organisation: "street", role: "street" },
  residents: { account: "residents-chair", organisation: "residents", role: "resident_committee" },
  bank: { account: "bank-teller", organisation: "bank", role: "bank" },
} as const satisfies Record<string, StaffMember>;

/** Those who come to the door: as many of each provider as there are packages on the day. */
const WORKERS_EACH = 6;

/** @param number from 0 */
export function workerOf(organisation: string, number: number): string {
  return `${organisation}-worker-${(number % WORKERS_EACH) + 1}`;
}

export const WORKERS: readonly StaffMember[] = ["homecare", "provider"].flatMap((organisation) =>
  Array.from({ length: WORKERS_EACH }, (_, number) => ({
    account: workerOf(organisation, number),
    organisation,
    role: "tech",
  })),
);

export function administratorOf(organisation: string): string {
  return `${organisation}-admin`;
}

/** The gateway of a building's devices: a machine of the property company with its own key. */
export function gatewayOf(building: string): string {
  return `gateway-${building}`;
}

/** The accounts of the genesis: one administrator for each organisation; everybody else is enrolled by transactions. */
export function genesisAccounts(keys: DevnetKeys): readonly GenesisAccount[] {
  return DEVNET_ORGANISATIONS.map(({ id }) => {
    const account = administratorOf(id);
    const { suite, publicKey } = keys.signerOf(account);
    return { id: account, organisation: id, roles: ["admin"], suite, publicKey };
  });
}

/** The keys of all accounts of the devnet. Signers are made when they are first asked for. */
export class DevnetKeys {
  private readonly seed: Uint8Array;
  private readonly signers = new Map<string, KeySigner>();

  /** @param seed 32 bytes, from a file with mode 0600 in the data directory */
  constructor(seed: Uint8Array) {
    this.seed = seed;
  }

  signerOf(account: string): KeySigner {
    let signer = this.signers.get(account);
    if (signer === undefined) {
      signer = nativeSigner(this.derive(`account:${account}`));
      this.signers.set(account, signer);
    }
    return signer;
  }

  /** 32 bytes for one purpose, e.g. `validator:street`. */
  derive(label: string): Uint8Array {
    const name = new TextEncoder().encode(`linli-devnet:${label}:`);
    const input = new Uint8Array(name.length + this.seed.length);
    input.set(name);
    input.set(this.seed, name.length);
    return sha256(input);
  }
}
