// Curves and bars as SVG text, for a page that needs nothing else. The only file that knows echarts; knows no measurement.

import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 720;
const HEIGHT = 320;
const FONT = "sans-serif";
const GRID = { left: 70, right: 30, top: 80, bottom: 50 };

export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Axes {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** steps of ten instead of equal ones */
  readonly isLogX?: boolean;
}

export function curves({ title, x, y, isLogX = false }: Axes, all: readonly Curve[]): string {
  return svg({
    title: titled(title),
    legend: { left: 0, top: 30, itemGap: 24, show: all.length > 1 },
    grid: GRID,
    xAxis: { type: isLogX ? "log" : "value", name: x, nameLocation: "middle", nameGap: 30, scale: true },
    yAxis: { type: "value", name: y, min: 0 },
    series: all.map(({ name, points }) => ({
      name,
      type: "line",
      showSymbol: points.length <= 20,
      data: points.map((point) => [...point]),
    })),
  });
}

export interface Bar {
  readonly name: string;
  readonly parts: readonly (readonly [part: string, value: number])[];
}

/** Bars of the same parts, one on top of the other. */
export function stackedBars({ title, y }: Omit<Axes, "x">, bars: readonly Bar[]): string {
  const parts = [...new Set(bars.flatMap((bar) => bar.parts.map(([part]) => part)))];
  return svg({
    title: titled(title),
    legend: { right: 0, top: 40, orient: "vertical", data: parts, textStyle: { fontSize: 11 } },
    grid: { ...GRID, right: 220 },
    xAxis: { type: "category", data: bars.map(({ name }) => name) },
    yAxis: { type: "value", name: y },
    series: parts.map((part) => ({
      name: part,
      type: "bar",
      stack: "all",
      barMaxWidth: 80,
      data: bars.map((bar) => bar.parts.find(([name]) => name === part)?.[1] ?? 0),
    })),
  });
}

function titled(text: string) {
  return { text, left: 0, top: 0, textStyle: { fontSize: 14, fontFamily: FONT } };
}

function svg(option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({ animation: false, textStyle: { fontFamily: FONT }, ...option });
  const text = chart.renderToSVGString();
  chart.dispose();
  return text;
}
