// The directory of services: papers, offers, approval, the order in which residents see them, and the numbers of this community.
// Ranks nothing itself: the contract does, and the summary does it again.

import type { Value } from "../../ledger/codec.ts";
import { type Actor, digestOf, itemOf, residentOf, staffOf } from "./acts.ts";
import { STAFF, WORKERS } from "./cast.ts";
import type { DayContext } from "./day.ts";
import { agreeOnNumbers } from "./day-registration.ts";
import { MATCH_MODES, OFFERS, type PlannedOffer, plannedPackages } from "./plan-services.ts";
import type { RowFields } from "./reader.ts";
import type { ProgressLine, StepItem, Steps } from "./steps.ts";

/** Years for which papers are valid from the genesis on. */
const PAPERS_MS = 5 * 365 * 86_400_000;
const CAPACITY = 100;
const REDO_DAYS = 30;

/**
 * In this community, within the bounds of the document: how early a worker may check in, when one counts as absent, when a
 * visit without check-out is disputed, and how long the money may take. Six hours to check in are a quarter of a second here.
 */
export const VISIT_NUMBERS = {
  early_minutes: 120,
  absent_minutes: 240,
  overdue_hours: 72,
  fund_hours_max: 168,
} as const;

const PROVIDERS = ["homecare", "provider"] as const;

/** Registered providers with papers, approved offers on the list, and the community's numbers. */
export async function openDirectory(context: DayContext, steps: Steps): Promise<void> {
  await agreeOnNumbers(context, steps, {
    title: { zh: "街道提议本小区的上门时限", en: "The street office proposes the community's times for visits" },
    numbers: Object.entries(VISIT_NUMBERS).map(([name, value]) => ({ contract: "home-service", name, value })),
  });
  await recordPapers(context, steps);
  await listOffers(context, steps);
}

/** Two residents let the directory rank all offers of cleaning: by price alone, and by its weights. */
export async function askDirectory(context: DayContext, steps: Steps): Promise<void> {
  const residents = plannedPackages(context.community).map(({ resident }) => resident);
  const items = MATCH_MODES.map((mode, index) => {
    const match = matchOf(mode);
    const call = (action: string, args: Readonly<Record<string, Value>>) => ({
      contract: "service-directory",
      action,
      args,
    });
    const opened = { id: match, community: context.community.code, kind: "cleaning", mode };
    const named = OFFERS.filter(({ kind }) => kind === "cleaning");
    return itemOf(
      residentOf(context, residents[index] ?? ""),
      [match],
      [
        call("open_match", opened),
        ...named.map(({ id }) => call("nominate", { match, offer: id })),
        call("rank", { match }),
      ],
    );
  });
  await steps.ensure({
    title: { zh: "居民请目录排序: 按价格, 按综合", en: "Residents let the directory rank: by price, by all weights" },
    contract: "service-directory",
    table: "match",
    items,
  });
}

export function matchOf(mode: string): string {
  return `cleaning-by-${mode}`;
}

/** What a provider promises, by its digest: residents see the same one when they choose. */
export function termsOf({ id }: PlannedOffer): Uint8Array {
  return digestOf(`terms:${id}`);
}

export function providerOf(context: Pick<DayContext, "nodes">, organisation: string): Actor {
  return staffOf(context, organisation === "homecare" ? STAFF.dispatcher : STAFF.repairer);
}

async function recordPapers(context: DayContext, steps: Steps): Promise<void> {
  const until = context.genesis.timeMs + PAPERS_MS;
  const kinds = [
    ...new Map(OFFERS.map(({ organisation, kind }) => [`${organisation}:${kind}`, { organisation, kind }])),
  ];
  const by = byRegistrar(context, steps);
  await by({ zh: "登记 2 家服务机构", en: "2 providers registered" }, "operator", "register_operator", {
    each: PROVIDERS.map((organisation) => [
      [organisation],
      { organisation, controller: digestOf(`who:${organisation}`) },
    ]),
  });
  await by(
    { zh: `登记 ${kinds.length} 项机构资质`, en: `${kinds.length} licences recorded` },
    "licence",
    "record_licence",
    {
      each: kinds.map(([name, { organisation, kind }]) => [
        [organisation, kind],
        { organisation, kind, papers: digestOf(`licence:${name}`), until },
      ]),
    },
  );
  const workers = WORKERS.flatMap(({ account, organisation }) =>
    kinds.filter(([, of]) => of.organisation === organisation).map(([, { kind }]) => ({ account, kind })),
  );
  await by(
    { zh: `登记 ${workers.length} 项上门人员资格`, en: `${workers.length} qualifications of workers recorded` },
    "capability",
    "record_capability",
    {
      each: workers.map(({ account, kind }) => [
        [account, kind],
        { worker: account, kind, papers: digestOf(`capability:${account}:${kind}`), until },
      ]),
    },
  );
}

function byRegistrar(context: DayContext, steps: Steps) {
  const actor = staffOf(context, STAFF.registrar);
  return (
    title: ProgressLine,
    table: string,
    action: string,
    { each }: { readonly each: readonly (readonly [StepItem["key"], Readonly<Record<string, Value>>])[] },
  ): Promise<void> =>
    steps.ensure({
      title,
      contract: "service-directory",
      table,
      items: each.map(([key, args]) => itemOf(actor, key, [{ contract: "service-directory", action, args }])),
      itemsPerTransaction: 100,
    });
}

async function listOffers(context: DayContext, steps: Steps): Promise<void> {
  const state = (title: ProgressLine, states: readonly string[], itemFor: (offer: PlannedOffer) => StepItem) =>
    steps.ensure({
      title,
      contract: "service-directory",
      table: "offer",
      items: OFFERS.map((offer) => ({
        ...itemFor(offer),
        isDone: (fields: RowFields) => states.includes(String(fields.state)),
      })),
      itemsPerTransaction: 100,
    });
  const call = (action: string, args: Readonly<Record<string, Value>>) => [
    { contract: "service-directory", action, args },
  ];
  const approved = ["approved", "listed", "paused", "delisted"];
  await state(
    { zh: `申报 ${OFFERS.length} 个服务项目`, en: `${OFFERS.length} offers made` },
    ["offered", ...approved],
    (offer) => {
      const { id, organisation, kind, hourFen: hour_fen, distance } = offer;
      const terms = termsOf(offer);
      const content = { id, community: context.community.code, kind, hour_fen, distance, terms };
      const args = { ...content, subsidised: false, capacity: CAPACITY, redo_days: REDO_DAYS };
      return itemOf(providerOf(context, organisation), [id], call("make_offer", args));
    },
  );
  await state({ zh: "业委会逐项核准", en: "The committee approves each" }, approved, (offer) => {
    const args = { id: offer.id, hour_fen: offer.hourFen, distance: offer.distance, terms: termsOf(offer) };
    return itemOf(staffOf(context, STAFF.committee), [offer.id], call("approve_offer", args));
  });
  await state({ zh: "上架", en: "Listed" }, ["listed", "paused", "delisted"], ({ id, organisation }) =>
    itemOf(providerOf(context, organisation), [id], call("list_offer", { id })),
  );
}
