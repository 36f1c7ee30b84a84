import type { Condition } from './condition.ts'
import { metricsText } from './metrics.ts'
import { modelsText } from './models.ts'
import type { ReplicaOptions } from './options.ts'
import { json, jsonPage, notFound, type Page, plain, wrongMethod } from './page.ts'
import type { TextEngine } from './text-engine.ts'

/** What the pages of a replica are written from. */
export interface PageParts {
  readonly engine: TextEngine
  readonly condition: Condition
  /** With the adapters of this moment. */
  readonly options: ReplicaOptions
  readonly createdS: number
  readonly newId: () => string
}

const pages: Readonly<Record<string, (parts: PageParts) => Page>> = {
  '/health': health,
  '/ping': health,
  '/load': ({ engine, options }) =>
    jsonPage(200, { server_load: options.serverLoad ? engine.live : 0 }),
  '/version': ({ options }) => jsonPage(200, { version: options.version }),
  '/v1/models': ({ options, newId }) => ({
    status: 200,
    body: modelsText(options, newId),
    headers: json,
  }),
  '/metrics': ({ engine, options, createdS, condition }) => {
    const isGarbled = condition.scrape === 'garbage'
    const body = isGarbled ? '<html>garbage</html>' : metricsText(engine, options, createdS)
    return { status: 200, body, headers: plain }
  },
}

function health({ condition }: PageParts): Page {
  return { status: condition.isHealthy ? 200 : 503, body: '', headers: {} }
}

/** The page at `path`, or vLLM's refusal of the path or the method. */
export function serverPage(path: string, method: string, parts: PageParts): Page {
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (page === undefined) return notFound
  return method === 'GET' || method === 'HEAD' ? page(parts) : wrongMethod('GET')
}
