import { type DestinationStream, destination as fileDestination, type Logger, pino } from 'pino'
import type { Clock } from '#shared/call/clock.ts'
import { type AccessLine, accessJson, logCharsMax, type ProcessName } from './access-line.ts'

export type { AccessLine, Outcome } from './access-line.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Facts of a log line: numbers, words and flags, never headers, bodies or secrets. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[]>
>

/** The log of one process: JSON lines with `level`, `time` (ms since 1970), `half` and `msg`. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** One line about one call, of level info. */
  accessLine(line: AccessLine): void
  /** Lines below `level` are dropped from here on. */
  setLevel(level: LogLevel): void
  /** Writes out what is buffered before it returns; the end of a process calls it. */
  flush(): void
}

/** Where lines go, each with its line feed. */
export interface LogSink {
  write(line: string): void
}

export interface LogOptions {
  readonly level: LogLevel
  readonly half: ProcessName
  readonly clock: Pick<Clock, 'wall'>
  /** Standard output where absent, buffered. */
  readonly destination?: LogSink
}

/** Bytes gathered before a write: one system call serves about thirty lines (pino writes 16 KiB at most). */
const bufferBytes = 15 * 1_024
/** A line waits no longer than this, in milliseconds; the timer does not hold the process. */
const flushMs = 200
/** Beyond this backlog, in bytes, lines are dropped: a stuck reader must not fill the memory. */
const backlogBytesMax = 16 * 2 ** 20
/** Longest message, in characters. */
const messageCharsMax = 1_024

/** Makes the log of one process. Its owner flushes it before the process exits. */
export function createLog({ level, half, clock, destination }: LogOptions): Log {
  const output = destination === undefined ? standardOutput() : { stream: destination, flush() {} }
  const logger = pinoLogger({ level, half, clock }, output.stream)
  let accessed = logger.isLevelEnabled('info')
  const lines = new Lines(half, output.stream)
  const write =
    (at: 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields, message: string) => {
      // An absent level must not pay for the copy of its fields.
      if (!logger.isLevelEnabled(at)) return
      lines.write()
      logger[at](shortened(fields), message.slice(0, messageCharsMax))
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    accessLine(line) {
      if (accessed) lines.add(clock.wall(), line)
    },
    setLevel(to) {
      logger.level = to
      accessed = logger.isLevelEnabled('info')
    },
    flush() {
      lines.write()
      output.flush()
    },
  }
}

/** Lines of calls that are turned into text together: one after the other that costs a third. */
const linesMax = 32
/** A line waits no longer than this for others, in milliseconds. */
const linesMs = 50

/** Access lines that are not text yet. */
class Lines {
  readonly #half: LogOptions['half']
  readonly #sink: LogSink
  #waiting: [wallMs: number, line: AccessLine][] = []
  #timer: NodeJS.Timeout | undefined

  constructor(half: LogOptions['half'], sink: LogSink) {
    this.#half = half
    this.#sink = sink
  }

  add(wallMs: number, line: AccessLine): void {
    this.#waiting.push([wallMs, line])
    if (this.#waiting.length >= linesMax) this.write()
    else this.#timer ??= setTimeout(() => this.write(), linesMs).unref()
  }

  write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const [time, line] of waiting) {
      this.#sink.write(accessJson({ level: 'info', time, half: this.#half, msg: 'call' }, line))
    }
  }
}

function pinoLogger({ level, half, clock }: LogOptions, stream: DestinationStream): Logger {
  return pino(
    {
      level,
      // Without `base` pino adds the process id and the host name, which the pod's labels say.
      base: { half },
      messageKey: 'msg',
      timestamp: () => `,"time":${clock.wall()}`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
}

function standardOutput() {
  const stream = fileDestination({
    dest: 1,
    sync: false,
    minLength: bufferBytes,
    maxLength: backlogBytesMax,
    periodicFlush: flushMs,
  })
  return { stream, flush: () => stream.flushSync() }
}

function shortened(fields: LogFields): LogFields {
  const short: Record<string, LogFields[string]> = {}
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'string') short[key] = value.slice(0, logCharsMax)
    else if (Array.isArray(value)) short[key] = value.map((item) => item.slice(0, logCharsMax))
    else short[key] = value
  }
  return short
}
