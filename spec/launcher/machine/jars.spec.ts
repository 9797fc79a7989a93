import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { searchDaemonJars } from '../../../lib/launcher/machine/jars.ts'
import { temporaryFolder } from '../../helpers/command.ts'
import { jarPlace } from '../../helpers/jars.ts'

test("looks in --jars before the variable, and never takes a folder without the daemon's jar", async (t) => {
  const place = jarPlace(t)
  const environment = { ...place.environment, KCL_SESSION_JARS: place.cache }
  await assert.rejects(
    searchDaemonJars({ ...place, environment, jars: '/nowhere' }),
    /no folder of jars at \/nowhere \(--jars\)/,
  )
  await assert.rejects(
    searchDaemonJars({ ...place, environment }),
    /KCL_SESSION_JARS\) has no amazon-kinesis-client-multilang jar/,
  )
})

test('takes another version with a warning, and ours only where every jar is the known one', async (t) => {
  const place = jarPlace(t)
  writeFileSync(join(place.cache, 'amazon-kinesis-client-multilang-2.5.4.jar'), '')
  const found = await searchDaemonJars({ ...place, jars: place.cache })
  assert.equal(found?.known, false)
  assert.match(found?.warnings[0] ?? '', /multilang 2\.5\.4.*does not check/)
  rmSync(join(place.cache, 'amazon-kinesis-client-multilang-2.5.4.jar'))
  writeFileSync(join(place.cache, 'amazon-kinesis-client-multilang-3.1.3.jar'), '')
  await assert.rejects(searchDaemonJars({ ...place, jars: place.cache }), /damaged or not ours/)
})

test('refuses a folder whose path Java would take for two', async (t) => {
  const folder = join(temporaryFolder(t), 'a:b')
  mkdirSync(folder)
  writeFileSync(join(folder, 'amazon-kinesis-client-multilang-2.5.4.jar'), '')
  await assert.rejects(
    searchDaemonJars({ jars: folder, environment: {}, note: () => {} }),
    /a:b has a ":" in its path, which Java takes for the end of it/,
  )
})
