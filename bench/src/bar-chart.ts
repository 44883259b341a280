/** A horizontal bar on a logarithmic scale. */
export interface Bar {
  readonly label: string
  readonly value: number
  /** Written behind the bar. */
  readonly text: string
  readonly tone: 'floor' | 'ours' | 'peer'
}

export interface BarGroup {
  readonly title: string
  readonly bars: readonly Bar[]
}

export interface BarChart {
  readonly title: string
  readonly subtitle: string
  readonly groups: readonly BarGroup[]
  /** Names a value on the axis. */
  readonly format: (value: number) => string
}

const WIDTH = 860
const LEFT = 220
const RIGHT = 150
const TOP = 64
const ROW = 24
const GROUP_TITLE = 30
const BAR = 14

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 } .group { font-weight: 600 } .faint { fill: #656d76 }
  .label, .tick { text-anchor: end } .tick { text-anchor: middle; fill: #656d76 }
  .paper { fill: #ffffff } .grid { stroke: #d8dee4 }
  .floor { fill: #8c959f } .ours { fill: #0969da } .peer { fill: #bf8700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint, .tick { fill: #8d96a0 }
    .paper { fill: #0d1117 } .grid { stroke: #30363d } .ours { fill: #4493f8 } .peer { fill: #d29922 }
  }`

/** The chart as an SVG document that needs nothing else; it follows the reader's light or dark colours. */
export function barChart({ title, subtitle, groups, format }: BarChart): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value))
  const decades = powersOfTenAround(values)
  const scale = logScale(decades)
  const rows = groups.reduce((height, { bars }) => height + GROUP_TITLE + bars.length * ROW, 0)
  const bottom = TOP + rows
  const parts = [
    element('text', { x: 16, y: 28, class: 'title' }, title),
    element('text', { x: 16, y: 46, class: 'faint' }, subtitle),
    ...decades.flatMap(decade => [
      element('line', { x1: scale(decade), x2: scale(decade), y1: TOP, y2: bottom, class: 'grid' }),
      element('text', { x: scale(decade), y: bottom + 16, class: 'tick' }, format(decade)),
    ]),
    ...groupParts(groups, scale),
  ]
  const height = bottom + 28
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<style>${STYLE}</style>`,
    element('rect', { width: WIDTH, height, class: 'paper' }),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function groupParts(groups: readonly BarGroup[], scale: (value: number) => number): string[] {
  let y = TOP
  return groups.flatMap(({ title, bars }) => {
    const heading = element('text', { x: 16, y: y + 20, class: 'group' }, title)
    y += GROUP_TITLE
    const drawn = bars.flatMap(bar => {
      const parts = barParts(bar, y, scale)
      y += ROW
      return parts
    })
    return [heading, ...drawn]
  })
}

function barParts({ label, value, text, tone }: Bar, y: number, scale: (value: number) => number): string[] {
  const end = scale(value)
  return [
    element('text', { x: LEFT - 8, y: y + 12, class: 'label' }, label),
    element('rect', { x: LEFT, y: y + 1, width: Math.max(1, end - LEFT), height: BAR, rx: 2, class: tone }),
    element('text', { x: end + 6, y: y + 12 }, text),
  ]
}

function powersOfTenAround(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.ceil(Math.log10(Math.max(...values)))
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
}

function logScale(decades: readonly number[]): (value: number) => number {
  const low = Math.log10(decades[0] ?? 1)
  const high = Math.log10(decades.at(-1) ?? 10)
  return value => round(LEFT + ((Math.log10(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT))
}

const round = (pixels: number): number => Math.round(pixels * 10) / 10

function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content?: string,
): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`)
  const open = `<${name}${written.join('')}`
  return content === undefined ? `${open}/>` : `${open}>${escape(content)}</${name}>`
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
