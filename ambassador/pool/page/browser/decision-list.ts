import type { HoldReason, Obstacle } from '../../decisions/decision-view.ts'
import type { PageCandidate, PageData, PageDecision } from '../page-data.ts'
import type { PageNode } from './dom.ts'
import { find, make, type Row, rowsIn, say, wear } from './elements.ts'
import { age, count, duration, place } from './words.ts'

// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.

type Terms = PageData['terms']

/** Draws the last decisions, newest first. One that a reader has opened stays open. */
export function decisionList(): (data: PageData) => void {
  let terms: Terms = []
  const draw = rowsIn<PageDecision>(find('decisions'), {
    keyOf: ({ id, at, heldMs, replica }) => `${id} ${at} ${heldMs} ${replica}`,
    makeRow: () => decisionRow(() => terms),
  })
  return (data) => {
    terms = data.terms
    draw(data.decisions)
    find('undecided').hidden = data.decisions.length > 0
  }
}

export function decisionRow(termsOf: () => Terms): Row<PageDecision> {
  const node = make('li')
  const details = make('details')
  const summary = make('summary')
  const names = ['when', 'who', 'prompt', 'where', 'held', 'came']
  const parts = names.map((name) => make('span', name))
  const body = make('div', 'why')
  const held = make('p')
  const scroll = make('div', 'scroll')
  summary.append(...parts)
  const link = make('a', '', 'all that is known of this call')
  body.append(held, scroll, link)
  details.append(summary, body)
  node.append(details)
  let isDrawn = false
  let latest: PageDecision | undefined
  details.addEventListener('toggle', explain)
  return {
    node,
    fill(decision) {
      latest = decision
      const texts = summaryOf(decision)
      parts.forEach((part, at) => say(part, texts[at] ?? ''))
      const { heldFor, end } = decision
      const isWell = end === undefined || end.outcome === 'ok'
      wear(node, `${heldFor === 'none' ? '' : 'was-held'} ${isWell ? '' : 'went-wrong'}`)
    },
  }
  /** When it is opened, once: what a decision was made of never changes. */
  function explain(): void {
    if (isDrawn || latest === undefined || details.open !== true) return
    isDrawn = true
    say(held, sentenceOf(latest))
    scroll.append(costTable(latest, termsOf()))
    link.setAttribute('href', `/explain?call=${encodeURIComponent(latest.id)}`)
  }
}

/** When, whose, how large, where to, how long held, what came of it. */
export function summaryOf(decision: PageDecision): string[] {
  const { promptTokens, cachedTokens, heldMs, heldFor, end } = decision
  const held = heldFor === 'none' ? 'at once' : `held ${duration(heldMs)}`
  const first = end?.ttftMs === undefined ? '' : `first token ${duration(end.ttftMs)}`
  const came =
    end === undefined ? 'running' : end.outcome === 'ok' ? first || 'answered' : end.outcome
  return [
    `${age(decision.ageMs)}${decision.ageMs < 1_000 ? '' : ' ago'}`,
    `${decision.tenant} · ${decision.class}`,
    `${count(promptTokens)} tokens, ${count(cachedTokens)} cached`,
    place(decision.replica),
    held,
    came,
  ]
}

/** Why it is where it is, in words. */
export function sentenceOf(decision: PageDecision): string {
  const { heldFor, heldMs, total, runnerUp, candidates } = decision
  const reasons: Readonly<Record<HoldReason, string>> = {
    none: 'Bound at once',
    room: `Held ${duration(heldMs)}: its best replica had no room`,
    kept: `Held ${duration(heldMs)}: those with room were kept for larger calls`,
    turn: `Held ${duration(heldMs)}: there was room, but others came first`,
  }
  const next =
    runnerUp === undefined
      ? ''
      : `; next best would have been ${place(runnerUp.replica)} at ${duration(runnerUp.total)}`
  const cost = total === undefined ? `by ${decision.policy}` : `at a cost of ${duration(total)}`
  const of = candidates === 1 ? 'the only replica' : `${candidates} replicas`
  return `${reasons[heldFor]}. Chosen of ${of} ${cost}${next}. Call ${decision.id}, model ${decision.model}, known: ${decision.tier}.`
}

/** Every candidate with every term. */
export function costTable({ costs, replica, runnerUp }: PageDecision, terms: Terms): PageNode {
  const table = make('table', 'costs')
  const head = make('tr')
  const title = (text: string, className = '') => {
    const cell = make('th', className, text)
    cell.setAttribute('scope', 'col')
    head.append(cell)
  }
  title('replica')
  title('cost')
  terms.forEach(({ words }, at) => title(words, `number key-${at}`))
  title('cached', 'number')
  title('could take it')
  const thead = make('thead')
  thead.append(head)
  const body = make('tbody')
  const most = Math.max(1, ...costs.map(({ total }) => total ?? 0))
  for (const cost of costs) {
    const row = costRow(cost, terms, most)
    const isNext = cost.replica === runnerUp?.replica
    wear(row, cost.replica === replica ? 'chosen' : isNext ? 'next' : '')
    body.append(row)
  }
  table.append(thead, body)
  return table
}

export function costRow(cost: PageCandidate, terms: Terms, most: number): PageNode {
  const row = make('tr')
  const name = make('th', 'mono', place(cost.replica))
  name.setAttribute('scope', 'row')
  const total = make('td', 'wide')
  total.append(make('span', 'figure', duration(cost.total)))
  const stack = make('span', 'stack')
  stack.setAttribute('aria-hidden', 'true')
  const values = new Map(Object.entries(cost.terms ?? {}))
  const cells = terms.map((term, at) => {
    const value = values.get(term.name)
    const part = make('span', `term-${at}`)
    part.style.setProperty('inline-size', `${((100 * (value ?? 0)) / most).toFixed(2)}%`)
    stack.append(part)
    const cell = make('td', 'number', value === undefined ? '–' : duration(value))
    if (value === 0) cell.className = 'number soft'
    return cell
  })
  total.append(stack)
  const obstacle: Readonly<Record<Obstacle, string>> = {
    none: 'yes',
    kv: 'no: KV cache full',
    queue: 'no: prompts wait there',
    sequences: 'no: runs all it may',
    adapters: 'no: its adapters all have calls',
    kept: 'no: kept for another call',
  }
  row.append(name, total, ...cells)
  row.append(make('td', 'number', count(cost.cachedTokens)), make('td', '', obstacle[cost.why]))
  return row
}
