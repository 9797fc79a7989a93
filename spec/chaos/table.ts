// The account of a chaos run as a table for people, with the bounds that were held or broken.

import type { Account, Row } from './account.ts'

/** The table, its totals and every kind of problem, line by line. */
export function tableOf({ put, seen, twice, skipped, lost, problems, rows }: Account): string {
  const began = rows[0]?.from ?? 0
  const lines = rows.map((row) => cellsOf(row, began))
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...lines.map((line) => line[column]?.length ?? 0)),
  )
  const text = [HEAD, ...lines].map((line) =>
    line
      .map((cell, column) =>
        column === 0 || column >= 8 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const kinds = countKinds(problems)
  return [
    ...text,
    '',
    `${put} put, ${seen} sights, ${twice} seen again, ${skipped} skipped, ${lost} lost; problems: ${kinds || 'none'}`,
    ...problems.slice(0, MOST_PROBLEMS).map(({ kind, text: what }) => `  ${kind}: ${what}`),
  ].join('\n')
}

function cellsOf(
  { kind, detail, from, to, pause, bound, twice, lost, disorder, firstLine }: Row,
  began: number,
): string[] {
  const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(1)
  return [
    kind,
    seconds((from - began) / 1000),
    seconds((to - from) / 1000),
    seconds(pause),
    seconds(bound),
    String(twice),
    String(lost),
    String(disorder),
    detail,
    firstLine.slice(0, LONGEST_LINE),
  ]
}

function countKinds(problems: Account['problems']): string {
  const counts = new Map<string, number>()
  for (const { kind } of problems) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')
}

const HEAD = [
  'event',
  'at s',
  'took s',
  'pause s',
  'bound s',
  'twice',
  'lost',
  'disorder',
  'what',
  'first line printed',
]
const LONGEST_LINE = 160
const MOST_PROBLEMS = 20
