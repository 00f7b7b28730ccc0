// Charts of the results, as SVG: echarts draws them without a browser.
import { createRequire } from 'node:module'
import { nameOf } from './report.mjs'
import { findRow } from './targets.mjs'
import { ratio } from './throughput.mjs'

const { init } = createRequire(new URL('./peers/package.json', import.meta.url))('echarts')

const WIDTH = 880
const INK = '#24292f'
const FAINT = '#d0d7de'
/** gsession in one colour in every chart, others in grey, what nobody can beat in light grey. */
const COLOURS = { ours: '#1f6feb', theirs: '#8c959f', limit: '#d8dee4' }
const SERIES = [
  '#1f6feb',
  '#2da44e',
  '#bf8700',
  '#8250df',
  '#cf222e',
  '#57606a',
  '#0550ae',
  '#953800',
]
/** Text is measured without a browser, so labels get room by number. */
const NAMES_WIDTH = 340

/** What is left of each framework's requests per second when a session is used, for all that was measured. */
export function throughputChart(rows, name) {
  const shown = rows.filter(
    row => row.case === name && row.bytes === 700 && row.connections === 32 && row.kind !== 'limit',
  )
  return barChart({
    title: `${name === 'read' ? 'Read' : 'Write'} one key`,
    unit: 'requests per second, as a share of the bare framework; more is better',
    rows: shown.map(row => ({
      name: `${row.framework}: ${nameOf(row)}`,
      value: Number(
        ratio(row, findRow(rows, { framework: row.framework, case: 'bare' })).toFixed(2),
      ),
      kind: row.kind,
    })),
  })
}

/** What requests cost as sessions grow in number. */
export function growthChart(rows) {
  const lines = new Map()
  for (const row of rows.filter(one => one.atMost !== undefined)) {
    const name = row.what.replace('request that ', '')
    lines.set(name, [...(lines.get(name) ?? []), [row.sessions, Number(row.value.toFixed(1))]])
  }
  return lineChart({
    title: 'A request as sessions grow in number',
    unit: 'microseconds of a core, 32 requests at a time; flat is good',
    xName: 'sessions',
    lines: [...lines].map(([name, points]) => ({ name, points })),
  })
}

/**
 * Horizontal bars, one a row, from top to bottom.
 *
 * @param rows - `{ name, value, kind }`, the kind being 'ours', 'theirs' or 'limit'
 */
function barChart({ title, unit, rows }) {
  const fromBelow = rows.toReversed()
  return draw(90 + 26 * rows.length, {
    title: heading(title, unit),
    grid: { left: NAMES_WIDTH, right: 70, top: 64, bottom: 28 },
    xAxis: { type: 'value', axisLabel: { color: INK }, splitLine: { lineStyle: { color: FAINT } } },
    yAxis: {
      type: 'category',
      data: fromBelow.map(row => row.name),
      axisLabel: { color: INK, fontSize: 12 },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: 16,
        data: fromBelow.map(row => ({
          value: row.value,
          itemStyle: { color: COLOURS[row.kind] },
        })),
        label: { show: true, position: 'right', color: INK },
      },
    ],
  })
}

/**
 * Lines over a logarithmic axis.
 *
 * @param lines - `{ name, points: [x, y][] }`
 */
function lineChart({ title, unit, xName, lines }) {
  return draw(430, {
    title: heading(title, unit),
    color: SERIES,
    legend: { top: 56, left: 10, itemGap: 28, textStyle: { color: INK } },
    grid: { left: 50, right: 40, top: 124, bottom: 50 },
    xAxis: {
      ...{ type: 'log', min: 'dataMin', name: xName, nameLocation: 'middle', nameGap: 26 },
      ...{ axisLabel: { color: INK }, splitLine: { show: false }, nameTextStyle: { color: INK } },
    },
    yAxis: {
      ...{ type: 'log', axisLabel: { color: INK } },
      splitLine: { lineStyle: { color: FAINT } },
    },
    series: lines.map(line => ({
      type: 'line',
      name: line.name,
      data: line.points,
      symbolSize: 7,
    })),
  })
}

function heading(text, subtext) {
  return {
    ...{ text, subtext, left: 10, top: 8, itemGap: 4 },
    textStyle: { color: INK, fontSize: 16, fontWeight: 600 },
    subtextStyle: { color: INK, fontSize: 12 },
  }
}

function draw(height, option) {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  const textStyle = { fontFamily: 'system-ui, sans-serif' }
  chart.setOption({ animation: false, backgroundColor: '#ffffff', textStyle, ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
