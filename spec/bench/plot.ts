// The plot of the README: a group of bars for each shape, one bar for each style, as long as its ratio to the floor.

import type { Table, Throughput } from './results.ts'

/** The plot as SVG, readable on light and dark pages. */
export function plot(figures: Table<Throughput>, node: string): string {
  const groups = Object.entries(figures)
  const styles = Object.keys(groups[0]?.[1] ?? {}).filter((style) => style !== 'floor')
  const longest = Math.max(1, ...groups.flatMap(([, row]) => styles.map((style) => row[style]?.ratio ?? 0)))
  const scale = (ratio: number): number => (ratio / longest) * (WIDTH - LEFT - RIGHT)
  const groupHeight = styles.length * BAR + GAP
  const bottom = TOP + groups.length * groupHeight
  const body: string[] = []
  groups.forEach(([shape, row], group) => {
    const top = TOP + group * groupHeight
    body.push(text(LEFT - 8, top + (styles.length * BAR) / 2 + 4, shape, 'end'))
    styles.forEach((style, index) => {
      const ratio = row[style]?.ratio
      if (ratio === undefined) return
      const y = top + index * BAR
      const width = scale(ratio).toFixed(1)
      body.push(
        `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 2}" fill="${colour(index)}"/>`,
        text(LEFT + scale(ratio) + 4, y + BAR - 4, ratio.toFixed(2), 'start', 10),
      )
    })
  })
  const one = (LEFT + scale(1)).toFixed(1)
  body.push(`<path d="M${one} ${TOP - 4}V${bottom - GAP + 4}" stroke="${INK}" stroke-dasharray="3 3"/>`)
  styles.forEach((style, index) => {
    const x = 12 + index * ((WIDTH - 24) / styles.length)
    body.push(
      `<rect x="${x.toFixed(0)}" y="28" width="10" height="10" fill="${colour(index)}"/>`,
      text(x + 14, 37, style, 'start', 11),
    )
  })
  const title = `Speed over a bare loop of split, JSON.parse and base64 (1.00), by shape of batch; Node ${node}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    text(12, 16, title, 'start'),
    ...body,
    '</svg>\n',
  ].join('\n')
}

function text(x: number, y: number, words: string, anchor: string, size = 12): string {
  return `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}" text-anchor="${anchor}" font-size="${size}" fill="${INK}">${words}</text>`
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? INK
}

const WIDTH = 760
const LEFT = 120
const RIGHT = 50
const TOP = 58
const BAR = 15
const GAP = 14
const INK = '#7a7a7a'
const COLOURS = ['#1f6feb', '#2f9ec4', '#35b088', '#8fbc3b', '#d9822b', '#c2504d', '#8a63b8', '#6b7280']
