import type { Place } from '../place.ts'

const WIDTH = 24
const HEIGHT = 16

/** The dashboard of a stack, as Cloud Monitoring reads it (a grid of 48 columns). */
export function dashboard({ stack }: Place, withCluster: boolean): object {
  const widgets = [
    lines('Processors of the database', 'cloudsql.googleapis.com/database/cpu/utilization', 'cloudsql_database'),
    lines(
      'Connections to the database',
      'cloudsql.googleapis.com/database/postgresql/num_backends',
      'cloudsql_database',
    ),
    lines('Disk of the database', 'cloudsql.googleapis.com/database/disk/utilization', 'cloudsql_database'),
    lines('Requests to the console', 'run.googleapis.com/request_count', 'cloud_run_revision', 'ALIGN_RATE'),
    ...(withCluster
      ? [
          lines(
            'Processors of containers',
            'kubernetes.io/container/cpu/core_usage_time',
            'k8s_container',
            'ALIGN_RATE',
          ),
          lines('Memory of containers', 'kubernetes.io/container/memory/used_bytes', 'k8s_container'),
        ]
      : []),
    {
      title: 'What went wrong',
      logsPanel: { filter: 'jsonPayload.event!="" AND severity>=WARNING' },
    },
  ]
  return {
    displayName: `Millrace ${stack}`,
    mosaicLayout: {
      columns: 48,
      tiles: widgets.map((widget, i) => ({ ...place(i), width: WIDTH, height: HEIGHT, widget })),
    },
  }
}

function lines(title: string, metric: string, resource: string, aligner = 'ALIGN_MEAN') {
  return {
    title,
    xyChart: {
      dataSets: [
        {
          plotType: 'LINE',
          timeSeriesQuery: {
            timeSeriesFilter: {
              filter: `metric.type="${metric}" resource.type="${resource}"`,
              aggregation: { alignmentPeriod: '60s', perSeriesAligner: aligner },
            },
          },
        },
      ],
    },
  }
}

/** Where a widget stands, two in a row. Google forgets zeros, and would differ from what says them. */
function place(i: number) {
  const x = (i % 2) * WIDTH
  const y = Math.floor(i / 2) * HEIGHT
  return { ...(x > 0 && { xPos: x }), ...(y > 0 && { yPos: y }) }
}
