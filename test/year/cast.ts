// Who lives and works in the year: the community of the devnet, or some of its buildings, with staff of every organisation and
// tenants. All keys come from the seed: whoever has it can sign as everybody, which is right for a play and nothing else.

import { createHash } from "node:crypto";
import type { GenesisAccount, GenesisOrganisation } from "../../src/ledger/genesis.ts";
import { DEVNET_ORGANISATIONS, DevnetKeys } from "../../src/node/devnet/cast.ts";
import { type Community, generateCommunity, type Unit } from "../../src/node/devnet/community.ts";
import { Draw } from "./days.ts";

/** Firms that offer services at home; who they are owned by decides how many offers they may list. */
export const PROVIDERS = ["clean-one", "clean-two", "fixers", "carers"] as const;
export type Provider = (typeof PROVIDERS)[number];

export const ORGANISATIONS: readonly GenesisOrganisation[] = [
  ...DEVNET_ORGANISATIONS,
  { id: "clean-one", title: "洁净家政服务有限公司 · Clean One", role: "provider" },
  { id: "clean-two", title: "安居保洁服务有限公司 · Clean Two", role: "provider" },
  { id: "fixers", title: "邻里维修服务有限公司 · Fixers", role: "provider" },
  { id: "carers", title: "颐年照护服务有限公司 · Carers", role: "provider" },
];

export interface StaffMember {
  readonly account: string;
  readonly organisation: string;
  readonly role: string;
}

const TECHNICIANS = 4;
const TENANCIES_PER_MILLE = 250;
export const GATEWAY = "gateway-main";

export const STAFF: readonly StaffMember[] = [
  { account: "registrar", organisation: "street", role: "registrar" },
  { account: "street-officer", organisation: "street", role: "street" },
  { account: "pm-manager", organisation: "property", role: "pm_manager" },
  { account: "pm-manager-two", organisation: "property", role: "pm_manager" },
  { account: "pm-finance", organisation: "property", role: "pm_finance" },
  { account: "pm-clerk", organisation: "property", role: "pm_clerk" },
  { account: GATEWAY, organisation: "property", role: "device" },
  { account: "repairer", organisation: "provider", role: "provider" },
  { account: "inspector", organisation: "government", role: "inspector" },
  { account: "regulator", organisation: "government", role: "regulator" },
  { account: "regulator-two", organisation: "government", role: "regulator" },
  { account: "committee-chair", organisation: "committee", role: "committee" },
  { account: "committee-deputy", organisation: "committee", role: "committee" },
  { account: "residents-chair", organisation: "residents", role: "resident_committee" },
  { account: "mediator", organisation: "residents", role: "mediator" },
  { account: "auditor", organisation: "auditor", role: "auditor" },
  { account: "bank-teller", organisation: "bank", role: "bank" },
  ...PROVIDERS.map((id) => ({ account: `${id}-office`, organisation: id, role: "provider" })),
  ...["property", "provider", ...PROVIDERS].flatMap((organisation) =>
    Array.from({ length: TECHNICIANS }, (_, index) => ({
      account: technicianOf(organisation, index),
      organisation,
      role: "tech",
    })),
  ),
];

export function technicianOf(organisation: string, index: number): string {
  return `${organisation}-tech-${(index % TECHNICIANS) + 1}`;
}

export function administratorOf(organisation: string): string {
  return `${organisation}-admin`;
}

/** A unit that its owner has let. */
export interface Tenancy {
  readonly unit: Unit;
  readonly tenant: string;
}

export class Cast {
  readonly keys: DevnetKeys;
  readonly draw: Draw;
  readonly community: Community;
  readonly tenancies: readonly Tenancy[];
  private readonly tenantOf: ReadonlyMap<string, string>;

  /** @param buildings how many of the twelve buildings there are */
  constructor({ seed, buildings }: { readonly seed: number; readonly buildings: number }) {
    this.draw = new Draw(seed);
    this.keys = new DevnetKeys(new Uint8Array(createHash("sha256").update(`linli-year-keys:${seed}`).digest()));
    this.community = firstBuildings(generateCommunity({ seed }), buildings);
    const people = new Set(this.community.heads.filter(({ kind }) => kind === "person").map(({ id }) => id));
    this.tenancies = this.community.units
      .filter(
        ({ id, head, use }) => use === "home" && people.has(head) && this.draw.chance(TENANCIES_PER_MILLE, `let:${id}`),
      )
      .map((unit) => ({ unit, tenant: `t-${unit.id}` }));
    this.tenantOf = new Map(this.tenancies.map(({ unit, tenant }) => [unit.id, tenant]));
  }

  /** Everybody who lives in a unit and orders and reports things there: its owner, or its tenant. */
  residentOf(unit: Unit): string {
    return this.tenantOf.get(unit.id) ?? unit.head;
  }

  administrators(): readonly GenesisAccount[] {
    return ORGANISATIONS.map(({ id }) => {
      const account = administratorOf(id);
      const { suite, publicKey } = this.keys.signerOf(account);
      return { id: account, organisation: id, roles: ["admin"], suite, publicKey };
    });
  }
}

function firstBuildings(community: Community, count: number): Community {
  const buildings = community.buildings.slice(0, count);
  const kept = new Set(buildings.map(({ id }) => id));
  const units = community.units.filter(({ building }) => kept.has(building));
  const holding = new Set(units.map(({ head }) => head));
  return {
    ...community,
    buildings,
    units,
    heads: community.heads.filter(({ id }) => holding.has(id)),
    devices: community.devices.filter(({ building }) => kept.has(building)),
  };
}
