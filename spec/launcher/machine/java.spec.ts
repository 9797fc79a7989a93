import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findJava, majorVersion } from '../../../lib/launcher/machine/java.ts'

test('reads the major version wherever it stands', () => {
  assert.equal(majorVersion('openjdk version "17.0.15" 2025-04-15'), 17)
  assert.equal(majorVersion('java version "1.8.0_402"'), 8)
  assert.equal(majorVersion('Picked up JAVA_TOOL_OPTIONS: -Dx=1\nopenjdk version "21" 2023-09-19'), 21)
  assert.equal(majorVersion('nonsense'), undefined)
})

test('takes JAVA_HOME before the PATH', async (t) => {
  const [home, path] = [javaHome(t, '21.0.1'), javaHome(t, '11.0.1')]
  const java = await findJava({ JAVA_HOME: home, PATH: join(path, 'bin') })
  assert.deepEqual(java, { program: join(home, 'bin', 'java'), version: 21 })
  assert.equal((await findJava({ PATH: `${join(path, 'bin')}:/bin` })).version, 11)
})

test('says what to do where there is no Java, or only an old one', async (t) => {
  await assert.rejects(findJava({ PATH: '/nowhere' }), /There is no Java: JAVA_HOME is not set/)
  await assert.rejects(findJava({ JAVA_HOME: '/nowhere', PATH: '' }), /JAVA_HOME is \/nowhere, but/)
  await assert.rejects(
    findJava({ JAVA_HOME: javaHome(t, '1.7.0_80') }),
    /Java 8 or later is needed.*is Java 7/,
  )
})

function javaHome(t: TestContext, version: string): string {
  const home = mkdtempSync(join(tmpdir(), 'kcl-session-java-'))
  t.after(() => rmSync(home, { recursive: true }))
  mkdirSync(join(home, 'bin'))
  writeFileSync(join(home, 'bin', 'java'), `#!/bin/sh\necho 'openjdk version "${version}"' >&2\n`)
  chmodSync(join(home, 'bin', 'java'), 0o755)
  return home
}
