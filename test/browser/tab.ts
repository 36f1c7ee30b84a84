import { writeFileSync } from 'node:fs'
import type { DevTools, Told } from './devtools.ts'

/** How long a page may take to show what a test waits for: no busy machine decides a test. */
const untilMsMax = 60_000

/** One tab, with all that its page complained of. */
export class Tab {
  /** Errors of the console, uncaught ones, violations of the policy; requests that failed are in `failures`. */
  readonly complaints: string[] = []
  readonly failures: string[] = []
  readonly #devTools: DevTools
  readonly #session: string

  private constructor(devTools: DevTools, session: string) {
    this.#devTools = devTools
    this.#session = session
    devTools.onEvent((told) => {
      if (told.session === session) this.#heard(told)
    })
  }

  static async open(
    devTools: DevTools,
    size: { readonly width: number; readonly height: number },
  ): Promise<Tab> {
    const { targetId } = await devTools.send('Target.createTarget', { url: 'about:blank' })
    const attached = await devTools.send('Target.attachToTarget', { targetId, flatten: true })
    const tab = new Tab(devTools, String(attached['sessionId']))
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await tab.#send(`${domain}.enable`)
    await tab.resize(size)
    return tab
  }

  async resize(size: { readonly width: number; readonly height: number }): Promise<void> {
    await this.#send('Emulation.setDeviceMetricsOverride', {
      ...size,
      deviceScaleFactor: 1,
      mobile: false,
    })
  }

  async prefer(scheme: 'light' | 'dark'): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await this.#send('Emulation.setEmulatedMedia', { features })
  }

  /** Runs a script in each page to come, before its own; no policy of the page applies to it. */
  async beforePages(source: string): Promise<void> {
    await this.#send('Page.addScriptToEvaluateOnNewDocument', { source })
  }

  async goTo(url: string): Promise<void> {
    const { errorText } = await this.#send('Page.navigate', { url })
    if (errorText !== undefined) throw new Error(`Cannot open ${url}: ${JSON.stringify(errorText)}`)
  }

  /** What an expression is on the page, as JSON has it. */
  async value(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails !== undefined) {
      throw new Error(`Cannot evaluate ${expression}: ${JSON.stringify(exceptionDetails)}`)
    }
    return fieldOf(result, 'value')
  }

  /** The text that is seen of the first element that matches. */
  async text(selector: string): Promise<string> {
    return String(await this.value(`document.querySelector(${JSON.stringify(selector)}).innerText`))
  }

  /** Resolves once the expression holds on the page; rejects with the page’s text where it does not in 60 s. */
  async until(expression: string): Promise<void> {
    const held = await this.value(`new Promise((resolve) => {
      const untilMs = performance.now() + ${untilMsMax}
      const look = () => {
        if (${expression}) resolve(true)
        else if (performance.now() > untilMs) resolve(false)
        else setTimeout(look, 25)
      }
      look()
    })`)
    if (held === true) return
    throw new Error(`Never held: ${expression}\n${await this.text('body')}`)
  }

  async press(key: 'Tab' | 'Enter'): Promise<void> {
    const text = key === 'Enter' ? { text: '\r' } : {}
    const code = { key, code: key, windowsVirtualKeyCode: key === 'Enter' ? 13 : 9, ...text }
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...code })
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...code })
  }

  /** The whole page as a PNG. */
  async picture(path: string): Promise<void> {
    const { data } = await this.#send('Page.captureScreenshot', { captureBeyondViewport: true })
    writeFileSync(path, Buffer.from(String(data), 'base64'))
  }

  #send(method: string, params: Readonly<Record<string, unknown>> = {}) {
    return this.#devTools.send(method, params, this.#session)
  }

  #heard({ method, params }: Told): void {
    if (method === 'Runtime.exceptionThrown') {
      this.complaints.push(JSON.stringify(params['exceptionDetails']))
    }
    if (method === 'Runtime.consoleAPICalled' && params['type'] === 'error') {
      this.complaints.push(JSON.stringify(params['args']))
    }
    if (method === 'Network.loadingFailed') this.failures.push(JSON.stringify(params))
    if (method !== 'Log.entryAdded') return
    const entry = params['entry']
    const isRequest = fieldOf(entry, 'source') === 'network'
    if (fieldOf(entry, 'level') === 'error' && !isRequest) {
      this.complaints.push(JSON.stringify(entry))
    }
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}
