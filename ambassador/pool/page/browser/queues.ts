import type { PageData, PageNotice } from '../page-data.ts'
import { barIn, find, make, type Row, rowsIn, say, wear } from './elements.ts'
import { count, many, place } from './words.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.

/** How many wait under one name. */
export interface Queue {
  readonly name: string
  readonly calls: number
  /** Undefined where only calls are counted. */
  readonly tokens: number | undefined
  /** Of all that wait. */
  readonly share: number
}

/** Draws who waits, by class and by tenant, and what servers hide. */
export function queueTables(): (data: PageData) => void {
  const parts = { keyOf: ({ name }: Queue) => name, makeRow: queueRow }
  const drawClasses = rowsIn<Queue>(find('classes'), parts)
  const drawTenants = rowsIn<Queue>(find('tenants'), parts)
  const drawNotices = rowsIn<PageNotice>(find('notices'), {
    keyOf: ({ sentence }) => sentence,
    makeRow: noticeRow,
  })
  return ({ waiting, notices }) => {
    const { calls, byClass, byTenant } = waiting
    const all = Math.max(1, calls)
    const classes = Object.entries(byClass).map(
      ([name, held]): Queue => ({ name, calls: held, tokens: undefined, share: held / all }),
    )
    drawClasses(classes)
    drawTenants(
      byTenant.map(({ tenant, ...held }) => ({ name: tenant, ...held, share: held.calls / all })),
    )
    find('nobody').hidden = calls > 0
    find('queues').hidden = calls === 0
    drawNotices(notices)
    find('notices-card').hidden = notices.length === 0
  }
}

export function queueRow(): Row<Queue> {
  const node = make('tr')
  const name = make('th', 'name')
  name.setAttribute('scope', 'row')
  const calls = make('td', 'wide')
  const tokens = make('td', 'number')
  node.append(name, calls, tokens)
  const bar = barIn(calls)
  return {
    node,
    fill(queue) {
      say(name, queue.name)
      bar(count(queue.calls), queue.share, 'calls')
      say(tokens, queue.tokens === undefined ? '' : count(queue.tokens))
    },
  }
}

export function noticeRow(): Row<PageNotice> {
  const node = make('li')
  const sentence = make('span')
  const whom = make('span', 'soft')
  node.append(sentence, whom)
  return {
    node,
    fill(notice) {
      wear(node, notice.code === 'unheard' ? 'bad' : '')
      say(sentence, `${notice.sentence.charAt(0).toUpperCase()}${notice.sentence.slice(1)}.`)
      const named = notice.replicas.slice(0, 4).map(place).join(', ')
      const rest = notice.replicas.length - 4
      say(whom, rest > 0 ? `${named} and ${many(rest, 'other')}` : named)
    },
  }
}
