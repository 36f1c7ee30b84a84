import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Loaded into a half before it starts, with the directory in the address: at SIGUSR2 it collects
 * garbage and writes to `PID.heap` there what is still used of the heap, in bytes.
 */
const directory = new URL(import.meta.url).searchParams.get('directory') ?? '.'

process.on('SIGUSR2', () => {
  globalThis.gc?.()
  writeFileSync(join(directory, `${process.pid}.heap`), `${process.memoryUsage().heapUsed}\n`)
})
