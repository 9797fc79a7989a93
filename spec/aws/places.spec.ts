import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointIn, isLoopback, proxyFor } from '../../lib/aws/places.ts'

test('knows the domains of China and of the closed partitions', () => {
  for (const [region, endpoint] of [
    ['eu-west-1', 'https://kinesis.eu-west-1.amazonaws.com'],
    ['us-gov-west-1', 'https://kinesis.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'https://kinesis.cn-north-1.amazonaws.com.cn'],
    ['us-iso-east-1', 'https://kinesis.us-iso-east-1.c2s.ic.gov'],
    ['us-isob-east-1', 'https://kinesis.us-isob-east-1.sc2s.sgov.gov'],
  ] as const) {
    assert.equal(endpointIn('kinesis', region), endpoint)
  }
  assert.equal(
    endpointIn('dynamodb', 'us-east-1', { AWS_USE_FIPS_ENDPOINT: 'true' }),
    'https://dynamodb-fips.us-east-1.amazonaws.com',
  )
})

test('takes the proxy of the scheme, and none for what is excepted or on this machine', () => {
  const aws = new URL('https://kinesis.eu-west-1.amazonaws.com')
  assert.equal(proxyFor(aws, {}), undefined)
  assert.equal(proxyFor(aws, { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://q:1' }), 'http://p:1')
  assert.equal(proxyFor(aws, { https_proxy: 'p:1' }), 'http://p:1')
  assert.equal(proxyFor(aws, { HTTP_PROXY: 'http://q:1' }), 'http://q:1')
  for (const exceptions of ['amazonaws.com', '.amazonaws.com', 'x, *.eu-west-1.amazonaws.com', '*']) {
    assert.equal(proxyFor(aws, { HTTPS_PROXY: 'http://p:1', NO_PROXY: exceptions }), undefined, exceptions)
  }
  assert.equal(proxyFor(aws, { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'onaws.com' }), 'http://p:1')
  assert.equal(proxyFor(new URL('http://localhost:4568'), { HTTP_PROXY: 'http://p:1' }), undefined)
})

test('tells this machine from others', () => {
  for (const here of ['http://localhost:1', 'http://127.0.0.1:2', 'http://[::1]:3', 'https://a.localhost']) {
    assert.ok(isLoopback(here), here)
  }
  for (const elsewhere of [
    'http://localhost.example.com',
    'http://localstack:4566',
    'no address',
    undefined,
  ]) {
    assert.ok(!isLoopback(elsewhere), elsewhere)
  }
})
