// The morning: everybody is enrolled, the community is registered from its files, the contracts are approved and deployed.
// Never gives an organisation a transaction that another one has to sign.

import { type Hash, toHex } from "../../ledger/hash.ts";
import { digestOf, type TestsShown } from "../author-tests.ts";
import { viaOf } from "./acts.ts";
import { administratorOf, gatewayOf, STAFF, type StaffMember, WORKERS } from "./cast.ts";
import { endOfDayMs } from "./community.ts";
import type { DayContext } from "./day.ts";
import { type LibraryContract, loadLibraryContract, testsOfLibraryContract } from "./library.ts";
import type { RowFields } from "./reader.ts";
import type { ProgressLine, StepItem, Steps } from "./steps.ts";

/** Calls of one registration transaction: the most that a transaction may carry. */
const CALLS = 100;
/** Bytes of a document are at most three times its characters; each costs 80 units to check. */
const GAS_PER_CHARACTER = 260;
const GAS_OF_DEPLOYMENT = 50_000;
/** Proposals live for thirty days, which are seconds here: few at once are enacted in time, also on a slow machine. */
const CONTRACTS_AT_ONCE = 3;
/** what a proposal needs to be approved and enacted */
const TIME_LEFT_MS = 20 * 86_400_000;

interface Proposed {
  readonly name: LibraryContract;
  readonly source: string;
  readonly digest: Hash;
  readonly tests: TestsShown;
  readonly id: string;
}

export async function registerCommunity(context: DayContext, steps: Steps): Promise<void> {
  const { community } = context;
  await steps.ensure({
    title: { zh: "机构人员与设备网关入册", en: "Staff and device gateways enrolled" },
    contract: "registry",
    table: "account",
    items: enrolments(context),
    itemsPerTransaction: CALLS,
  });
  await steps.ensure({
    title: { zh: `登记小区 ${community.title}`, en: `Community ${community.titleEnglish} registered` },
    contract: "registry",
    table: "community",
    items: [
      registration(context, [community.code], "add_community", {
        id: community.code,
        title: community.title,
        firm: STAFF.manager.organisation,
        committee: STAFF.committee.organisation,
        bank: STAFF.bank.organisation,
        residents: STAFF.residents.organisation,
      }),
    ],
  });
  await steps.ensure({
    title: { zh: `登记 ${community.buildings.length} 幢楼`, en: `${community.buildings.length} buildings registered` },
    contract: "registry",
    table: "building",
    items: community.buildings.map(({ id, title, floors }) =>
      registration(context, [id], "add_building", { id, community: community.code, title, floors }),
    ),
    itemsPerTransaction: CALLS,
  });
  await steps.ensure({
    title: { zh: `登记 ${community.heads.length} 名业主`, en: `${community.heads.length} heads registered` },
    contract: "registry",
    table: "head",
    items: community.heads.map(({ id, kind }) => ({
      ...registration(context, [id], "add_head", {
        id,
        community: community.code,
        kind,
        key: context.keys.signerOf(id).publicKey,
      }),
      isDone: (fields: RowFields) => fields.kind === kind,
    })),
    itemsPerTransaction: CALLS,
  });
  await steps.ensure({
    title: { zh: `登记 ${community.units.length} 个专有部分`, en: `${community.units.length} units registered` },
    contract: "registry",
    table: "unit",
    items: community.units.map(({ id, building, use, areaCm2, status, head }) => ({
      ...registration(context, [id], "add_unit", { id, building, use, area: areaCm2, status, head }),
      isDone: (fields: RowFields) => fields.area === areaCm2 && fields.head === head,
    })),
    itemsPerTransaction: CALLS,
  });
  await registerDevices(context, steps);
}

/** Proposal, approvals of the organisations that run nodes, and deployment, of each of these contracts. */
export async function deployContracts(
  context: DayContext,
  steps: Steps,
  names: readonly LibraryContract[],
): Promise<void> {
  const deployed = await steps.reader.rows("governance", "contract");
  const missing = names.filter((name) => !deployed.has(name));
  if (missing.length === 0)
    context.progress({ zh: `${names.length} 份合约已部署`, en: `${names.length} contracts are deployed already` });
  for (let first = 0; first < missing.length; first += CONTRACTS_AT_ONCE)
    await deployGroup(context, steps, missing.slice(first, first + CONTRACTS_AT_ONCE));
}

async function deployGroup(context: DayContext, steps: Steps, names: readonly LibraryContract[]): Promise<void> {
  const seats = await seatsOf(steps);
  const proposals: Proposed[] = [];
  for (const name of names) {
    const source = await loadLibraryContract(name);
    // The id names the text, so that a changed document is another proposal.
    const digest = digestOf(source);
    const tests = await testsOfLibraryContract(name);
    const id = await openProposal(context, steps, `${name}-${toHex(digest).slice(0, 12)}`);
    proposals.push({ name, source, digest, tests, id });
  }
  await steps.ensure({
    title: {
      zh: `物业公司提案: 部署 ${proposals.length} 份合约`,
      en: `The property company proposes ${proposals.length} contracts`,
    },
    contract: "governance",
    table: "proposal",
    items: proposals.map(({ name, digest, tests, id }) => ({
      key: [id],
      ...administered(context, "property", "propose_contract", {
        id,
        seat: seats.get("property") ?? 0,
        contract: name,
        source_hash: digest,
        active_height: 0,
        tests_hash: tests.digest,
        tests_passed: tests.passed,
      }),
    })),
  });
  await approveAll(context, steps, proposals);
  for (const { name, source, id } of proposals) {
    await steps.ensure({
      title: { zh: `部署合约 ${name}`, en: `Contract ${name} deployed` },
      contract: "governance",
      table: "contract",
      items: [
        {
          key: [name],
          ...administered(context, "street", "enact_contract", { proposal: id, source }),
          gasLimit: GAS_PER_CHARACTER * source.length + GAS_OF_DEPLOYMENT,
        },
      ],
    });
  }
}

/** A number of a contract that the organisations set for this community, within the bounds of its document. */
export interface AgreedNumber {
  readonly contract: LibraryContract;
  readonly name: string;
  readonly value: number;
}

/** Proposal by the street office, approvals of all, and coming into force, of each number. */
export async function agreeOnNumbers(
  context: DayContext,
  steps: Steps,
  { title, numbers }: { readonly title: ProgressLine; readonly numbers: readonly AgreedNumber[] },
): Promise<void> {
  const seat = (await seatsOf(steps)).get("street") ?? 0;
  const agreed = await steps.reader.rows("governance", "setting");
  const proposals: (AgreedNumber & { readonly id: string })[] = [];
  for (const number of numbers)
    if (agreed.get([number.contract, number.name].join("\n"))?.value !== number.value)
      proposals.push({ ...number, id: await openProposal(context, steps, `${number.name}-${number.value}`) });
  if (proposals.length === 0) return;
  await steps.ensure({
    title,
    contract: "governance",
    table: "proposal",
    items: proposals.map(({ id, ...number }) => ({
      key: [id],
      ...administered(context, "street", "propose_setting", { id, seat, ...number }),
    })),
  });
  await approveAll(context, steps, proposals);
  await steps.ensure({
    title: { zh: "所定数值生效", en: "The numbers are in force" },
    contract: "governance",
    table: "setting",
    items: proposals.map(({ id, contract, name }) => ({
      key: [contract, name],
      ...administered(context, "street", "enact_setting", { proposal: id }),
    })),
  });
}

/** The id of a proposal that is not made yet, or has time left: one that was broken off may have expired meanwhile. */
async function openProposal({ clock }: DayContext, steps: Steps, name: string): Promise<string> {
  const proposals = await steps.reader.rows("governance", "proposal");
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? name : `${name}-${number}`;
    const found = proposals.get(id);
    if (found === undefined || found.state === "enacted" || Number(found.expires) > clock.nowMs() + TIME_LEFT_MS)
      return id;
  }
}

async function approveAll(
  context: DayContext,
  steps: Steps,
  proposals: readonly { readonly id: string }[],
): Promise<void> {
  const seats = await seatsOf(steps);
  await steps.ensure({
    title: { zh: `${seats.size} 家机构分别同意`, en: `${seats.size} organisations approve, each for itself` },
    contract: "governance",
    table: "approval",
    items: [...seats].flatMap(([organisation, seat]) =>
      proposals.map(({ id }) => ({
        key: [id, organisation],
        ...administered(context, organisation, "approve", { proposal: id, seat }),
      })),
    ),
  });
}

function administered(
  context: DayContext,
  organisation: string,
  action: string,
  args: Readonly<Record<string, string | number | Uint8Array>>,
) {
  return {
    account: administratorOf(organisation),
    via: viaOf(context, organisation),
    calls: [{ contract: "governance", action, args }],
  };
}

/** The index of each organisation's seat. */
async function seatsOf(steps: Steps): Promise<ReadonlyMap<string, number>> {
  const seats = new Map<string, number>();
  for (const [index, fields] of await steps.reader.rows("governance", "seat")) {
    seats.set(String(fields.organisation), Number(index));
  }
  return seats;
}

function enrolments(context: DayContext): readonly StepItem[] {
  const gateways = context.community.buildings.map(
    ({ id }): StaffMember => ({ account: gatewayOf(id), organisation: "property", role: "device" }),
  );
  const members: readonly StaffMember[] = [...Object.values(STAFF), ...WORKERS, ...gateways];
  return [...members]
    .sort((left, right) => (left.organisation < right.organisation ? -1 : 1))
    .map(({ account, organisation, role }) => {
      const { publicKey } = context.keys.signerOf(account);
      return {
        key: [account],
        account: administratorOf(organisation),
        via: viaOf(context, organisation),
        calls: [{ contract: "registry", action: "enrol_staff", args: { id: account, role, key: publicKey } }],
      };
    });
}

function registration(
  context: DayContext,
  key: readonly string[],
  action: string,
  args: Readonly<Record<string, string | number | Uint8Array>>,
): StepItem {
  const { account, organisation } = STAFF.registrar;
  return { key, account, via: viaOf(context, organisation), calls: [{ contract: "registry", action, args }] };
}

async function registerDevices(context: DayContext, steps: Steps): Promise<void> {
  const { devices } = context.community;
  const { account, organisation } = STAFF.manager;
  const witness = STAFF.committee.account;
  await steps.ensure({
    title: { zh: `登记 ${devices.length} 台设备`, en: `${devices.length} devices registered` },
    contract: "registry",
    table: "device",
    items: devices.map(({ id, kind, building, limit, warrantyUntil }) => {
      const gateway = gatewayOf(building);
      const args = { id, building, kind, gateway, limit, warranty_until: endOfDayMs(warrantyUntil), witness };
      return {
        key: [id],
        account,
        cosigners: [witness],
        via: viaOf(context, organisation),
        calls: [{ contract: "registry", action: "add_device", args }],
        isDone: (fields: RowFields) => fields.kind === kind && fields.gateway === gateway,
      };
    }),
    itemsPerTransaction: CALLS,
  });
}
