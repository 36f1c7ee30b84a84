import type { Log } from './access-log.ts'

/** Frames that are logged: what is deeper is the runtime's. */
const framesMax = 12

/**
 * Logs an error that nobody foresaw: its class and the places it came through. Its message stays
 * out, since the engine quotes what it stumbled over, and that may be a prompt.
 */
export function logDefect(log: Log, thrown: unknown, call: string): void {
  const isError = thrown instanceof Error
  const frames = isError ? (thrown.stack ?? '').split('\n') : []
  log.error(
    {
      call,
      name: isError ? thrown.name : typeof thrown,
      frames: frames
        .filter((line) => /^ +at /.test(line))
        .map((line) => line.trim())
        .slice(0, framesMax),
    },
    'defect: please report it',
  )
}
