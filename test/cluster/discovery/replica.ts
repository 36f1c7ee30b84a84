import { createServer } from 'node:http'
import { connect, createServer as createRelay } from 'node:net'
import { startReplica } from '#deploy/simulator/server.ts'

/**
 * A simulated model server as a pod has it: on port 8000 of all addresses, 20 ms a token. Told to
 * end, it goes on for six seconds, as with a preStop that sleeps, and then until it is idle. Port 8001
 * tells how many calls it has had.
 */
const replica = await startReplica({
  model: 'tiny',
  prefillMs: 0,
  prefillTokenMs: 0,
  tokenMs: 20,
})
const leaveMs = 6_000

createRelay((socket) => {
  const inner = connect(replica.port, '127.0.0.1')
  socket.pipe(inner).pipe(socket)
  socket.on('error', () => inner.destroy())
  inner.on('error', () => socket.destroy())
}).listen(8_000)

createServer((_, response) => response.end(String(replica.calls().length))).listen(8_001)

process.on('SIGTERM', () => {
  setTimeout(() => void replica.whenIdle().then(() => process.exit(0)), leaveMs)
})
