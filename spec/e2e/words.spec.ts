// The daemon's own words that we follow and translate, looked for in the jars that we ship the addresses of.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fetchJars } from '../../lib/launcher/machine/jar-folder.ts'
import { daemonJars } from '../../lib/launcher/machine/jar-set.ts'
import { TEXTS_IN_THE_JAR } from '../../lib/launcher/supervision/kcl-words.ts'
import { readFromZip } from '../helpers/zip.ts'
import { whyNot } from './stack.ts'

const reason = await whyNot()

test('every text that is looked for in the log stands in the jar', { skip: reason }, async () => {
  const folder = await fetchJars(daemonJars, { environment: process.env, note: () => {} })
  const jar = readdirSync(folder).find((file) => /^amazon-kinesis-client-\d/.test(file))
  assert.ok(jar, folder)
  for (const [file, text] of TEXTS_IN_THE_JAR) {
    const code = readFromZip(join(folder, jar), `software/amazon/kinesis/${file}.class`)
    assert.ok(code.includes(text), `${file} says "${text}"`)
  }
})
