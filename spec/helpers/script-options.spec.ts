// The scripts that take long tell what they take, and start nothing when they are asked for that, or misunderstood.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const WRONG_NUMBER: Readonly<Record<string, string>> = {
  soak: '--records=many',
  chaos: '--keys=0',
  bench: '--rounds=0',
}

for (const name of ['soak', 'chaos', 'bench']) {
  describe(`npm run ${name}`, () => {
    const run = (...words: string[]) =>
      spawnSync(
        process.execPath,
        [fileURLToPath(new URL(`../${name}/${name}.js`, import.meta.url)), ...words],
        {
          encoding: 'utf8',
          timeout: 20_000,
        },
      )

    test('tells its options for --help', () => {
      const { status, stdout, stderr } = run('--help')
      assert.deepEqual([status, stderr], [0, ''])
      const parts = name === 'bench' ? '[PART…] ' : ''
      assert.ok(stdout.startsWith(`npm run ${name} -- ${parts}[OPTIONS]\n`), stdout)
      assert.ok(stdout.split('\n').every((line) => line.length <= 132))
      assert.match(stdout, /^ {2}--\w+=N +\w.*\(default: \d+/m)
    })

    for (const [wrong, sentence] of [
      ['--sed=2', /^Unknown option '--sed'\.\n\nnpm run /],
      ['more', /^Unexpected argument 'more'\.\n\nnpm run /],
      [WRONG_NUMBER[name] ?? '', /^--\w+=(many|0): give a whole number from 1\.\n$/],
    ] as const) {
      test(`starts nothing with ${wrong}, and says why`, () => {
        const { status, stdout, stderr } = run(wrong)
        assert.deepEqual([status, stdout], [2, ''], stderr)
        assert.match(stderr, sentence)
      })
    }
  })
}
