import assert from 'node:assert/strict'
import { test } from 'node:test'
import { howItEnded, tellingLine } from '../../../lib/launcher/supervision/last-words.ts'

test('takes the head of a stack, not the properties that Node prints after it', () => {
  const lines = [
    'Error: an earlier one, caught and logged',
    'file:///app/consumer.js:12',
    "    throw new StoreError('the table is full')",
    '          ^',
    '',
    'StoreError: the table is full',
    '    at store (file:///app/consumer.js:12:11)',
    "  code: 'E_FULL',",
    '  $metadata: { failed: 3 },',
    '  [cause]: Error: connect ECONNREFUSED 127.0.0.1:5432',
    '      at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16) {',
    "    code: 'ECONNREFUSED'",
    '  }',
    '}',
    'Node.js v20.20.2',
  ]
  assert.equal(tellingLine(lines), 'StoreError: the table is full')
})

test('knows the heads of other languages, and otherwise takes the last line that sounds of trouble', () => {
  for (const [lines, line] of [
    [['Traceback (most recent call last):', '  File "a.py", line 1', 'KeyError: 1'], 'KeyError: 1'],
    [['java.lang.IllegalStateException: no', '\tat a.B.c(B.java:1)'], 'java.lang.IllegalStateException: no'],
    [
      ['Exception in thread "main" java.io.IOException: x', '\tat a.B'],
      'Exception in thread "main" java.io.IOException: x',
    ],
    [['panic: runtime error', 'goroutine 1 [running]:', '\tmain.go:3'], 'panic: runtime error'],
    [['sh: 1: consumer: not found'], 'sh: 1: consumer: not found'],
    [['working', '  it could not be killed', 'done'], 'it could not be killed'],
    [['working', 'done'], undefined],
  ] as const)
    assert.equal(tellingLine(lines), line)
})

test('says by which signal, or with what code', () => {
  assert.equal(howItEnded(1), 'exit code 1')
  assert.equal(howItEnded(128), 'exit code 128')
  assert.equal(howItEnded(139), 'killed by SIGSEGV')
  assert.match(howItEnded(137), /^killed by SIGKILL, as a limit on memory/)
})
