import * as decisionList from './browser/decision-list.ts'
import * as elements from './browser/elements.ts'
import * as live from './browser/live.ts'
import * as queues from './browser/queues.ts'
import * as replicaTable from './browser/replica-table.ts'
import * as sparkline from './browser/sparkline.ts'
import * as summary from './browser/summary.ts'
import * as tenantTimes from './browser/tenant-times.ts'
import * as words from './browser/words.ts'

/**
 * The page’s script: the functions of `browser/` as they are written, checked and bundled with all
 * other code, and started. So there is no file to find at run time, in a checkout or in an image. A
 * function sees the others by their names; whatever else stands outside of one is not there.
 */
export function pageScript(): string {
  const modules = [
    words,
    elements,
    sparkline,
    summary,
    replicaTable,
    queues,
    tenantTimes,
    decisionList,
    live,
  ].flatMap((module): unknown[] => Object.values(module))
  return `${modules.map(String).join('\n')}\n${live.live.name}()\n`
}
