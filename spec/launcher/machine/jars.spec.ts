import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  cachedFolder,
  daemonJars,
  fetchJars,
  filesOf,
  type JarSet,
  searchDaemonJars,
  whatIsWrong,
} from '../../../lib/launcher/machine/jars.ts'

// A Maven that "fetches" one jar, and counts how often it was asked.
const MAVEN = `#!/bin/sh
echo x >> "$0.count"
for word; do case "$word" in -DoutputDirectory=*) folder="\${word#*=}";; esac; done
printf content > "$folder/one.jar"
`

test('has Maven fill a fresh folder once, and then finds it in the cache', async (t) => {
  const place = setUp(t, MAVEN)
  const folder = await fetchJars(place.set, place)
  assert.deepEqual(readdirSync(folder), ['one.jar'])
  assert.equal(await fetchJars(place.set, place), folder)
  assert.equal(place.asked(), 1)
  assert.deepEqual(place.leftovers(), [])
})

test('removes what a broken fetch left behind, but nothing that somebody may be filling', async (t) => {
  const place = setUp(t, MAVEN)
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
  const place = setUp(t, MAVEN.replace('printf', 'sleep 0.3; printf'))
  const [one, other] = await Promise.all([fetchJars(place.set, place), fetchJars(place.set, place)])
  assert.equal(one, other)
  assert.equal(await whatIsWrong(place.set, one), undefined)
  if (process.platform === 'linux') assert.equal(place.asked(), 1)
  assert.deepEqual(place.leftovers(), [])
})

test('fetches again where the cache is damaged', async (t) => {
  const place = setUp(t, MAVEN)
  const folder = await fetchJars(place.set, place)
  writeFileSync(join(folder, 'one.jar'), 'broken')
  await fetchJars(place.set, place)
  assert.equal(readFileSync(join(folder, 'one.jar'), 'utf8'), 'content')
})

test('refuses jars that are not the ones we know, and leaves nothing behind', async (t) => {
  const place = setUp(t, MAVEN.replace('content', 'something else'))
  await assert.rejects(fetchJars(place.set, place), {
    code: 'KCL_USAGE',
    message: /one\.jar is not the jar we know/,
  })
  assert.deepEqual(readdirSync(place.cache), [])
})

test('tells no Maven, no network and no cache apart', async (t) => {
  const place = setUp(t, MAVEN)
  await assert.rejects(
    fetchJars(place.set, { ...place, environment: { ...place.environment, PATH: '/nowhere' } }),
    /no Maven/,
  )
  await assert.rejects(
    fetchJars(place.set, { ...place, environment: { PATH: '/nowhere' } }),
    /neither XDG_CACHE_HOME nor HOME/,
  )
  const offline = setUp(
    t,
    "#!/bin/sh\nprintf '\\033[m'; echo '[ERROR] Plugin x:3.8.1 could not be resolved: Unknown host repo.example -> [Help 1]'; exit 1\n",
  )
  await assert.rejects(
    fetchJars(offline.set, offline),
    /could not reach its repository.*Unknown host repo\.example$/,
  )
})

test("looks in --jars before the variable, and never takes a folder without the daemon's jar", async (t) => {
  const place = setUp(t, MAVEN)
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
  const place = setUp(t, MAVEN)
  writeFileSync(join(place.cache, 'amazon-kinesis-client-multilang-2.5.4.jar'), '')
  const found = await searchDaemonJars({ ...place, jars: place.cache })
  assert.equal(found?.known, false)
  assert.match(found?.warnings[0] ?? '', /multilang 2\.5\.4.*does not check/)
  rmSync(join(place.cache, 'amazon-kinesis-client-multilang-2.5.4.jar'))
  writeFileSync(join(place.cache, 'amazon-kinesis-client-multilang-3.1.3.jar'), '')
  await assert.rejects(searchDaemonJars({ ...place, jars: place.cache }), /damaged or not ours/)
})

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

function setUp(t: TestContext, maven: string) {
  const root = mkdtempSync(join(tmpdir(), 'kcl-session-jars-'))
  t.after(() => rmSync(root, { recursive: true }))
  const [bin, xdg] = [join(root, 'bin'), join(root, 'cache')]
  const cache = join(xdg, 'kcl-session')
  for (const folder of [bin, cache]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(bin, 'mvn'), maven)
  chmodSync(join(bin, 'mvn'), 0o755)
  writeFileSync(join(root, 'pom.xml'), '<project/>')
  writeFileSync(join(root, 'sums'), `${createHash('sha256').update('content').digest('hex')}  one.jar\n`)
  const set: JarSet = {
    name: 'set',
    pom: pathToFileURL(join(root, 'pom.xml')),
    sums: pathToFileURL(join(root, 'sums')),
    title: 'one jar',
  }
  return {
    set,
    cache,
    environment: { HOME: root, XDG_CACHE_HOME: xdg, PATH: `${bin}:/usr/bin:/bin` } as NodeJS.ProcessEnv,
    note: () => {},
    asked: () => readFileSync(join(bin, 'mvn.count'), 'utf8').split('\n').length - 1,
    leftovers: () => readdirSync(cache).filter((name) => name.startsWith('.')),
  }
}

test('loads the jars of the list, and no other that lies beside them', (t) => {
  const place = setUp(t, MAVEN)
  assert.deepEqual(filesOf(place.set, '/jars'), ['/jars/one.jar'])
})

test('lets a jar differ that was named for it, and no other', async (t) => {
  const place = setUp(t, MAVEN)
  const folder = await fetchJars(place.set, place)
  writeFileSync(join(folder, 'one.jar'), 'patched')
  assert.match((await whatIsWrong(place.set, folder)) ?? '', /one\.jar is not the jar we know/)
  assert.equal(await whatIsWrong(place.set, folder, ['one.jar']), undefined)
})
