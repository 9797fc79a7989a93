import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  catalogue,
  exactName,
  nearestName,
  relaxedName,
} from '../../../../lib/launcher/configuration/catalogue/catalogue.ts'
import { kebab } from '../../../../lib/launcher/configuration/settings.ts'

test('finds every property by its flag and by its variable', () => {
  for (const key of catalogue.keys()) {
    assert.equal(relaxedName(key), key)
    assert.equal(relaxedName(kebab(key)), key, kebab(key))
    assert.equal(relaxedName(kebab(key).replaceAll('-', '_').toUpperCase()), key)
  }
})

test('knows every alias, and no two keys by one relaxed name', () => {
  const flat = [...catalogue].flatMap(([key, entry]) => [key, ...(entry.aliases ?? [])])
  const folded = flat.map((key) => key.replace(/[^a-z0-9]/gi, '').toLowerCase())
  assert.equal(new Set(folded).size, folded.length)
  assert.equal(exactName('workerId'), 'workerIdentifier')
})

test('takes the spellings that the daemon takes, and no others', () => {
  assert.equal(exactName('AWSCredentialsProvider'), 'AwsCredentialsProvider')
  assert.equal(exactName('awscredentialsproviderdynamodb'), 'AwsCredentialsProviderDynamoDB')
  assert.equal(exactName('pollingConfig.maxRecords'), 'maxRecords')
  assert.equal(exactName('kinesisClient.endpointOverride'), 'kinesisClient.endpointOverride')
  for (const wrong of [
    'StreamName',
    'stream-name',
    'kinesisClient',
    'fanoutConfig.foo',
    '__proto__',
    'constructor',
  ]) {
    assert.equal(exactName(wrong), undefined, wrong)
  }
})

test('builds nested client keys from relaxed names', () => {
  assert.equal(relaxedName('kinesis-client-region'), 'kinesisClient.region')
  assert.equal(relaxedName('DYNAMO_DB_CLIENT_ENDPOINT_OVERRIDE'), 'dynamoDbClient.endpointOverride')
  assert.equal(relaxedName('cloudWatchClient.endpointOverride'), 'cloudWatchClient.endpointOverride')
})

test('suggests the nearest property for a misspelt one, and none where nothing is near', () => {
  assert.equal(nearestName('steamName'), 'streamName')
  assert.equal(nearestName('aplicationName'), 'applicationName')
  assert.equal(nearestName('initialPositoinInStream'), 'initialPositionInStream')
  assert.equal(nearestName('stream-name'), 'streamName')
  assert.equal(nearestName('colour'), undefined)
})

test('gives every property a sentence, and every enum its words', () => {
  for (const [key, entry] of catalogue) {
    assert.match(entry.note, /^[A-Z"].*\.$/, key)
    if (entry.trap !== undefined) assert.match(entry.trap, /\.$/, key)
    assert.equal(entry.kind === 'enum', entry.values !== undefined, key)
  }
})

test('gives every number the least that the daemon works with', () => {
  const numbers = [...catalogue].filter(([, { kind }]) => ['integer', 'long', 'decimal'].includes(kind))
  const without = numbers.filter(([, { min, noEffect }]) => min === undefined && noEffect === undefined)
  assert.ok(numbers.length > 30)
  assert.deepEqual(
    without.map(([key]) => key),
    [],
  )
})
