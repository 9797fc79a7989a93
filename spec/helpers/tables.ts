// DynamoDB as far as the KCL's tables need it: in memory, with the conditions that `reset` makes.

import { type AwsCall, AwsError } from '../../lib/aws/client.ts'
import type { Attribute, Item } from '../../lib/leases/lease-table.ts'

type Answer = Readonly<Record<string, unknown>>
type Row = Record<string, Attribute | undefined>

export class Tables {
  readonly rows: Map<string, Row[]> = new Map()
  /** Requests that changed something, in their order. */
  readonly writes: string[] = []
  /** How many rows an answer to a scan holds at most. */
  page = 2

  readonly call: AwsCall = async (action, request) => {
    const { TableName, ...rest } = request as { TableName: string }
    const rows = this.rows.get(TableName)
    if (rows === undefined) throw new AwsError('ResourceNotFoundException', 400, `no table ${TableName}`)
    if (action === 'Scan') return this.#scan(rows, rest)
    this.writes.push(action)
    if (action === 'DeleteItem') return this.#delete(rows, rest as DeleteRequest)
    if (action === 'PutItem') return this.#put(rows, rest as { Item: Row })
    throw new Error(`${action} is not known here`)
  }

  #scan(rows: readonly Row[], { ExclusiveStartKey: from = 0 }: { ExclusiveStartKey?: number }): Answer {
    const next = from + this.page
    const copies = rows.slice(from, next).map((row) => ({ ...row }))
    return { Items: copies, ...(next < rows.length ? { LastEvaluatedKey: next } : {}) }
  }

  #delete(rows: Row[], { Key, ExpressionAttributeValues: seen }: DeleteRequest): Answer {
    const at = rows.findIndex(({ leaseKey }) => leaseKey?.S === Key.leaseKey?.S)
    const row = rows[at]
    if (row?.leaseCounter?.N !== seen[':counter']?.N || row?.checkpoint?.S !== seen[':checkpoint']?.S)
      refuse()
    rows.splice(at, 1)
    return {}
  }

  #put(rows: Row[], { Item: item }: { Item: Row }): Answer {
    if (rows.some(({ leaseKey }) => leaseKey?.S === item.leaseKey?.S)) refuse()
    rows.push(item)
    return {}
  }
}

/** A lease as the KCL writes it. */
export function leaseRow(shard: string, parts: Readonly<Record<string, Attribute>> = {}): Row {
  return { leaseKey: { S: shard }, leaseCounter: { N: '5' }, checkpoint: { S: '49' }, ...parts }
}

interface DeleteRequest {
  readonly Key: Item
  readonly ExpressionAttributeValues: Readonly<Record<string, Attribute>>
}

function refuse(): never {
  throw new AwsError('ConditionalCheckFailedException', 400, 'the condition does not hold')
}
