// The files of the guide on deploying, held to our own times and to the field's own linters. Those are in the folder that
// KCL_SESSION_LINTERS names: a Python environment with hadolint, kubernetes-validate, compose-spec and botocore, and promtool.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { metricsText } from '../../lib/http/metrics.ts'
import { temporaryFolder } from '../helpers/command.ts'
import { TestWorker } from '../helpers/worker.ts'

const samples = new URL('../../../samples/', import.meta.url)
const path = (file: string): string => fileURLToPath(new URL(file, samples))
const read = (file: string): string => readFileSync(path(file), 'utf8')
const linters = process.env.KCL_SESSION_LINTERS
const skip = linters === undefined && 'KCL_SESSION_LINTERS names no folder of linters'

test('every platform gives a stop more time than the launcher takes', () => {
  for (const [file, pattern] of [
    ['orders-consumer.service', /^TimeoutStopSec=(\d+)$/m],
    ['compose.yaml', /stop_grace_period: (\d+)s$/m],
    ['deployment.yaml', /terminationGracePeriodSeconds: (\d+)$/m],
    ['task-definition.json', /"stopTimeout": (\d+)/],
  ] as const) {
    const [, seconds] = pattern.exec(read(`deploying/${file}`)) ?? []
    assert.ok(Number(seconds) > 25, file)
  }
})

test('the unit signals the launcher alone', () => {
  assert.match(read('deploying/orders-consumer.service'), /^KillMode=mixed$/m)
})

test('systemd takes the unit', { skip: !existsSync('/usr/bin/systemd-analyze') && 'no systemd' }, (t) => {
  // What it starts must be there; this stands for it.
  const file = join(temporaryFolder(t), 'orders-consumer.service')
  const unit = read('deploying/orders-consumer.service').replace(/^(ExecStart=)\S+/m, `$1${process.execPath}`)
  writeFileSync(file, unit)
  // What it does not know it only warns of.
  assert.doesNotMatch(succeeds('systemd-analyze', ['verify', file]), /orders-consumer/)
})

test('hadolint takes the Dockerfile', { skip }, () => {
  succeeds(linter('hadolint'), [path('deploying/Dockerfile')])
})

test('Kubernetes takes the deployment', { skip }, () => {
  succeeds(linter('kubernetes-validate'), ['--strict', path('deploying/deployment.yaml')])
})

test('Compose takes its file', { skip }, () => {
  const program =
    'import sys; from compose_spec import PyCompose; PyCompose.from_yaml(open(sys.argv[1]).read()).validate()'
  succeeds(linter('python'), ['-c', program, path('deploying/compose.yaml')])
})

test('ECS takes the task definition, as far as its own model goes', { skip }, () => {
  const program = [
    'import json, sys, botocore.session',
    'from botocore.validate import ParamValidator',
    "model = botocore.session.get_session().get_service_model('ecs')",
    "shape = model.operation_model('RegisterTaskDefinition').input_shape",
    'report = ParamValidator().validate(json.load(open(sys.argv[1])), shape)',
    'sys.exit(report.generate_report() if report.has_errors() else 0)',
  ].join('\n')
  succeeds(linter('python'), ['-c', program, path('deploying/task-definition.json')])
})

test('Prometheus takes the alerts and every metric', { skip }, () => {
  const promtool = join(linters ?? '', 'usr', 'bin', 'promtool')
  succeeds(promtool, ['check', 'rules', path('monitoring/alerts.yml')])
  const run = new TestWorker()
  run.report('shardId-0', { lagMs: 1, checkpointLagMs: 1, behindMs: 0, storedMs: 1 })
  run.worker.daemonSpoke()
  succeeds(promtool, ['check', 'metrics'], metricsText(run.worker.view()))
})

function linter(name: string): string {
  return join(linters ?? '', 'bin', name)
}

function succeeds(program: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input })
  assert.equal(status, 0, `${program}: ${error?.message ?? ''}${stdout}${stderr}`)
  return stdout + stderr
}
