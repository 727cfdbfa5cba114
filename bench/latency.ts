// Latencies in an HDR histogram: microseconds from 1 to two minutes with three significant digits, nothing averaged away.
// The only file that knows the histogram library. Encoded histograms can be stored, read again and added up.

import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

const HIGHEST_US = 120_000_000;
const SHAPE = {
  lowestDiscernibleValue: 1,
  highestTrackableValue: HIGHEST_US,
  numberOfSignificantValueDigits: 3,
} as const;

const TAIL = [2, 4, 10, 20, 40, 100, 200, 400, 1_000, 2_000, 4_000, 10_000, 100_000, 1_000_000];

export interface LatencySummary {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class LatencyHistogram {
  private readonly histogram: Histogram;

  constructor(histogram: Histogram = build({ ...SHAPE, bitBucketSize: 32 })) {
    this.histogram = histogram;
  }

  /** @param text as `encode` wrote it */
  static decode(text: string): LatencyHistogram {
    return new LatencyHistogram(decodeFromCompressedBase64(text, 32));
  }

  /** Anything longer than two minutes counts as two minutes. */
  record(latencyMs: number): void {
    this.histogram.recordValue(Math.min(HIGHEST_US, Math.max(1, Math.round(latencyMs * 1000))));
  }

  /** Adds the other's values to these. */
  add(other: LatencyHistogram): void {
    this.histogram.add(other.histogram);
  }

  /** Where one in so many takes longer: [1 in N, ms], from the median on as far as there are values to say it. */
  tail(): readonly (readonly [oneIn: number, ms: number])[] {
    const { totalCount } = this.histogram;
    return TAIL.filter((oneIn) => oneIn <= Math.max(2, totalCount)).map((oneIn) => [
      oneIn,
      round(this.histogram.getValueAtPercentile(100 * (1 - 1 / oneIn)) / 1000),
    ]);
  }

  /** Base64 of the compressed V2 encoding of HdrHistogram, which other implementations read as well. */
  encode(): string {
    return encodeIntoCompressedBase64(this.histogram);
  }

  summary(): LatencySummary {
    const atMs = (percentile: number): number => round(this.histogram.getValueAtPercentile(percentile) / 1000);
    return {
      samples: this.histogram.totalCount,
      p50Ms: atMs(50),
      p90Ms: atMs(90),
      p99Ms: atMs(99),
      maxMs: round(this.histogram.maxValue / 1000),
    };
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
