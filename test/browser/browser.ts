import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Unpacked } from './chromium.ts'
import { DevTools } from './devtools.ts'
import { Tab } from './tab.ts'

/** No window, no sandbox (root has none; it sees only this machine's pages), nothing of its own accord. */
const flags = [
  '--remote-debugging-port=0',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--force-color-profile=srgb',
]

/** A real browser, run from where it was unpacked, with a home that is gone with it. */
export class Browser {
  readonly #child: ChildProcess
  readonly #home: string
  readonly #devTools: DevTools

  private constructor(child: ChildProcess, home: string, devTools: DevTools) {
    this.#child = child
    this.#home = home
    this.#devTools = devTools
  }

  static async start({ program, libraries, fonts }: Unpacked): Promise<Browser> {
    const home = mkdtempSync(join(tmpdir(), 'outrigger-browser-'))
    const fontsFile = join(home, 'fonts.conf')
    writeFileSync(
      fontsFile,
      `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">` +
        `<fontconfig><dir>${fonts}</dir><cachedir>${home}/fonts</cachedir></fontconfig>`,
    )
    const child = spawn(program, [...flags, `--user-data-dir=${home}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin',
        HOME: home,
        LD_LIBRARY_PATH: libraries,
        FONTCONFIG_FILE: fontsFile,
      },
    })
    process.once('exit', () => child.kill('SIGKILL'))
    return new Browser(child, home, await DevTools.connect(await addressOf(child)))
  }

  /** A tab of that size in CSS pixels. */
  async open(size: { readonly width: number; readonly height: number }): Promise<Tab> {
    return Tab.open(this.#devTools, size)
  }

  async close(): Promise<void> {
    this.#devTools.close()
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Where it says that it listens. Rejects with its last words where it ends without saying so. */
async function addressOf(child: ChildProcess): Promise<string> {
  const { stderr } = child
  if (stderr === null) throw new Error('Cannot start the browser: it has no stderr')
  const words: string[] = []
  for await (const line of createInterface({ input: stderr })) {
    words.push(line)
    const address = /^DevTools listening on (ws:\S+)$/.exec(line)?.[1]
    if (address === undefined) continue
    stderr.resume()
    return address
  }
  throw new Error(`Cannot start the browser: ${words.slice(-3).join('; ')}`)
}
