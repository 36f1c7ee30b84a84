import type { IncomingMessage } from 'node:http'
import type { Condition } from './condition.ts'
import type { FaultQueue } from './fault.ts'
import { isFields, parseJson } from './narrow.ts'
import { jsonPage, notFound, type Page } from './page.ts'

/**
 * `POST /sim/faults {"fault": text, "count": n}`: a fault of the next `count` calls (1 where absent),
 * or a condition of the whole replica. From this machine only.
 */
export function setFault(
  request: IncomingMessage,
  bodyText: string,
  { faults, condition }: { readonly faults: FaultQueue; readonly condition: Condition },
): Page {
  const remote = request.socket.remoteAddress ?? ''
  const isLocal = remote.startsWith('127.') || remote === '::1' || remote.startsWith('::ffff:127.')
  if (!isLocal) return notFound
  const body = parseJson(bodyText)
  const fault = isFields(body) ? body['fault'] : undefined
  const count = isFields(body) ? (body['count'] ?? 1) : undefined
  if (
    typeof fault !== 'string' ||
    typeof count !== 'number' ||
    !Number.isInteger(count) ||
    count < 0
  ) {
    const error = 'Cannot set a fault: the body must be {"fault": text, "count": n}'
    return jsonPage(400, { error })
  }
  if (condition.enter(fault)) return jsonPage(200, { fault })
  if (faults.add(fault, count)) return jsonPage(200, { fault, count })
  return jsonPage(400, { error: `Cannot set fault "${fault}": unknown grammar` })
}
