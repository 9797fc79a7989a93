import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cachedFolder, fetchJars } from '../../../lib/launcher/machine/jar-folder.ts'
import { daemonJars, filesOf, whatIsWrong } from '../../../lib/launcher/machine/jar-set.ts'
import { jarPlace } from '../../helpers/jars.ts'

test('ships a pom and a list that agree on the version', () => {
  const sums = readFileSync(daemonJars.sums, 'utf8')
  const version = /multilang<\/artifactId>\s*<version>(.+?)</.exec(readFileSync(daemonJars.pom, 'utf8'))?.[1]
  assert.match(sums, new RegExp(`^[0-9a-f]{64}  amazon-kinesis-client-multilang-${version}\\.jar$`, 'm'))
  assert.ok(
    sums
      .trim()
      .split('\n')
      .every((line) => /^[0-9a-f]{64} {2}\S+\.jar$/.test(line)),
  )
  assert.ok(
    cachedFolder(daemonJars, { HOME: '/users/me' })?.startsWith('/users/me/.cache/kcl-session/multilang-'),
  )
})

test('loads the jars of the list, and no other that lies beside them', (t) => {
  const place = jarPlace(t)
  assert.deepEqual(filesOf(place.set, '/jars'), ['/jars/one.jar'])
})

test('lets a jar differ that was named for it, and no other', async (t) => {
  const place = jarPlace(t)
  const folder = await fetchJars(place.set, place)
  writeFileSync(join(folder, 'one.jar'), 'patched')
  assert.match((await whatIsWrong(place.set, folder)) ?? '', /one\.jar is not the jar we know/)
  assert.equal(await whatIsWrong(place.set, folder, ['one.jar']), undefined)
})
