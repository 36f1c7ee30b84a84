import { readCommandLine } from './command-line.ts'
import { startReplica } from './server.ts'

const { options, drainMs } = readCommandLine(process.argv.slice(2))
const replica = await startReplica({
  ...options,
  // A process is not asked for its calls, and bodies would fill its memory.
  callsKept: 0,
  kill: () => process.kill(process.pid, 'SIGKILL'),
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    const drained = drainMs === 0 ? Promise.resolve() : replica.drain(drainMs)
    void drained.then(() => replica.close()).then(() => process.exit(0))
  })
}
process.stdout.write(`${JSON.stringify({ ready: true, port: replica.port })}\n`)
