import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { metricsText } from '../../lib/http/metrics.ts'
import { type Family, readExposition } from '../helpers/exposition.ts'
import { TestWorker } from '../helpers/worker.ts'

test('the alerts and the dashboard ask for metrics that there are, by labels that they have', () => {
  const families = everyFamily()
  const expressions = [...alerts(), ...panels()]
  assert.ok(expressions.length > 15, `${expressions.length} expressions`)
  for (const expression of expressions) {
    const asked = [...expression.matchAll(/\b(kcl_session_\w+)(?:\{([^}]*)\})?/g)]
    assert.ok(asked.length > 0, expression)
    for (const [, name = '', matchers = ''] of asked) {
      const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
      assert.ok(family, `${expression}: there is ${name}`)
      const [, grouped = ''] = /\bby \(([^)]*)\)/.exec(expression) ?? []
      const labels = [...matchers.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label)
      for (const label of [...labels, ...grouped.split(', ')].filter(
        (one) => !['', 'instance'].includes(one),
      )) {
        const has = family.samples.some((sample) => label in sample.labels)
        assert.ok(has, `${expression}: ${name} has the label ${label}`)
      }
      for (const [, label = '', values = ''] of matchers.matchAll(/(\w+)=~?"([^"]*)"/g)) {
        for (const value of values.split('|')) {
          assert.ok(
            family.samples.some((sample) => sample.labels[label] === value),
            `${label}="${value}" is told`,
          )
        }
      }
    }
  }
})

function everyFamily(): Map<string, Family> {
  const run = new TestWorker()
  run.report('shardId-0', {
    action: 'processRecords',
    lagMs: 1,
    checkpointLagMs: 1,
    behindMs: 0,
    storedMs: 1,
  })
  run.worker.daemonSpoke()
  return readExposition(metricsText(run.worker.view()))
}

function alerts(): string[] {
  const text = readFileSync(new URL('../../../samples/monitoring/alerts.yml', import.meta.url), 'utf8')
  const rules = [...text.matchAll(/^ {6}- alert: \w+$/gm)].length
  const found = [...text.matchAll(/^ {8}expr: (.*)$/gm)].map(([, expression = '']) => expression)
  assert.equal(found.length, rules)
  return found
}

function panels(): string[] {
  const text = readFileSync(new URL('../../../samples/monitoring/dashboard.json', import.meta.url), 'utf8')
  const board = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] }
  return board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
}
