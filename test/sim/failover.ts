// `npm run sim:failover -- --rounds N --from S`: how long commits stand still when a primary fails, and what a slow one costs, in
// simulated time. What a slow primary costs takes some minutes, whatever N is.

import { parseArgs } from "node:util";
import { quantile } from "../../bench/statistics.ts";
import { failoverMs, OFFER_MS, underSlowPrimary, WAYS } from "./node/failover.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "100" }, from: { type: "string", default: "1" } },
});

const [rounds, from] = [Number(values.rounds), Number(values.from)];
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(from) || from < 0) {
  console.error("--rounds wants a number of at least 1, --from one of at least 0");
  process.exit(2);
}
for (const way of WAYS) {
  const times: number[] = [];
  for (let seed = from; seed < from + rounds; seed += 1) times.push(await failoverMs(way, seed));
  times.sort((left, right) => left - right);
  console.log(
    `${way} primary, ${rounds} rounds: median ${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms, longest ${times.at(-1)} ms`,
  );
}
const usual = await underSlowPrimary(from, 0);
console.log(`no fault: ${usual.perSecond} tx/s committed of ${1_000 / OFFER_MS} offered`);
for (const heldMs of [100, 300, 500, 580, 700]) {
  const { perSecond, isDeposed } = await underSlowPrimary(from, heldMs);
  const share = Math.round((100 * perSecond) / usual.perSecond);
  console.log(`proposals ${heldMs} ms late: ${perSecond} tx/s, ${share}%${isDeposed ? ", primary deposed" : ""}`);
}
