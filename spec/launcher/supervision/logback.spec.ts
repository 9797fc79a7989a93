import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const TEXT = readFileSync(
  new URL('../../../../lib/launcher/supervision/logback.xml', import.meta.url),
  'utf8',
)
const LOGGERS = [...TEXT.matchAll(/<logger name="([^"]+)"(?: level="([^"]+)")?/g)].map(
  ([, name = '', level = '']) => [name, level] as const,
)

test('names each logger once', () => {
  const names = LOGGERS.map(([name]) => name)
  assert.ok(names.length > 20)
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
})

test('what prints keys, tokens or every property is kept silent at every --log-level', () => {
  const levels = new Map(LOGGERS)
  for (const [name, least] of [
    ['software.amazon.kinesis.multilang.NestedPropertyKey', 'ERROR'],
    ['software.amazon.kinesis.multilang.config.KinesisClientLibConfigurator', 'WARN'],
    ['software.amazon.kinesis.multilang.config.AwsCredentialsProviderPropertyValueDecoder', 'WARN'],
    ['org.apache.http', 'INFO'],
    ['org.apache.commons.beanutils', 'INFO'],
    ['software.amazon.awssdk', 'INFO'],
    ['io.netty', 'ERROR'],
  ] as const)
    assert.equal(levels.get(name), least, name)
  assert.doesNotMatch(
    TEXT,
    /<logger name="(?:org\.apache|software\.amazon\.awssdk)[^"]*" level="(?:DEBUG|TRACE|\$)/,
  )
})
