import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyEnvironment } from '../../../lib/launcher/machine/proxies.ts'

test('gives the daemon HTTPS_PROXY under the name it heeds', () => {
  assert.deepEqual(proxyEnvironment({ HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'http://p:2' }, []), {
    HTTP_PROXY: 'http://s:1',
  })
  assert.deepEqual(proxyEnvironment({ https_proxy: 'http://s:1' }, []), { HTTP_PROXY: 'http://s:1' })
})

test('writes NO_PROXY as the daemon matches it, and keeps local endpoints direct', () => {
  const { NO_PROXY } = proxyEnvironment(
    { HTTP_PROXY: 'http://p', NO_PROXY: '.a.example, b.example:80,10.0.0.1,*.c' },
    ['localhost'],
  )
  assert.equal(NO_PROXY, '*.a.example,b.example,*.b.example,10.0.0.1,*.c,localhost,*.localhost')
})

test('changes nothing where there is no proxy, or nothing to change', () => {
  assert.deepEqual(proxyEnvironment({ NO_PROXY: 'a' }, ['localhost']), {})
  assert.deepEqual(proxyEnvironment({ HTTP_PROXY: 'http://p' }, []), {})
})
