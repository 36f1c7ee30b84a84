import type { Account } from '../account.ts'
import type { Encoder } from '../encoder.ts'
import { Outlet } from '../outlet.ts'
import type { Question } from '../question.ts'
import { busy } from '../refusal.ts'
import type { Ticket } from '../text-engine.ts'
import type { Bill } from './bill.ts'
import { type ProviderCall, vendorHeaders } from './provider-call.ts'
import type { ProviderFault } from './provider-fault.ts'

/** A call that was let in, and how it is answered. */
export interface Admitted {
  readonly call: ProviderCall
  readonly question: Question
  readonly encoder: Encoder
  readonly bill: Bill
  readonly fault: ProviderFault
  /** The limiter's, for the head. */
  readonly limitHeaders: readonly (readonly [string, string])[]
  /** What of its input is in the cache. */
  readonly cachedTokens: number
  /** Whether the request writes to the cache. */
  readonly writesCache: boolean
}

/** Answers with events, as they are generated. */
export function answerStream(admitted: Admitted): void {
  const { call, question, encoder, bill, fault } = admitted
  let ticket: Ticket | null = null
  const outlet = outletOf(admitted, () => ticket?.resume())
  outlet.beginStream(headersOf(admitted, 'text/event-stream; charset=utf-8'))
  let isFirst = true
  let count = 0
  const token = (text: string, finish: Question['finish'] | null, engineAccount: Account) => {
    const account = accountOf(admitted, engineAccount)
    if (isFirst) bill.wroteCache(account.createdTokens)
    const wasOpen = outlet.isOpen
    for (const event of encoder.piece({ text, isFirst, finish, account })) outlet.event(event)
    isFirst = false
    const isOut = wasOpen && (outlet.isOpen || fault.wire.cutAtBytes === undefined)
    bill.generated(account.completionTokens - count, isOut ? 'delivered' : 'held')
    count = account.completionTokens
    if (finish !== null) {
      if (isOut && question.usage !== 'none') bill.deliveredUsage(account)
      bill.end(outlet.isOpen ? 'finished' : 'broken-off')
      outlet.end()
    } else if (fault.errorAfterTokens !== null && count >= fault.errorAfterTokens) {
      ticket?.cancel()
      sendError(admitted, outlet)
    }
  }
  const begin = () => {
    for (const event of encoder.opening()) outlet.event(event)
    if (fault.errorAfterTokens === 0) {
      sendError(admitted, outlet)
      return
    }
    bill.begin(question.prompt.length, admitted.cachedTokens)
    ticket = call.host.engine.submit({
      ...question,
      sink: { isReady: () => outlet.isReady(), token },
    })
  }
  const { clock } = call.host.options
  const cancel = fault.firstEventMs === null ? null : clock.after(fault.firstEventMs, begin)
  if (cancel === null) begin()
  call.response.on('close', () => {
    cancel?.()
    ticket?.cancel()
    bill.generated((ticket?.generated ?? count) - count, 'held')
    bill.end('broken-off')
  })
}

function sendError({ encoder, bill }: Admitted, outlet: Outlet): void {
  for (const event of encoder.refusal(busy()).events) outlet.event(event)
  bill.end('broken-off')
  outlet.end()
}

/** Answers with one body, once all of it is generated. */
export function answerWhole(admitted: Admitted): void {
  const { call, question, encoder, bill, fault } = admitted
  const outlet = outletOf(admitted, () => undefined)
  const parts: string[] = []
  let count = 0
  const { stallAfter, resetAfter, cutAtBytes, endAfter, garbageAfter } = fault.wire
  const breaks = [stallAfter, resetAfter, cutAtBytes, endAfter, garbageAfter]
  const isWhole = breaks.every((value) => value === undefined)
  bill.begin(question.prompt.length, admitted.cachedTokens)
  const ticket = call.host.engine.submit({
    ...question,
    sink: {
      isReady: () => true,
      token(text, finish, engineAccount) {
        const account = accountOf(admitted, engineAccount)
        if (parts.length === 0) bill.wroteCache(account.createdTokens)
        bill.generated(account.completionTokens - count, 'held')
        count = account.completionTokens
        parts.push(text)
        if (finish === null) return
        if (isWhole) bill.deliveredWhole(account)
        bill.end(isWhole ? 'finished' : 'broken-off')
        const body = encoder.whole({ text: parts.join(''), finish, account })
        outlet.whole(body, headersOf(admitted, 'application/json'))
      },
    },
  })
  call.response.on('close', () => {
    ticket.cancel()
    bill.end('broken-off')
  })
}

function accountOf({ writesCache }: Admitted, account: Account): Account {
  return writesCache ? account : { ...account, createdTokens: 0 }
}

function outletOf({ call, fault }: Admitted, drained: () => void): Outlet {
  const events = { drained, faulted: () => undefined, random: call.host.random }
  return new Outlet(call.response, fault.wire, events)
}

function headersOf({ call, limitHeaders }: Admitted, type: string): Record<string, string> {
  return { ...vendorHeaders(call, type), ...Object.fromEntries(limitHeaders) }
}
