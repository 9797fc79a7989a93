import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fetchJars } from '../../../lib/launcher/machine/jar-folder.ts'
import { whatIsWrong } from '../../../lib/launcher/machine/jar-set.ts'
import { jarPlace, MAVEN } from '../../helpers/jars.ts'

test('has Maven fill a fresh folder once, and then finds it in the cache', async (t) => {
  const place = jarPlace(t)
  const folder = await fetchJars(place.set, place)
  assert.deepEqual(readdirSync(folder), ['one.jar'])
  assert.equal(await fetchJars(place.set, place), folder)
  assert.equal(place.asked(), 1)
  assert.deepEqual(place.leftovers(), [])
})

test('removes what a broken fetch left behind, but nothing that somebody may be filling', async (t) => {
  const place = jarPlace(t)
  const folder = await fetchJars(place.set, place)
  const [dead, fresh] = ['.fetching-999999999-a', '.fetching-999999999-b'].map((name) =>
    join(dirname(folder), name),
  )
  for (const left of [dead ?? '', fresh ?? '']) mkdirSync(left)
  utimesSync(dead ?? '', 0, 0)
  rmSync(folder, { recursive: true })
  await fetchJars(place.set, place)
  assert.deepEqual(place.leftovers(), ['.fetching-999999999-b'])
})

test('lets two fetches at once end with the same complete folder', async (t) => {
  const place = jarPlace(t, MAVEN.replace('printf', 'sleep 0.3; printf'))
  const [one, other] = await Promise.all([fetchJars(place.set, place), fetchJars(place.set, place)])
  assert.equal(one, other)
  assert.equal(await whatIsWrong(place.set, one), undefined)
  if (process.platform === 'linux') assert.equal(place.asked(), 1)
  assert.deepEqual(place.leftovers(), [])
})

test('fetches again where the cache is damaged', async (t) => {
  const place = jarPlace(t)
  const folder = await fetchJars(place.set, place)
  writeFileSync(join(folder, 'one.jar'), 'broken')
  await fetchJars(place.set, place)
  assert.equal(readFileSync(join(folder, 'one.jar'), 'utf8'), 'content')
})

test('refuses jars that are not the ones we know, and leaves nothing behind', async (t) => {
  const place = jarPlace(t, MAVEN.replace('content', 'something else'))
  await assert.rejects(fetchJars(place.set, place), {
    code: 'KCL_USAGE',
    message: /one\.jar is not the jar we know/,
  })
  assert.deepEqual(readdirSync(place.cache), [])
})

test('tells no Maven, no network and no cache apart', async (t) => {
  const place = jarPlace(t)
  await assert.rejects(
    fetchJars(place.set, { ...place, environment: { ...place.environment, PATH: '/nowhere' } }),
    /no Maven/,
  )
  await assert.rejects(
    fetchJars(place.set, { ...place, environment: { PATH: '/nowhere' } }),
    /neither XDG_CACHE_HOME nor HOME/,
  )
  const offline = jarPlace(
    t,
    "#!/bin/sh\nprintf '\\033[m'; echo '[ERROR] Plugin x:3.8.1 could not be resolved: Unknown host repo.example -> [Help 1]'; exit 1\n",
  )
  await assert.rejects(
    fetchJars(offline.set, offline),
    /could not reach its repository.*Unknown host repo\.example$/,
  )
})
