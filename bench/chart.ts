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
  readonly isLogY?: boolean;
}

export function curves({ title, x, y, isLogX = false, isLogY = false }: Axes, all: readonly Curve[]): string {
  return svg({
    title: titled(title),
    legend: { left: 0, top: 30, itemGap: 24, show: all.length > 1 },
    grid: GRID,
    xAxis: { type: isLogX ? "log" : "value", name: x, nameLocation: "middle", nameGap: 30, scale: true },
    yAxis: isLogY ? { type: "log", name: y } : { type: "value", name: y, min: 0 },
    series: all.map(({ name, points }) => ({
      name,
      type: "line",
      showSymbol: points.length <= 20,
      data: points.map((point) => [...point]),
    })),
  });
}

/** One bar for each name, the first on top, each with its value beside it. */
export function bars(
  { title, x }: Pick<Axes, "title" | "x">,
  rows: readonly (readonly [name: string, value: number])[],
): string {
  return svg({
    title: titled(title),
    grid: { ...GRID, left: 190, top: 40 },
    xAxis: { type: "value", name: x, nameLocation: "middle", nameGap: 30 },
    yAxis: { type: "category", inverse: true, data: rows.map(([name]) => name) },
    series: [
      { type: "bar", barMaxWidth: 16, label: { show: true, position: "right" }, data: rows.map(([, value]) => value) },
    ],
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
