// The loggers that people have: nothing that we tell is lost in them.

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import pino from 'pino'
import winston from 'winston'
import { CheckpointError } from '../../lib/errors.ts'
import { openLogger } from '../../lib/io/log.ts'
import type { Logger } from '../../lib/io/logger.ts'

const details = { exception: 'ThrottlingException', retryable: true, position: null }
const error = new CheckpointError('busy', details, { cause: new Error('below') })

describe('pino', () => {
  it('gets text and details in its own order, the error where its serializer looks, and its level is heeded', () => {
    const { stream, events } = sink()
    const logger = pino({ level: 'info' }, stream)
    tell(logger)
    const [refused, told] = events()
    assert.deepEqual([refused?.msg, refused?.shardId, refused?.attempt], ['refused', 'shardId-1', 2])
    const err = refused?.err as Record<string, unknown>
    assert.deepEqual([err.type, err.code], ['CheckpointError', 'KCL_CHECKPOINT'])
    assert.match(String(err.message), /^busy/)
    assert.match(String(err.stack), /below/)
    assert.deepEqual([told?.msg, told?.shardId], ['told', 'shardId-1'])
    assert.equal(events().length, 2)
  })

  it('may be a child, and may change its level', () => {
    const { stream, events } = sink()
    const logger = pino({ level: 'silent' }, stream).child({ app: 'ours' })
    const ours = openLogger(logger, () => 'shardId-1')
    ours.info('not heard')
    logger.level = 'info'
    ours.info('heard', { count: 1 })
    assert.deepEqual(
      events().map(({ msg, app, count }) => [msg, app, count]),
      [['heard', 'ours', 1]],
    )
  })
})

describe('winston', () => {
  for (const child of [false, true]) {
    it(`gets the details, and all of an error${child ? ', as a child, too' : ''}`, () => {
      const { stream, events } = sink()
      const transports = [new winston.transports.Stream({ stream })]
      const logger = winston.createLogger({ transports, format: winston.format.json() })
      tell(child ? logger.child({ app: 'ours' }) : logger)
      const [refused, told] = events()
      assert.deepEqual([refused?.message, refused?.shardId, refused?.attempt], ['refused', 'shardId-1', 2])
      const { message, code, stack, cause } = (refused?.error ?? {}) as Record<string, unknown>
      assert.deepEqual([message, code], ['busy', 'KCL_CHECKPOINT'])
      assert.match(String(stack), /CheckpointError: busy\n +at /)
      assert.equal((cause as Error).message, 'below')
      assert.deepEqual([told?.message, told?.shardId], ['told', 'shardId-1'])
    })
  }
})

function tell(logger: Logger): void {
  const ours = openLogger(logger, () => 'shardId-1')
  ours.debug('not heard')
  ours.warn('refused', { attempt: 2, error })
  ours.info('told')
}

function sink(): { stream: PassThrough; events(): Record<string, unknown>[] } {
  const stream = new PassThrough({ encoding: 'utf8' })
  let text = ''
  stream.on('data', (chunk: string) => {
    text += chunk
  })
  const events = (): Record<string, unknown>[] => {
    // In newer versions of Node `read()` gives one piece at a time.
    for (let piece = stream.read(); piece !== null; piece = stream.read()) text += piece
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  return { stream, events }
}
