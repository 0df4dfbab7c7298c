// The parts of Apache ECharts that the dashboard draws with.
export { init, registerMap } from "echarts/core";
import { use } from "echarts/core";
import { BarChart, HeatmapChart, LineChart, MapChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

use([
  BarChart,
  GridComponent,
  HeatmapChart,
  LegendComponent,
  LineChart,
  MapChart,
  SVGRenderer,
  TooltipComponent,
  VisualMapComponent,
]);
