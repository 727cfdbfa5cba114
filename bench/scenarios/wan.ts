// Nodes far apart: a relay delays what peers say to each other, and loses some of it; every client stands beside its node.
// Latency is told by place, since a client at the primary waits less than others.

import type { Lab } from "../lab.ts";
import { LatencyHistogram } from "../latency.ts";
import { LOAD_OPTIONS } from "../options.ts";
import { oneWayMs, type Places, placesNamed } from "../places.ts";
import type { Figure, Point } from "../record.ts";
import { allOf, inLab, type Outcome, OVERHEAD_SECONDS, repeated, type Scenario } from "../scenario.ts";

const PLACES_USUAL = ["30", "china", "world"];
const RATE_USUAL = 20;
const SHARE_OF_PEAK = 0.7;

export const WAN: Scenario = {
  name: "wan",
  what: "delay and loss between nodes: --over 30,china,world (ms one way, or places), --loss N, at --rate (20) and 70% of the peak",
  defaults: { rate: RATE_USUAL, over: PLACES_USUAL },
  heeds: [...LOAD_OPTIONS, "repeat", "over", "rate", "loss"],
  needsOwnNodes: true,
  secondsNeeded: ({ over, seconds, repeat, warmUpSeconds }) =>
    over.length * (OVERHEAD_SECONDS + 4 * warmUpSeconds + 4 * seconds * repeat),
  async run(options, hooks): Promise<Outcome> {
    // A wrong word is told before anything starts.
    for (const name of options.over) placesNamed(name);
    const outcomes: Outcome[] = [];
    for (const name of options.over) {
      const places = placesNamed(name);
      hooks.progress(`${places.title}: ${places.source}`);
      const plan = { nodes: places.names.length, relayed: true };
      outcomes.push(await inLab(options, hooks, plan, (lab) => measure(lab, name, places)));
    }
    const [first] = outcomes;
    return {
      ...first!,
      configuration: { ...first!.configuration, lossPerMillion: options.lossPerMillion },
      points: outcomes.flatMap(({ points }) => points),
      figures: outcomes.flatMap(({ figures = [] }) => figures),
      notes: options.over.map((name) => `${name}: ${placesNamed(name).source}. Clients stand beside their nodes.`),
      synced: allOf(outcomes.map(({ synced }) => synced)),
      verifiedByEveryNode: allOf(outcomes.map(({ verifiedByEveryNode }) => verifiedByEveryNode)),
    };

    async function measure(lab: Lab, name: string, places: Places) {
      const { seconds, repeat, seed, rate = RATE_USUAL, lossPerMillion } = options;
      await lab.warmUp();
      for (const from of places.names.keys())
        for (const to of places.names.keys())
          if (from !== to)
            lab.network?.relay?.change(from, to, { delayMs: oneWayMs(places, from, to), lossPerMillion });
      hooks.progress(`${name}: ${rate} tx/s for ${seconds} s`);
      const primary = (await lab.network?.primary()) ?? 0;
      const low = await repeated(`${name}: ${rate} tx/s`, { place: name, rate }, repeat, (number) =>
        lab.openLoop(`${name}: ${rate} tx/s`, { rate, seconds, seed: seed + number }),
      );
      // The nodes' patience follows the delays only by and by: the first full blocks are not counted.
      await lab.closedLoop(`${name}: filling`, Math.ceil(seconds / 3));
      const peak = await repeated(`${name}: peak`, { place: name }, repeat, () =>
        lab.closedLoop(`${name}: peak`, seconds),
      );
      const most = Math.max(...peak.repetitions.map(({ txPerSecond }) => txPerSecond));
      const offered = Math.max(1, Math.floor(SHARE_OF_PEAK * most));
      const high = await repeated(`${name}: 70% of peak`, { place: name, rate: offered }, repeat, (number) =>
        lab.openLoop(`${name}: 70% of peak`, { rate: offered, seconds, seed: seed + number }),
      );
      return { points: [low, peak, high], main: low.name, figures: byPlace(name, places, low, primary) };
    }
  },
};

function byPlace(name: string, places: Places, { repetitions }: Point, primary: number): readonly Figure[] {
  return places.names.map((place, node) => ({
    name: `${name}: p50 at ${place}${node === primary ? " (primary)" : ""}`,
    unit: "ms",
    better: "less",
    values: repetitions.map(({ latencyByNode }) => LatencyHistogram.decode(latencyByNode[node]!).summary().p50Ms),
  }));
}
