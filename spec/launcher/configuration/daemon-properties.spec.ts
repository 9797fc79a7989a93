import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daemonProperties } from '../../../lib/launcher/configuration/daemon-properties.ts'
import { mergeSettings } from '../../../lib/launcher/configuration/settings.ts'

test('hands the settings on, with the worker’s name and without the command', () => {
  assert.deepEqual(properties({ streamName: 'words', executableName: 'node consumer.js' }), {
    streamName: 'words',
    workerIdentifier: 'w-1',
  })
})

test('makes LATEST the time of the launcher’s start, so that another daemon begins there too', () => {
  for (const word of ['LATEST', 'latest']) {
    assert.deepEqual(properties({ initialPositionInStream: word }), {
      initialPositionInStreamExtended: '1700000000',
      workerIdentifier: 'w-1',
    })
  }
  for (const [key, value] of [
    ['initialPositionInStream', 'TRIM_HORIZON'],
    ['initialPositionInStreamExtended', '1600000000'],
  ] as const) {
    assert.deepEqual(properties({ [key]: value }), { [key]: value, workerIdentifier: 'w-1' })
  }
})

function properties(values: Readonly<Record<string, string>>): Record<string, string> {
  const written = Object.entries(values).map(([key, value]) => ({
    key,
    value,
    source: 'flag' as const,
    place: `--${key}`,
  }))
  const { settings } = mergeSettings(written)
  return Object.fromEntries(daemonProperties(settings, { workerIdentifier: 'w-1', at: 1_700_000_000_999 }))
}
