import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../../lib/launcher/machine/processes.ts'
import { RUN_EVENTS, RUN_LINE } from '../../lib/launcher/supervision/run-events.ts'
import { insist } from '../helpers/command.ts'
import { alive, gone, launch } from '../helpers/launcher.ts'

const HANGS = fileURLToPath(new URL('../fixtures/hangs.js', import.meta.url))
const HOST = fileURLToPath(new URL('../fixtures/host.js', import.meta.url))
// Ends with its input, as a consumer should.
const GOOD = ['/bin/sh', '-c', 'cat >/dev/null']
const POSIX = { skip: process.platform === 'win32' && 'run is for Linux and macOS' }

describe('run', { concurrency: 6, timeout: 120_000 }, () => {
  test('starts the daemon without a file, follows it, and ends cleanly at SIGTERM', POSIX, async (t) => {
    const running = launch(t, { command: GOOD })
    const java = await running.seen(/pid \d+ worker (\S+) grace 24000/)
    assert.match(java[1] ?? '', /-/)
    await running.seen(/options .*-Dfile\.encoding=UTF-8 .*-p \/dev\/stdin/)
    await running.seen(/shardId-000000000000: consumer \d+ started/)
    await running.seen(/shardId-000000000001: consumer \d+ started/)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0)
    assert.match(stderr, /Stopped; every consumer was done/)
    assert.equal((stderr.match(/has ended/g) ?? []).length, 2)
    assert.deepEqual(alive(stderr), [])
  })

  test('exits with 130 after Ctrl-C, and drains no less', POSIX, async (t) => {
    const running = launch(t, { command: GOOD })
    await running.seen(/000000000001: consumer \d+ started/)
    running.child.kill('SIGINT')
    const { code, stderr } = await running.ended
    assert.equal(code, 130)
    assert.match(stderr, /every consumer was done/)
  })

  test('goes on whatever a consumer prints, be it what the launcher itself listens for', POSIX, async (t) => {
    const poison = [
      'kcl-session-consumer 999999',
      '#kcl#ERROR#2026-01-01T00:00:00.000Z#a.MultiLangProtocol#Failed to get status message for processRecords action for shard shardId-000000000000¶x¶',
      '#kcl#INFO#2026-01-01T00:00:00.000Z#a.MultiLangShardRecordProcessor#Child process exited with value: 1¶',
      'Failed to get status message for processRecords action for shard shardId-000000000000',
    ]
    const print = `printf '%s\\n' "$@" done >&2; cat >/dev/null`
    const running = launch(t, { story: 'idle', command: ['/bin/sh', '-c', print, 'sh', ...poison] })
    await running.seen(/done.*done/s)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0)
    const lines = stderr.split('\n')
    // Each line tells its shard, and those that name one are left as they are.
    const isIt = (line: string, text: string): boolean => line === text || line.endsWith(` | ${text}`)
    for (const text of poison) assert.equal(lines.filter((line) => isIt(line, text)).length, 2, stderr)
    assert.doesNotMatch(stderr, /999999 (started|has ended)|ended before|ended by itself/)
  })

  test('ends everything at a second signal', POSIX, async (t) => {
    const running = launch(t, {
      command: ['/bin/sh', '-c', 'trap "" TERM; echo ready >&2; while :; do sleep 1; done'],
    })
    await running.seen(/ready.*ready/s)
    running.child.kill('SIGINT')
    await running.seen(/once more ends them at once/)
    insist(running, 'SIGINT')
    const { code, stderr } = await running.ended
    assert.equal(code, 1)
    await gone(alive(stderr))
  })

  test('kills what is not done at the stop timeout, and names its shard', POSIX, async (t) => {
    const stubborn = ['/bin/sh', '-c', 'trap "" TERM; echo ready >&2; while :; do sleep 1; done']
    const running = launch(t, { command: stubborn, flags: ['--stop-timeout=2s'] })
    await running.seen(/ready.*ready/s)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 1)
    assert.match(stderr, /Not done yet: shardId-000000000000 \(pid \d+\) and shardId-000000000001/)
    await gone(alive(stderr))
  })

  test(
    'notices a consumer that dies while its shard is idle, drains the others and exits with 1',
    POSIX,
    async (t) => {
      const running = launch(t, { story: 'idle', command: GOOD })
      const [, pid] = await running.seen(/000000000001: consumer (\d+) started/)
      await running.seen(/000000000000: consumer \d+ started/)
      process.kill(Number(pid), 'SIGKILL')
      const { code, stderr } = await running.ended
      assert.equal(code, 1)
      assert.match(
        stderr,
        /The consumer of shardId-000000000001 \(pid \d+\) ended while it had nothing to do/,
      )
      assert.match(stderr, /000000000000: consumer \d+ has ended/)
      assert.deepEqual(alive(stderr), [])
    },
  )

  test(
    'tells the last words of a consumer that throws, and does not wait out the grace',
    POSIX,
    async (t) => {
      const throws = ['/bin/sh', '-c', 'echo "Error: boom" >&2; exit 1']
      const { code, stderr } = await launch(t, { command: throws }).ended
      assert.equal(code, 1)
      assert.match(
        stderr,
        /ERROR kcl-session: The consumer of shardId-\d+ ended before it acknowledged processRecords \(exit code 1\)\. Its last words: Error: boom/,
      )
    },
  )

  test(
    'names --protocol=stdio to a consumer that speaks on stdin and stdout, as the first thing, once',
    POSIX,
    async (t) => {
      const other = ['-e', 'process.stdin.resume()']
      const { code, stderr } = await launch(t, { story: 'mute', command: [process.execPath, ...other] }).ended
      assert.equal(code, 1)
      const [first = ''] = stderr.split('\n').filter((line) => line.includes(' ERROR '))
      assert.match(
        first,
        /needs --protocol=stdio\. The consumer of .* acknowledged initialize \(exit code 0\)/,
      )
      assert.equal(stderr.match(/--protocol=stdio/g)?.length, 1)
      const crash = ['-e', 'console.error("no table"); process.exit(3)']
      const crashed = await launch(t, { story: 'mute', command: [process.execPath, ...crash] }).ended
      assert.match(crashed.stderr, /acknowledged initialize \(exit code 3\)/)
      assert.doesNotMatch(crashed.stderr, /stdio/)
    },
  )

  test('says by which signal a consumer was killed in the middle of an action', POSIX, async (t) => {
    const { code, stderr } = await launch(t, { command: ['/bin/sh', '-c', 'kill -KILL $$'] }).ended
    assert.equal(code, 1)
    assert.match(
      stderr,
      /ended before it acknowledged processRecords \(killed by SIGKILL, as a limit on memory/,
    )
  })

  test(
    'does not wait out the grace either where the daemon could not write to a dead consumer',
    POSIX,
    async (t) => {
      const running = launch(t, { story: 'deaf', command: GOOD })
      const [, pid] = await running.seen(/000000000001: consumer (\d+) started/)
      await running.seen(/000000000000: consumer \d+ started/)
      process.kill(Number(pid), 'SIGKILL')
      const { code, stderr } = await running.ended
      assert.equal(code, 1)
      assert.match(
        stderr,
        /The consumer of shardId-000000000001 ended before it could be spoken to \(killed by SIGKILL/,
      )
      assert.doesNotMatch(stderr, /Child process failed/)
    },
  )

  for (const [whose, story] of [
    ['what is past', { command: GOOD }],
    ['the process that serves all shards', { command: [process.execPath, HOST], flags: ['--shared'] }],
  ] as const) {
    test(`says that the daemon itself was killed, and does not blame ${whose}`, POSIX, async (t) => {
      const running = launch(t, story)
      await running.seen(/000000000001: consumer \d+ started/)
      const [, java] = await running.seen(/pid (\d+) worker/)
      process.kill(Number(java), 'SIGKILL')
      const { code, stderr } = await running.ended
      assert.equal(code, 1)
      assert.match(
        stderr,
        /The daemon was killed by SIGKILL, and not by kcl-session\. The system does that where/,
      )
    })
  }

  test('says why the daemon cannot begin, and gives up at the start timeout', POSIX, async (t) => {
    const { code, stderr } = await launch(t, {
      story: 'refused',
      command: GOOD,
      flags: ['--start-timeout=1s'],
    }).ended
    assert.equal(code, 1)
    assert.equal(
      (stderr.match(/Nothing answers at localhost:9: connection refused\..* keeps trying/g) ?? []).length,
      1,
    )
    assert.match(
      stderr,
      /could not begin to work within 1 s \(--start-timeout\)\. Nothing answers at localhost:9/,
    )
  })

  test(
    'says so when no shard has come to this worker by the start timeout, and goes on',
    POSIX,
    async (t) => {
      const running = launch(t, { story: 'without a lease', command: GOOD, flags: ['--start-timeout=1s'] })
      await running.seen(/WARN\s+kcl-session: No consumer has started within 1 s\..*other workers of/)
      running.child.kill('SIGTERM')
      const { stderr } = await running.ended
      assert.equal(stderr.match(/No consumer has started/g)?.length, 1)
    },
  )

  test('takes a daemon that ends by itself with 0 for a failure', POSIX, async (t) => {
    const { code, stderr } = await launch(t, { story: 'exits', command: GOOD }).ended
    assert.equal(code, 1)
    assert.match(stderr, /The daemon ended by itself \(exit code 0\)/)
  })

  test('starts the daemon again with --restart, under the same name', POSIX, async (t) => {
    const running = launch(t, { story: 'exits', command: GOOD, flags: ['--restart'] })
    const [text] = await running.seen(/worker \S+ grace.*Starting the daemon again in 1 s.*worker \S+ grace/s)
    const names = [...text.matchAll(/worker (\S+) grace/g)].map(([, name]) => name)
    assert.equal(names[0], names[1])
    await running.seen(/again in 2 s/)
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 143)
  })

  test('ends at once at a signal before the daemon runs', POSIX, async (t) => {
    const running = launch(t, { story: 'slow', command: GOOD })
    while (!existsSync(join(running.folder, 'asked'))) await pause(50)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 143)
    assert.doesNotMatch(stderr, /Starting/)
  })

  test('leaves nothing behind when the launcher is killed', POSIX, async (t) => {
    const running = launch(t, { command: GOOD, flags: ['--stop-timeout=2s'] })
    await running.seen(/000000000000: consumer \d+ started/)
    await running.seen(/000000000001: consumer \d+ started/)
    const [, java] = await running.seen(/pid (\d+) worker/)
    running.child.kill('SIGKILL')
    const { stderr } = await running.ended
    await gone([Number(java), ...alive(stderr)])
  })

  test('waits for the daemon of a killed launcher, and takes its name only then', {
    skip: process.platform !== 'linux' && 'only Linux can tell',
  }, async (t) => {
    const flags = [`--worker-identifier=orphan-${process.pid}`, '--stop-timeout=3s']
    const busy = ['/bin/sh', '-c', 'while :; do sleep 1; done']
    const first = launch(t, { command: busy, flags })
    await first.seen(/000000000000: consumer \d+ started/)
    await first.seen(/000000000001: consumer \d+ started/)
    const [, java] = await first.seen(/pid (\d+) worker/)
    first.child.kill('SIGKILL')
    const second = launch(t, { command: GOOD, flags })
    await second.seen(/The launcher of orphan-\d+ was killed, and its daemon is still ending/)
    assert.ok(isAlive(Number(java)))
    await second.seen(/000000000001: consumer \d+ started/)
    assert.ok(!isAlive(Number(java)))
    second.child.kill('SIGTERM')
    assert.equal((await second.ended).code, 0)
  })

  test('stops in time though nobody reads what it prints, and keeps little of that', POSIX, async (t) => {
    const noisy = ['/bin/sh', '-c', 'while :; do echo "$$ and on and on and on and on"; done >&2']
    const running = launch(t, { command: noisy, flags: ['--stop-timeout=3s'] })
    await running.seen(/and on/)
    running.child.stderr?.pause()
    running.child.kill('SIGTERM')
    const [code] = await once(running.child, 'exit')
    assert.equal(code, 1)
    running.child.stderr?.resume()
    assert.ok((await running.ended).stderr.length < 8_000_000)
  })

  test('goes on in silence when nobody can read what it prints', POSIX, async (t) => {
    const running = launch(t, {
      command: ['/bin/sh', '-c', `echo gone >&2; ${GOOD[2]}; echo more >&2; exit 0`],
    })
    await running.seen(/gone/)
    running.child.stderr?.destroy()
    running.child.kill('SIGTERM')
    assert.equal((await once(running.child, 'exit'))[0], 0)
  })

  test('passes SIGQUIT on to Java', POSIX, async (t) => {
    const running = launch(t, { command: GOOD })
    await running.seen(/000000000001: consumer \d+ started/)
    running.child.kill('SIGQUIT')
    await running.seen(/Full thread dump/)
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
  })

  test('hands a command with spaces and quotes to the consumer as it is', POSIX, async (t) => {
    const odd = [`it's "quoted" $HOME`, 'a  b', '', '*']
    const script = `console.error(JSON.stringify(process.argv.slice(1))); require('net').Socket({fd:3}).resume()`
    const running = launch(t, { command: [process.execPath, '-e', script, ...odd] })
    const [, words] = await running.seen(/ \| (\[.*\])$/m)
    assert.deepEqual(JSON.parse(words ?? ''), odd)
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
  })

  test('gives the daemon its proxy, and the consumers their own environment back', POSIX, async (t) => {
    const env = { HTTPS_PROXY: 'http://secure:1', NO_PROXY: 'x.example', HTTP_PROXY: 'http://plain:2' }
    const running = launch(t, {
      command: [
        '/bin/sh',
        '-c',
        `echo "mine $HTTP_PROXY $NO_PROXY \${KCL_SESSION_COMMAND-unset}" >&2; cat >/dev/null`,
      ],
      env,
    })
    await running.seen(/proxy http:\/\/secure:1$/m)
    await running.seen(/ \| mine http:\/\/plain:2 x\.example unset$/m)
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
  })

  test('refuses a start on another stream under the same application', {
    skip: process.platform !== 'linux' && 'only Linux can tell',
  }, async (t) => {
    const flags = [`--application-name=shared-${process.pid}`]
    const first = launch(t, { command: GOOD, flags })
    await first.seen(/consumer \d+ started/)
    const second = await launch(t, { command: GOOD, flags: [...flags, '--stream-name=other'] }).ended
    assert.equal(second.code, 2)
    assert.match(second.stderr, /reads the stream words on this machine now/)
    first.child.kill('SIGTERM')
    await first.ended
  })

  test('refuses a second start with the same explicit name', {
    skip: process.platform !== 'linux' && 'only Linux can tell',
  }, async (t) => {
    const name = `worker-${process.pid}`
    const first = launch(t, { command: GOOD, flags: [`--worker-identifier=${name}`] })
    await first.seen(/consumer \d+ started/)
    const second = await launch(t, { command: GOOD, flags: [`--worker-identifier=${name}`] }).ended
    assert.equal(second.code, 2)
    assert.match(second.stderr, /would fight over every lease/)
    first.child.kill('SIGTERM')
    await first.ended
  })

  test(
    'prints one JSON object per event with --json, and consumers’ own objects as they are',
    POSIX,
    async (t) => {
      const running = launch(t, {
        command: ['/bin/sh', '-c', `echo '{"mine":1}' >&2; echo text >&2; cat >/dev/null`],
        flags: ['--json'],
      })
      await running.seen(/"mine":1.*"mine":1/s)
      await running.seen(/"text".*"text"/s)
      running.child.kill('SIGTERM')
      const { stderr } = await running.ended
      const objects = stderr
        .trim()
        .split('\n')
        .map(
          (line) =>
            JSON.parse(line) as {
              mine?: number
              message?: string
              source?: string
              shardId?: string
              event?: keyof typeof RUN_EVENTS
            },
        )
      const events = objects.filter(({ event }) => event !== undefined)
      for (const { event = 'http', ...line } of events) {
        const fields = Object.keys(line).filter(
          (name) => !['time', 'level', 'source', 'message'].includes(name),
        )
        assert.deepEqual(fields.sort(), Object.keys(RUN_EVENTS[event].fields).sort(), event)
      }
      for (const name of ['starting', 'started', 'state', 'stopping', 'ended', 'stopped'])
        assert.ok(
          events.some(({ event }) => event === name),
          name,
        )
      for (const line of objects.filter(({ event, mine }) => event === undefined && mine === undefined))
        assert.deepEqual(
          Object.keys(line).filter((name) => !(name in RUN_LINE)),
          [],
        )
      assert.ok(objects.some(({ mine }) => mine === 1))
      assert.ok(
        objects.some(
          ({ message, source, shardId }) => message === 'text' && source === 'consumer' && shardId,
        ),
      )
    },
  )

  test(
    'prints how the daemon would be started with --dry-run, masked, and starts nothing',
    POSIX,
    async (t) => {
      const flags = [
        '--dry-run',
        '--aws-credentials-provider=com.example.Mine|HIDE',
        '--java-opt=-Dpassword=HIDE',
      ]
      const { code, stdout, stderr } = await launch(t, { command: GOOD, flags }).ended
      assert.equal(code, 0)
      assert.match(
        stdout,
        /-cp \S*'?.*amazon-kinesis-client-multilang-9\.jar.* software\.amazon\.kinesis\S+MultiLangDaemon/,
      )
      assert.match(stdout, /^ {2}streamName=words$/m)
      assert.doesNotMatch(stdout + stderr, /HIDE|worker \S+ grace/)
    },
  )

  test('says nothing but what goes wrong with --quiet, and in JSON even a mistake', POSIX, async (t) => {
    const running = launch(t, {
      command: ['/bin/sh', '-c', 'echo mine >&2; cat >/dev/null'],
      flags: ['--quiet'],
    })
    await running.seen(/mine.*mine/s)
    running.child.kill('SIGTERM')
    assert.doesNotMatch((await running.ended).stderr, / INFO /)
    const wrong = await launch(t, { command: GOOD, flags: ['--json', '--classpath=/no/such'] }).ended
    assert.equal(wrong.code, 2)
    const last = JSON.parse(wrong.stderr.trim().split('\n').at(-1) ?? '') as { message: string }
    assert.equal(last.message, '--classpath: there is no /no/such.')
  })

  test('stops a worker with a shard that is stuck, with --on-stuck=exit', POSIX, async (t) => {
    const { code, stderr } = await launch(t, {
      command: [process.execPath, HANGS],
      flags: ['--stuck-after=1s', '--on-stuck=exit', '--stop-timeout=2s'],
    }).ended
    assert.equal(code, 1)
    assert.match(stderr, /No progress: shardId-00000000000\d.* \(--stuck-after, --on-stuck=exit\)/)
    await gone(alive(stderr))
  })

  test('starts a process for each shard where one cannot serve all, and says once why', POSIX, async (t) => {
    const running = launch(t, { command: GOOD, flags: ['--shared'] })
    await running.seen(/000000000001: consumer \d+ started/)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0)
    assert.equal(
      stderr.match(/in spite of --shared: the command is \/bin\/sh, and not node itself/g)?.length,
      1,
    )
    const stdio = await launch(t, { command: GOOD, flags: ['--shared', '--protocol=stdio'] }).ended
    assert.equal(stdio.code, 2)
    assert.match(stdio.stderr, /--shared and --protocol=stdio exclude each other/)
  })

  test('says nothing below an error with --log-level=error', POSIX, async (t) => {
    const running = launch(t, {
      command: ['/bin/sh', '-c', 'echo mine >&2; cat >/dev/null'],
      flags: ['--log-level=error'],
    })
    await running.seen(/mine.*mine/s)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0)
    assert.doesNotMatch(stderr, / (INFO|WARN) /)
  })

  test('refuses what cannot work before anything starts', POSIX, async (t) => {
    const missing = await launch(t, { command: ['/no/such/program'] }).ended
    assert.deepEqual([missing.code, missing.stderr.includes('there is no /no/such/program')], [2, true])
    const misspelt = await launch(t, { command: GOOD, flags: ['--steam-name=x'] }).ended
    assert.deepEqual([misspelt.code, misspelt.stderr.includes('Did you mean --stream-name?')], [2, true])
  })
})
