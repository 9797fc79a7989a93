// Exactly once, with a database: the records of a batch and the position behind them are written in one transaction. What
// comes again after a crash lies at or before the position of its shard, and is passed over. Needs Node 22.13 or newer.
import { DatabaseSync } from 'node:sqlite'
import { KclSession, type Position } from 'kcl-session'

const database = new DatabaseSync(process.env.DATABASE ?? 'earthquakes.sqlite')
// The processes of other shards write to the same file: wait for them.
database.exec('PRAGMA busy_timeout = 30000')
database.exec('PRAGMA journal_mode = WAL')
database.exec('CREATE TABLE IF NOT EXISTS earthquake (id TEXT, shard TEXT, data TEXT)')
database.exec('CREATE TABLE IF NOT EXISTS position (shard TEXT PRIMARY KEY, sequence TEXT, sub INTEGER)')
const insert = database.prepare('INSERT INTO earthquake VALUES (?, ?, ?)')
const find = database.prepare('SELECT sequence, sub FROM position WHERE shard = ?')
const move = database.prepare('INSERT OR REPLACE INTO position VALUES (?, ?, ?)')

const session = new KclSession()
for await (const { shardId, records } of session.batches()) {
  database.exec('BEGIN IMMEDIATE')
  try {
    const done = find.get(shardId) as { sequence: string; sub: number } | undefined
    const fresh = records.filter((record) => done === undefined || isBehind(record, done))
    for (const record of fresh) insert.run(record.json<{ id: string }>().id, shardId, record.text())
    const last = fresh.at(-1)
    if (last !== undefined) move.run(shardId, last.sequenceNumber, last.subSequenceNumber)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
database.close()

// Sequence numbers have more digits than a number holds.
function isBehind(record: Position, { sequence, sub }: { sequence: string; sub: number }): boolean {
  const [a, b] = [BigInt(record.sequenceNumber), BigInt(sequence)]
  return a > b || (a === b && record.subSequenceNumber > sub)
}
