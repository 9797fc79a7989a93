// A service with a server of its own: it tells what this process has counted, and closes when the shard is done.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KclSession } from 'kcl-session'

let strong = 0
const server = createServer((_request, response) => response.end(`${strong}\n`))
// Any free port: each shard has a process, and they share the machine.
await once(server.listen(0, '127.0.0.1'), 'listening')
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

try {
  for await (const batch of new KclSession().batches()) {
    for await (const record of batch) {
      const { magnitude } = record.json<{ magnitude: number | null }>()
      if (magnitude !== null && magnitude >= 4.5) strong += 1
    }
  }
} finally {
  server.close()
  console.log(`closed, strong: ${strong}`)
}
