// What residents say of the services they had, and what the providers answer.
// Counts no stars: the contract does, and publishes a score from ten ratings on.

import { digestOf, itemOf, residentOf } from "./acts.ts";
import type { DayContext } from "./day.ts";
import type { Visit } from "./day-packages.ts";
import { providerOf } from "./day-services.ts";
import type { Steps } from "./steps.ts";

const SOURCE = "home-service";
/** The thirty days in which an order may be rated, less some for the way: who comes back later leaves it unrated. */
const RATE_MS = 27 * 86_400_000;

/** One rating of each of these visits that took place, by the resident who ordered it, and an answer to each. */
export async function rateServices(context: DayContext, steps: Steps, visits: readonly Visit[]): Promise<void> {
  const { clock } = context;
  const orders = await steps.reader.rows("home-service", "order");
  const ended = await steps.reader.rows("service-rating", "ended");
  const rated = await steps.reader.rows("service-rating", "rating");
  const served = visits.filter(({ order }) => {
    const row = [SOURCE, order].join("\n");
    const isInTime = clock.nowMs() < Number(ended.get(row)?.at) + RATE_MS;
    return orders.get(order)?.state === "settled" && (isInTime || rated.has(row));
  });
  const step = { contract: "service-rating", table: "rating" };
  await steps.ensure({
    ...step,
    title: { zh: `居民评价 ${served.length} 单服务`, en: `Residents rate ${served.length} services` },
    items: served.map(({ order, resident, planned }) => {
      const args = { source: SOURCE, order, stars: planned.stars, text: digestOf(`words:${order}`) };
      const rate = { contract: step.contract, action: "rate", args };
      return itemOf(residentOf(context, resident), [SOURCE, order], [rate]);
    }),
    itemsPerTransaction: 8,
  });
  await steps.ensure({
    ...step,
    title: { zh: "服务商逐条回复", en: "The providers answer each" },
    items: served.map(({ order, planned }) => {
      const args = { source: SOURCE, order, text: digestOf(`answer:${order}`) };
      const reply = { contract: step.contract, action: "reply", args };
      return itemOf(providerOf(context, planned.offer.organisation), [SOURCE, order], [reply], {
        // After ten days the time to answer is over, and the ledger says so.
        isDone: ({ state }) => state !== "submitted",
      });
    }),
    itemsPerTransaction: 18,
  });
}
