import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { factsVariable, type SuiteFacts } from './cluster.ts'
import type { ControlPlane } from './control-plane/plane.ts'
import { serveSwitches } from './switchboard.ts'
import { endWithOutside } from './tied-process.ts'

/** What a suite's own process knows of its cluster, besides what the control plane does. */
export type SuiteKind = Pick<SuiteFacts, 'signingKind' | 'emulatedVersion'>

/** The test files of a folder, run by a process that owns the control plane they share. */
export class Suite {
  readonly #folder: string
  readonly #files: readonly string[]

  /** Those files of the folder, all where none is named. */
  constructor(folder: string, files: readonly string[]) {
    this.#folder = folder
    this.#files = files
  }

  say(text: string): void {
    process.stderr.write(`test/${basename(this.#folder)}: ${text}\n`)
  }

  /** Loud, and no failure: the machine lacks something that the product does not need. */
  skip(reason: string): number {
    this.say(`SKIPPED, not one test was run: ${reason}`)
    return 0
  }

  /** Bounds this process, which is the one inside. */
  bound(limitMs: number): void {
    endWithOutside()
    setTimeout(() => {
      this.say(`Cannot finish: it runs for ${limitMs} ms`)
      process.exit(1)
    }, limitMs).unref()
  }

  /** Runs the files one at a time, since they switch components that all of them use; the exit code. */
  async run(plane: ControlPlane, kind: SuiteKind): Promise<number> {
    const socket = join(plane.directory, 'switches.sock')
    const server = await serveSwitches(plane, socket)
    const { server: address, ca, token } = plane.api
    const components = [...plane.components.keys()]
    const facts: SuiteFacts = { server: address, ca, token, socket, components, ...kind }
    const factsFile = join(plane.directory, 'facts.json')
    await writeFile(factsFile, JSON.stringify(facts))
    const reporter = ['--test-reporter=spec', '--test-reporter-destination=stdout']
    const flags = ['--test', '--test-concurrency=1', '--test-timeout=180000', ...reporter]
    const child = spawn(process.execPath, [...flags, ...this.#paths()], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, [factsVariable]: factsFile },
    })
    await once(child, 'exit')
    server.close()
    return child.exitCode ?? 1
  }

  /** Keeps the components' logs, and those of `more`, for whoever looks into a failure. */
  async keepLogs(plane: ControlPlane, more: readonly string[] = []): Promise<void> {
    const name = `${basename(this.#folder)}-logs`
    const directory = join(homedir(), '.cache', 'outrigger', name)
    await mkdir(directory, { recursive: true })
    const logs = [...plane.components.keys()].map((name) => join(plane.directory, `${name}.log`))
    for (const log of [...logs, ...more]) {
      // One that was not started has none.
      await copyFile(log, join(directory, basename(log))).catch(() => undefined)
    }
    this.say(`what the components said is in ${directory}`)
  }

  #paths(): string[] {
    if (this.#files.length > 0) return this.#files.map((file) => resolve(file))
    const found = globSync('**/*.test.ts', { cwd: this.#folder })
    return found.toSorted().map((file) => join(this.#folder, file))
  }
}
