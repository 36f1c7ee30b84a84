import type { PageData } from '../page-data.ts'
import { decisionList } from './decision-list.ts'
import type { PageDocument } from './dom.ts'
import { find, say, wear } from './elements.ts'
import { queueTables } from './queues.ts'
import { replicaTable } from './replica-table.ts'
import { summary } from './summary.ts'
import { tenantTimes } from './tenant-times.ts'
import { age } from './words.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.
declare const document: PageDocument

/** Asks once a second, one question at a time, and not while nobody looks. */
export function live(): void {
  const everyMs = 1_000
  const answerMsMax = 4_000
  const drawings = [summary(), queueTables(), tenantTimes(), decisionList()]
  const drawReplicas = replicaTable()
  let answeredMs = performance.now()
  let isLost = false
  let isAsking = false
  let next: ReturnType<typeof setTimeout> | undefined

  const ask = async (): Promise<PageData> => {
    const signal = AbortSignal.timeout(answerMsMax)
    const response = await fetch('/pool.json', { signal, cache: 'no-store' })
    if (!response.ok) throw new Error(`Cannot read the pool: status ${response.status}`)
    return JSON.parse(await response.text())
  }
  const turn = async () => {
    if (isAsking || document.hidden) return
    isAsking = true
    try {
      const data = await ask()
      answeredMs = performance.now()
      draw(data)
    } catch (error) {
      // Whatever kept the answer away: the page says since when, and asks again.
      lose(error)
    }
    isAsking = false
    next = setTimeout(() => void turn(), everyMs)
  }
  const draw = (data: PageData) => {
    const { provider, pool, isDraining, replicas } = data
    document.title = `${provider} · pool`
    say(find('provider'), provider)
    say(find('policy'), policyWords(data))
    for (const one of drawings) one(data)
    const changes = drawReplicas(data)
    find('none').hidden = replicas.length > 0
    if (isLost) say(find('told'), 'The ambassador answers again')
    else if (changes !== '') say(find('told'), changes)
    isLost = false
    wear(document.documentElement, '')
    wear(find('link'), isDraining ? 'link draining' : 'link up')
    say(find('link'), isDraining ? 'draining: it takes no new calls' : 'live')
    find('link').title = `blocks of ${pool.blockTokens} tokens`
  }
  const lose = (error: unknown) => {
    const silentMs = performance.now() - answeredMs
    if (!isLost) say(find('told'), 'The ambassador does not answer')
    isLost = true
    wear(document.documentElement, 'lost')
    wear(find('link'), 'link down')
    say(find('link'), `no answer for ${age(silentMs + 500)}`)
    find('link').title = error instanceof Error ? error.message : ''
  }
  document.addEventListener('visibilitychange', () => {
    clearTimeout(next)
    void turn()
  })
  void turn()
}

/** `fair · tokens of prompts: local, exact`. */
export function policyWords({ pool }: PageData): string {
  const { tokens } = pool
  const problem = tokens.problem === undefined ? '' : ` · ${tokens.problem}`
  return `policy ${pool.policy}${problem}`
}
