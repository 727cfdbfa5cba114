// The made-up community of the devnet: what its records look like, how they are generated, and how they become CSV files.
// Never writes a person's name or number: holders are pseudonymous ids, and the same seed gives the same bytes everywhere.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "#sha256";
import { invariant } from "../../assert.ts";
import { compareBytes, toHex } from "../../ledger/hash.ts";

export type UnitUse = "home" | "shop";
export type UnitStatus = "delivered" | "unsold";
/** Who a head is: all unsold units of the developer are one head (interpretation of the Supreme Court, art. 9). */
export type HeadKind = "person" | "company" | "developer";
export type DeviceKind = "lift" | "fire_host" | "hydrant" | "pump" | "switch_room" | "access" | "gate" | "sensor";

export interface Building {
  readonly id: string;
  readonly title: string;
  readonly floors: number;
}

export interface Unit {
  /** building and room, e.g. `B03-1204`: the key on the ledger */
  readonly id: string;
  readonly building: string;
  readonly room: string;
  readonly use: UnitUse;
  /** a multiple of 100: the register gives square metres with two decimals */
  readonly areaCm2: number;
  readonly status: UnitStatus;
  /** the head that holds it */
  readonly head: string;
}

export interface Head {
  /** pseudonymous, also the id of the account that votes and pays */
  readonly id: string;
  readonly kind: HeadKind;
}

export interface Device {
  readonly id: string;
  readonly kind: DeviceKind;
  readonly building: string;
  /** a reading above it is a breach */
  readonly limit: number;
  /** last day of the manufacturer's warranty, `YYYY-MM-DD` in UTC+8 */
  readonly warrantyUntil: string;
}

export interface Tariff {
  readonly use: UnitUse;
  /** 0.001 yuan per square metre and month */
  readonly rateLi: number;
}

export interface Community {
  readonly code: string;
  readonly title: string;
  readonly titleEnglish: string;
  readonly buildings: readonly Building[];
  readonly units: readonly Unit[];
  readonly heads: readonly Head[];
  readonly devices: readonly Device[];
  readonly tariffs: readonly Tariff[];
}

export const UNIT_USES: readonly [UnitUse, ...UnitUse[]] = ["home", "shop"];
export const UNIT_STATUSES: readonly [UnitStatus, ...UnitStatus[]] = ["delivered", "unsold"];
export const HEAD_KINDS: readonly [HeadKind, ...HeadKind[]] = ["person", "company", "developer"];
export const DEVICE_KINDS: readonly [DeviceKind, ...DeviceKind[]] = [
  "lift",
  "fire_host",
  "hydrant",
  "pump",
  "switch_room",
  "access",
  "gate",
  "sensor",
];

/** The files of a community and their columns, in order. Text, UTF-8 without a byte order mark, one header line. */
export const COMMUNITY_FILES = {
  community: { name: "community.csv", columns: ["code", "title", "title_english"] },
  buildings: { name: "buildings.csv", columns: ["building", "title", "floors"] },
  units: { name: "units.csv", columns: ["building", "room", "use", "area_m2", "status", "head"] },
  heads: { name: "heads.csv", columns: ["head", "kind"] },
  devices: { name: "devices.csv", columns: ["device", "kind", "building", "limit", "warranty_until"] },
  tariffs: { name: "tariffs.csv", columns: ["use", "rate_li"] },
} as const;

const BUILDINGS = 12;
const FLOORS = 25;
const ROOMS_PER_FLOOR = 4;
const DEVELOPER_UNITS = 37;
/** owners by how many units each holds: 14 owners, 40 units */
const OWNERS_OF_SEVERAL = [6, 6, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2];
const COMPANIES = 9;
const SHOP_AREA_CM2 = 562_300;
/** homes of one building, from the lowest floor up */
const HOMES_OF_BUILDING: readonly (readonly [areaCm2: number, count: number])[] = [
  [685_200, 15],
  [893_700, 35],
  [1_120_500, 30],
  [1_386_600, 15],
  [1_764_000, 4],
];
/** kind, how many there are, and the reading that is one too high for it (degrees, percent or bar x 10, by kind) */
const DEVICES: readonly (readonly [kind: DeviceKind, count: number, limit: number])[] = [
  ["lift", 24, 70],
  ["fire_host", 12, 60],
  ["hydrant", 60, 120],
  ["pump", 36, 85],
  ["switch_room", 12, 75],
  ["access", 24, 60],
  ["gate", 8, 60],
  ["sensor", 124, 90],
];

/** Makes the community of docs/domain.md, section 5: 1,200 units in 12 buildings, 1,138 heads, 300 devices. */
export function generateCommunity(options: { readonly seed: number }): Community {
  const draw = (label: string) => sha256(new TextEncoder().encode(`linli-community:${options.seed}:${label}`));
  const places = unitPlaces();
  const holders = holdersOf(places, draw);
  return {
    code: "330000-linli-01",
    title: "邻里花园",
    titleEnglish: "Linli Gardens",
    buildings: Array.from({ length: BUILDINGS }, (_, index) => ({
      id: buildingId(index),
      title: `${index + 1}号楼`,
      floors: FLOORS,
    })),
    units: places.map((place, index) => {
      const head = holders.headOfUnit[index]!;
      return { ...place, head: head.id, status: head.kind === "developer" ? "unsold" : "delivered" };
    }),
    heads: holders.heads,
    devices: devicesOf(draw),
    tariffs: [
      { use: "home", rateLi: 2_350 },
      { use: "shop", rateLi: 4_800 },
    ],
  };
}

/**
 * Writes the six CSV files of the generated community; files that are there are replaced. Not synced to disk: the
 * same call makes the same bytes again.
 */
export async function writeCommunity(directory: string, options: { readonly seed: number }): Promise<Community> {
  const community = generateCommunity(options);
  await mkdir(directory, { recursive: true });
  for (const [name, text] of communityFiles(community)) await writeFile(join(directory, name), text, "utf8");
  return community;
}

/** The files as `[name, text]`; square metres have two decimals, as on a title deed. */
export function communityFiles(community: Community): readonly (readonly [name: string, text: string])[] {
  const files = COMMUNITY_FILES;
  return [
    csv(files.community, [[community.code, community.title, community.titleEnglish]]),
    csv(
      files.buildings,
      community.buildings.map((building) => [building.id, building.title, String(building.floors)]),
    ),
    csv(
      files.units,
      community.units.map((unit) => [
        unit.building,
        unit.room,
        unit.use,
        squareMetres(unit.areaCm2),
        unit.status,
        unit.head,
      ]),
    ),
    csv(
      files.heads,
      community.heads.map((head) => [head.id, head.kind]),
    ),
    csv(
      files.devices,
      community.devices.map((device) => [
        device.id,
        device.kind,
        device.building,
        String(device.limit),
        device.warrantyUntil,
      ]),
    ),
    csv(
      files.tariffs,
      community.tariffs.map((tariff) => [tariff.use, String(tariff.rateLi)]),
    ),
  ];
}

/** The last ms of that day in UTC+8, when the warranty ends. */
export function endOfDayMs(day: string): number {
  return Date.parse(`${day}T23:59:59.999+08:00`);
}

function csv(
  file: { readonly name: string; readonly columns: readonly string[] },
  rows: readonly (readonly string[])[],
): readonly [string, string] {
  return [file.name, [file.columns, ...rows].map((row) => `${row.join(",")}\n`).join("")];
}

function squareMetres(areaCm2: number): string {
  const hundredths = areaCm2 / 100;
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}`;
}

type UnitPlace = Omit<Unit, "head" | "status">;

function unitPlaces(): readonly UnitPlace[] {
  const areas = HOMES_OF_BUILDING.flatMap(([areaCm2, count]) => new Array<number>(count).fill(areaCm2));
  invariant(
    areas.length === FLOORS * ROOMS_PER_FLOOR - 1,
    "N70: a building has one shop, and a home in every other room",
  );
  return Array.from({ length: BUILDINGS }, (_, building) =>
    Array.from({ length: FLOORS * ROOMS_PER_FLOOR }, (_, place): UnitPlace => {
      const floor = Math.floor(place / ROOMS_PER_FLOOR) + 1;
      const room = `${String(floor).padStart(2, "0")}${String((place % ROOMS_PER_FLOOR) + 1).padStart(2, "0")}`;
      const id = `${buildingId(building)}-${room}`;
      const common = { id, building: buildingId(building), room };
      if (place === 0) return { ...common, use: "shop", areaCm2: SHOP_AREA_CM2 };
      return { ...common, use: "home", areaCm2: areas[place - 1]! };
    }),
  ).flat();
}

function buildingId(index: number): string {
  return `B${String(index + 1).padStart(2, "0")}`;
}

// Shuffles the homes by hash and deals them out: the developer's stock first, then the owners of several units.
function holdersOf(
  places: readonly UnitPlace[],
  draw: (label: string) => Uint8Array,
): { readonly heads: readonly Head[]; readonly headOfUnit: readonly Head[] } {
  const homesFirst = places
    .map((place, index) => ({ index, shop: place.use === "shop", order: draw(`unit:${place.id}`) }))
    .sort((left, right) => Number(left.shop) - Number(right.shop) || compareBytes(left.order, right.order));
  const single = places.length - DEVELOPER_UNITS - OWNERS_OF_SEVERAL.reduce((sum, count) => sum + count, 0);
  const holdings = [DEVELOPER_UNITS, ...OWNERS_OF_SEVERAL, ...new Array<number>(single).fill(1)];
  const headOfUnit = new Array<Head>(places.length);
  const heads: Head[] = [];
  let dealt = 0;
  for (const [number, count] of holdings.entries()) {
    // Shops come last in the shuffle, so the companies, the last heads, hold the shops.
    const kind: HeadKind = number === 0 ? "developer" : number >= holdings.length - COMPANIES ? "company" : "person";
    const head: Head = { id: `h${toHex(draw(`head:${number}`)).slice(0, 12)}`, kind };
    heads.push(head);
    for (const { index } of homesFirst.slice(dealt, dealt + count)) headOfUnit[index] = head;
    dealt += count;
  }
  return { heads: heads.sort((left, right) => (left.id < right.id ? -1 : 1)), headOfUnit };
}

function devicesOf(draw: (label: string) => Uint8Array): readonly Device[] {
  return DEVICES.flatMap(([kind, count, limit]) =>
    Array.from({ length: count }, (_, index): Device => {
      const id = `${kind}-${String(index + 1).padStart(3, "0")}`;
      // Roughly one device in three is still under warranty, until a year between 2030 and 2034.
      const chance = draw(`device:${id}`);
      const year = chance[0]! % 3 === 0 ? 2030 + (chance[1]! % 5) : 2021 + (chance[1]! % 5);
      return {
        id,
        kind,
        building: buildingId(index % BUILDINGS),
        limit,
        warrantyUntil: `${year}-06-30`,
      };
    }),
  );
}
