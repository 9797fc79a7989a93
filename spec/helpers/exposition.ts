// Reads Prometheus' text format 0.0.4 back, as strictly as a server does, and with the rules of its linter: a HELP
// and a TYPE before the samples of a family, no family twice, no series twice, counters named _total, histograms
// with rising buckets, +Inf, _sum and _count.

import assert from 'node:assert/strict'

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export function readExposition(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line must end')
  const families = new Map<string, Family & { samples: Sample[] }>()
  const series = new Set<string>()
  let help: [string, string] | undefined
  let family: (Family & { samples: Sample[] }) | undefined
  for (const line of text.split('\n').slice(0, -1)) {
    const [, helped, words] = /^# HELP ([a-z_]+) (\S.*)$/.exec(line) ?? []
    const [, typed, type] = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? []
    if (helped !== undefined && words !== undefined) help = [helped, words]
    else if (typed !== undefined && type !== undefined) {
      assert.equal(help?.[0], typed, `TYPE of ${typed} follows its HELP`)
      assert.ok(!families.has(typed), `${typed} stands once`)
      assert.equal(
        type === 'counter',
        typed.endsWith('_total'),
        `${typed}: counters, and only they, end in _total`,
      )
      family = { name: typed, type, help: help?.[1] ?? '', samples: [] }
      families.set(typed, family)
    } else {
      assert.ok(family, `"${line}" stands in a family`)
      const sample = readSample(line)
      const own =
        family.type === 'histogram' ? /^(.*)_(bucket|sum|count)$/.exec(sample.name)?.[1] : sample.name
      assert.equal(own, family.name, `${sample.name} stands in its family`)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      assert.ok(!series.has(key), `${line} stands once`)
      series.add(key)
      family.samples.push(sample)
    }
  }
  for (const each of families.values()) {
    assert.ok(each.samples.length > 0, `${each.name} has samples`)
    if (each.type === 'histogram') checkHistogram(each)
  }
  return families
}

/** The value of a series, or undefined. */
export function seriesValue(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return families
    .get(name)
    ?.samples.find((sample) => JSON.stringify(sample.labels) === JSON.stringify(labels))?.value
}

function readSample(line: string): Sample {
  const [, name = '', inside = '', value = ''] =
    /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[0-9.e+-]+)$/.exec(line) ?? []
  assert.notEqual(name, '', `"${line}" is a sample`)
  const labels: Record<string, string> = {}
  for (const [, label = '', text = ''] of inside.matchAll(/([a-z]+)="((?:[^"\\\n]|\\[\\"n])*)"/g)) {
    labels[label] = text.replace(/\\([\\"n])/g, (_, what) => (what === 'n' ? '\n' : what))
  }
  assert.ok(Number.isFinite(Number(value)), `${line}: a number`)
  return { name, labels, value: Number(value) }
}

function checkHistogram({ name, samples }: Family): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
  const count = samples.find((sample) => sample.name === `${name}_count`)
  assert.ok(
    samples.some((sample) => sample.name === `${name}_sum`),
    `${name} has a sum`,
  )
  assert.equal(buckets.at(-1)?.labels.le, '+Inf')
  assert.equal(buckets.at(-1)?.value, count?.value, `${name}: the last bucket holds all`)
  for (const [at, { value, labels }] of buckets.entries()) {
    const before = buckets[at - 1]
    if (before === undefined) continue
    assert.ok(value >= before.value, `${name}: buckets rise`)
    assert.ok(labels.le === '+Inf' || Number(labels.le) > Number(before.labels.le), `${name}: bounds rise`)
  }
}
