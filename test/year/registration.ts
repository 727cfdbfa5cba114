// The day before the year: staff is enrolled, the community registered, the fund and the books opened, units let.
// Everything is done by whoever may do it; nothing is written past the contracts.

import type { CallRequest } from "../../src/client/transaction.ts";
import { LedgerError } from "../../src/errors.ts";
import { type Device, endOfDayMs } from "../../src/node/devnet/community.ts";
import { administratorOf, GATEWAY, ORGANISATIONS, STAFF } from "./cast.ts";
import { at, HOUR_MS } from "./days.ts";
import type { Ledger } from "./ledger.ts";
import type { Year } from "./part.ts";
import { call, type World } from "./world.ts";

const CALLS = 100;
/** Gateways hand in their batches every three hours here: twenty minutes without one are no silence. */
const SILENT_MS = 4 * HOUR_MS;

export async function register(year: Year, ledger: Ledger): Promise<void> {
  const { world, code, cast } = year;
  const { community, keys } = cast;
  const key = (account: string): Uint8Array => keys.signerOf(account).publicKey;
  await Promise.all(
    ORGANISATIONS.map(({ id }) => {
      const staff = STAFF.filter(({ organisation }) => organisation === id);
      return inBundles(world, administratorOf(id), staff, ({ account, role }) =>
        call("registry.enrol_staff", { id: account, role, key: key(account) }),
      );
    }),
  );
  await world.act("registrar", "registry.add_community", {
    id: code,
    title: community.title,
    firm: "property",
    committee: "committee",
    bank: "bank",
    residents: "residents",
  });
  await inBundles(world, "registrar", community.buildings, ({ id, title, floors }) =>
    call("registry.add_building", { id, community: code, title, floors }),
  );
  await inBundles(world, "registrar", community.heads, ({ id, kind }) =>
    call("registry.add_head", { id, community: code, kind, key: key(id) }),
  );
  await inBundles(world, "registrar", community.units, ({ id, building, use, areaCm2, status, head }) =>
    call("registry.add_unit", { id, building, use, area: areaCm2, status, head }),
  );
  const witness = "registrar";
  const deviceOf = ({ id, building, kind, limit, warrantyUntil }: Device): CallRequest => {
    const warranty_until = endOfDayMs(warrantyUntil);
    return call("registry.add_device", { id, building, kind, gateway: GATEWAY, limit, warranty_until, witness });
  };
  await inBundles(world, "pm-manager", community.devices, deviceOf, [witness]);
  await inBundles(world, "registrar", cast.tenancies, ({ tenant }) =>
    call("registry.enrol_tenant", { id: tenant, community: code, key: key(tenant) }),
  );
  await Promise.all(
    cast.tenancies.map(({ unit, tenant }) =>
      world.act(unit.head, "holders.let_unit", { unit: unit.id, tenant, until: at(800, 0), pays: false }),
    ),
  );
  await adoptSetting(year, ledger, { contract: "device-repair", name: "silent_ms", value: SILENT_MS });
}

/** A number of a contract, changed the way any number is: proposed, approved by the organisations with seats, enacted. */
async function adoptSetting(
  { world }: Year,
  ledger: Ledger,
  { contract, name, value }: { readonly contract: string; readonly name: string; readonly value: number },
): Promise<void> {
  const id = `set-${name}`;
  const seats = [...(await ledger.list("governance.seat"))].map(([seat, { organisation }]) => ({
    seat: Number(seat),
    administrator: administratorOf(String(organisation)),
  }));
  const [first] = seats;
  if (first === undefined) throw new LedgerError("YEAR_NO_NODES");
  await world.act(first.administrator, "governance.propose_setting", { id, seat: first.seat, contract, name, value });
  await Promise.all(
    seats.map(({ seat, administrator }) => world.act(administrator, "governance.approve", { proposal: id, seat })),
  );
  await world.act(administratorOf("street"), "governance.enact_setting", { proposal: id });
}

/** One call for each item, as many in a transaction as there may be; the bundles side by side. */
export async function inBundles<T>(
  world: World,
  account: string,
  items: readonly T[],
  callOf: (item: T) => CallRequest,
  cosigners: readonly string[] = [],
): Promise<void> {
  const bundles = Array.from({ length: Math.ceil(items.length / CALLS) }, (_, index) =>
    items.slice(index * CALLS, (index + 1) * CALLS).map(callOf),
  );
  await Promise.all(bundles.map((calls) => world.send({ account, cosigners, calls })));
}
