import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyEnvironment } from '../../../lib/launcher/machine/proxies.ts'

test('gives the daemon HTTPS_PROXY under the name it heeds, and the consumers theirs back', () => {
  assert.deepEqual(proxyEnvironment({ HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'http://p:2' }, []), {
    forDaemon: { HTTP_PROXY: 'http://s:1' },
    forConsumers: { HTTP_PROXY: 'http://p:2' },
  })
  assert.deepEqual(proxyEnvironment({ https_proxy: 'http://s:1' }, []).forConsumers, {
    HTTP_PROXY: undefined,
  })
})

test('writes NO_PROXY as the daemon matches it, and keeps local endpoints direct', () => {
  const { forDaemon } = proxyEnvironment(
    { HTTP_PROXY: 'http://p', NO_PROXY: '.a.example, b.example:80,10.0.0.1,*.c' },
    ['localhost'],
  )
  assert.equal(forDaemon.NO_PROXY, '*.a.example,b.example,*.b.example,10.0.0.1,*.c,localhost,*.localhost')
})

test('changes nothing where there is no proxy, or nothing to change', () => {
  assert.deepEqual(proxyEnvironment({ NO_PROXY: 'a' }, ['localhost']), { forDaemon: {}, forConsumers: {} })
  assert.deepEqual(proxyEnvironment({ HTTP_PROXY: 'http://p' }, []), { forDaemon: {}, forConsumers: {} })
})
