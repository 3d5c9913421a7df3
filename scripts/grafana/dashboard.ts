import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  type Panel,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type {
  DashboardDefinition,
  PanelDefinition,
} from '../../packages/eventlake/src/schema/dashboards/definition.js';

/** The datasource of `provisioning/datasources`. */
export const DATASOURCE = { type: 'grafana-clickhouse-datasource', uid: 'eventlake' };

const HEIGHT = 8;
const ROW_WIDTH = 24;

export function grafanaDashboard({ uid, title, description, rows }: DashboardDefinition): Dashboard {
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['eventlake'])
    .timezone('utc')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('10s')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly();
  // Placed and numbered by hand: the builder leaves ids out, and Grafana would give others at every load.
  let id = 0;
  let y = 0;
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title).id(++id).gridPos({ x: 0, y, w: ROW_WIDTH, h: 1 }));
    y += 1;
    let x = 0;
    for (const panel of row.panels) {
      if (x + panel.width > ROW_WIDTH) {
        x = 0;
        y += HEIGHT;
      }
      dashboard.withPanel(grafanaPanel(panel, ++id, { x, y, w: panel.width, h: HEIGHT }));
      x += panel.width;
    }
    y += HEIGHT;
  }
  return dashboard.build();
}

function grafanaPanel(
  panel: PanelDefinition,
  id: number,
  gridPos: Panel['gridPos'] & object,
): Builder<Panel> {
  const builder = builderOf(panel);
  builder
    .id(id)
    .title(panel.title)
    .description(panel.description)
    .gridPos(gridPos)
    .datasource(DATASOURCE)
    .withTarget(clickhouseQuery(panel));
  if (panel.unit !== undefined) builder.unit(panel.unit);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  return builder;
}

function builderOf({ kind }: PanelDefinition): TimeseriesBuilder | StatBuilder | TableBuilder {
  switch (kind) {
    case 'stat':
      return new StatBuilder()
        .graphMode(BigValueGraphMode.None)
        .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false).fields(''));
    case 'table':
      return new TableBuilder();
    case 'lines':
    case 'bars':
      return new TimeseriesBuilder()
        .min(0)
        .drawStyle(kind === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
        .fillOpacity(kind === 'bars' ? 80 : 10)
        .showPoints(VisibilityMode.Auto)
        .legend(
          new VizLegendOptionsBuilder()
            .showLegend(true)
            .displayMode(LegendDisplayMode.List)
            .placement(LegendPlacement.Bottom)
            .calcs([]),
        )
        .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None));
  }
}

/** The plugin's query, which the SDK has no type of. */
export interface ClickHouseQuery {
  refId: string;
  datasource: typeof DATASOURCE;
  editorType: 'sql';
  rawSql: string;
  queryType: 'timeseries' | 'table';
  /** 0: time series, 1: table. */
  format: 0 | 1;
}

function clickhouseQuery({ kind, sql }: PanelDefinition): Builder<Dataquery> {
  const isSeries = kind === 'lines' || kind === 'bars';
  return { build: () => asDataquery(queryOf(sql, isSeries ? 'timeseries' : 'table')) };
}

export function queryOf(rawSql: string, queryType: ClickHouseQuery['queryType']): ClickHouseQuery {
  const format = queryType === 'timeseries' ? 0 : 1;
  return { refId: 'A', datasource: DATASOURCE, editorType: 'sql', rawSql, queryType, format };
}

/** The SDK marks its queries by a method; JSON leaves it out. */
function asDataquery(query: ClickHouseQuery): Dataquery {
  return { ...query, _implementsDataqueryVariant() {} } as Dataquery;
}
