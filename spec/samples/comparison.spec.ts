// Each line of the page that compares the clients is run with the real packages, and says what the page says.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { run } from '../helpers/command.ts'
import { pythonSources } from '../helpers/python.ts'

const page = readFileSync(new URL('../../../samples/comparison/README.md', import.meta.url), 'utf8')
const [, tried = ''] = page.split('| row |')
const lines = [...tried.matchAll(/^\|([^|]*)\| `((?:node|python3) [^`]*)` \| `(.*)` \|$/gm)]
const VERSIONS = { amazon_kclpy: '3.2.0', kclpy: '0.2.0' }

describe('the page that compares the clients', () => {
  for (const [, , command = '', words = ''] of lines) {
    test(`${command}: ${words}`, async (t) => {
      const client = /(\w+)_consumer\.py/.exec(command)?.[1] as keyof typeof VERSIONS | undefined
      if (client !== undefined) {
        const sources = pythonSources(client, VERSIONS[client])
        if ('missing' in sources) return t.skip(sources.missing)
        process.env.PYTHONPATH = sources.folder
      }
      const input = ['--input', 'samples/data/earthquakes.ndjson', '--key', 'id', '--timeout', '3']
      const fault = command.endsWith('refused') ? ['--fault', 'refuse=ThrottlingException'] : []
      const options = ['--protocol=stdio', ...input, ...fault]
      const { stdout, stderr } = await run(t, ['dev', ...options, '--', ...command.split(' ')])
      assert.ok((stdout + stderr).includes(words), stdout + stderr)
    })
  }

  test('tries four clients', () => assert.equal(lines.length, 18))
})
