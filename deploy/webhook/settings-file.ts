import { parse } from 'yaml'
import { readSettings } from '#deploy/inject/read-settings.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { readVersion } from '#shared/config/read.ts'
import type { Log } from '#shared/telemetry/access-log.ts'

export interface SettingsFileParts {
  readonly file: string
  readonly clock: Pick<Clock, 'after'>
  readonly log: Pick<Log, 'info' | 'error'>
}

/** A mounted ConfigMap is 60 to 90 s late anyway. */
const pollMs = 10_000

/** Follows the file that says how pods are injected; what is bad leaves the last good one. */
export class SettingsFile {
  readonly #parts: SettingsFileParts
  #text: string | undefined
  #settings: InjectSettings | undefined
  /** Of the API server; older ones than can be served are told apart by it. */
  #kubernetesVersion: string | undefined
  #undo: Undo = () => {}

  constructor(parts: SettingsFileParts) {
    this.#parts = parts
    this.#read()
    this.#later()
  }

  /** Undefined before the first good file. */
  get current(): InjectSettings | undefined {
    const version = this.#kubernetesVersion
    if (this.#settings === undefined || version === undefined) return this.#settings
    return { ...this.#settings, kubernetesVersion: version }
  }

  /** Notes what the API server calls itself: `v1.36.3`. */
  serverIs(kubernetesVersion: string): void {
    this.#kubernetesVersion = kubernetesVersion
  }

  close(): void {
    this.#undo()
  }

  #later(): void {
    this.#undo = this.#parts.clock.after(pollMs, () => {
      this.#later()
      this.#read()
    })
  }

  #read(): void {
    const { file, log } = this.#parts
    const reading = readVersion(file)
    const text = reading.ok ? reading.text : ''
    if (text === this.#text) return
    this.#text = text
    const taken = reading.ok ? settingsIn(text) : { ok: false as const, problems: [reading.reason] }
    if (taken.ok) {
      this.#settings = taken.settings
      log.info({ file, image: taken.settings.image }, 'injection settings taken')
    } else {
      const stays = this.#settings === undefined ? 'nothing is injected' : 'the last good ones stay'
      log.error({ file, problems: taken.problems }, `injection settings refused, ${stays}`)
    }
  }
}

function settingsIn(text: string): ReturnType<typeof readSettings> {
  try {
    return readSettings(parse(text))
  } catch {
    // What the parser says of it may be pages long.
    return { ok: false, problems: ['it is not YAML'] }
  }
}
