import { jsonPage, type Page } from './page.ts'
import type { TextEngine } from './text-engine.ts'

/** The endpoints a real server has only under `VLLM_SERVER_DEV_MODE=1`; null where `path` is none. */
export function devPage(url: string, method: string, engine: TextEngine): Page | null {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const page = devPages[`${method} ${pathname}`]
  return page === undefined ? null : jsonPage(200, page(engine, searchParams))
}

/** Paths among them that are posted. */
export const devPosts: ReadonlySet<string> = new Set([
  '/sleep',
  '/wake_up',
  '/pause',
  '/resume',
  '/reset_prefix_cache',
])

type Answer = (engine: TextEngine, query: URLSearchParams) => unknown

const devPages: Readonly<Record<string, Answer>> = {
  'POST /sleep': (engine, query) => {
    const level = query.get('level') === '2' ? 2 : 1
    engine.setRest(level === 2 ? 'discard_all' : 'weights_offloaded')
    return { status: 'sleeping', level }
  },
  'POST /wake_up': (engine) => {
    engine.setRest('awake')
    return { status: 'awake', tags: null }
  },
  'GET /is_sleeping': ({ rest }) => ({ is_sleeping: rest !== 'awake' && rest !== 'paused' }),
  'POST /pause': (engine) => {
    engine.setRest('paused')
    return { status: 'paused' }
  },
  'POST /resume': (engine) => {
    engine.setRest('awake')
    return { status: 'resumed' }
  },
  'GET /is_paused': ({ rest }) => ({ is_paused: rest === 'paused' }),
  'POST /reset_prefix_cache': (engine) => ({ success: engine.resetCache() }),
}
