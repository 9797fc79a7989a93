import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { metricsText } from '../../lib/http/metrics.ts'
import { start } from '../helpers/command.ts'
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

test('while the sample hangs, its shards are stuck for Prometheus and for probes', async (t) => {
  const [, command = ''] =
    /^npx kcl-session (dev [\s\S]*?)\n```/m.exec(read('README.md').replaceAll('\\\n', '')) ?? []
  const running = start(
    t,
    command.split(/\s+/).map((word) => (word === 'node' ? process.execPath : word)),
  )
  const [, url = ''] = await running.seen(/The shards are at (\S+)/)
  await running.seen(/is stuck: no progress/)
  const [metrics, live] = await Promise.all([fetch(`${url}metrics`), fetch(`${url}livez`)])
  assert.match(await metrics.text(), /^kcl_session_shards\{state="stuck"\} [12]$/m)
  assert.equal(live.status, 503)
  assert.equal((await running.ended).code, 0)
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
  const text = read('alerts.yml')
  const rules = [...text.matchAll(/^ {6}- alert: \w+$/gm)].length
  const found = [...text.matchAll(/^ {8}expr: (.*)$/gm)].map(([, expression = '']) => expression)
  assert.equal(found.length, rules)
  return found
}

function panels(): string[] {
  const text = read('dashboard.json')
  const board = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] }
  return board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
}

function read(file: string): string {
  return readFileSync(new URL(`../../../samples/monitoring/${file}`, import.meta.url), 'utf8')
}
