import { readSettings } from '#deploy/inject/read-settings.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { FollowedFile, type Made } from '#shared/config/followed-file.ts'
import { poll } from '#shared/config/poll.ts'
import type { Log } from '#shared/telemetry/access-log.ts'

export interface SettingsFileParts {
  readonly file: string
  readonly clock: Pick<Clock, 'after'>
  readonly log: Pick<Log, 'info' | 'error'>
}

/** Follows the file that says how pods are injected; what is bad leaves the last good one. */
export class SettingsFile {
  readonly #parts: SettingsFileParts
  readonly #file: FollowedFile<InjectSettings>
  readonly #undo: Undo
  /** Of the API server; older ones than can be served are told apart by it. */
  #kubernetesVersion: string | undefined

  constructor(parts: SettingsFileParts) {
    this.#parts = parts
    this.#file = new FollowedFile([parts.file], settingsOf)
    this.#look()
    this.#undo = poll(parts.clock, () => this.#look())
  }

  /** Undefined before the first good file. */
  get current(): InjectSettings | undefined {
    const settings = this.#file.value
    const version = this.#kubernetesVersion
    if (settings === undefined || version === undefined) return settings
    return { ...settings, kubernetesVersion: version }
  }

  /** Notes what the API server calls itself: `v1.36.3`. */
  serverIs(kubernetesVersion: string): void {
    this.#kubernetesVersion = kubernetesVersion
  }

  close(): void {
    this.#undo()
  }

  #look(): void {
    const { file, log } = this.#parts
    const found = this.#file.look()
    const { value, trouble } = this.#file
    if (found === 'taken') log.info({ file, image: value?.image }, 'injection settings taken')
    if (found !== 'refused') return
    const stays = value === undefined ? 'nothing is injected' : 'the last good ones stay'
    log.error({ file, reason: trouble }, `injection settings refused, ${stays}`)
  }
}

function settingsOf([text = '']: readonly string[]): Made<InjectSettings> {
  const taken = readSettings(text)
  if (taken.ok) return { ok: true, value: taken.settings }
  return { ok: false, reason: taken.problems.join('; ') }
}
