import { parentPort, workerData } from 'node:worker_threads'
import { openSegments } from '#shared/tokens/hugging-face/segments.ts'
import { viewTable } from '#shared/tokens/hugging-face/table.ts'
import { isList, isObject } from './json.ts'
import { packIds } from './packed-ids.ts'

/**
 * A thread that encodes: it is given a table, and then lists of texts, each of which is answered with a
 * buffer of their packed ids, in order.
 */
const table = workerData instanceof ArrayBuffer ? viewTable(workerData) : undefined
if (table === undefined) throw new Error('Cannot encode: the thread was given no table')
const segments = openSegments(table)

parentPort?.on('message', (message: unknown) => {
  const texts = (isList(message) ? message : []).filter(isObject)
  const ids = texts.map(({ text, isStart }) => segments.encode(String(text), isStart === true))
  const packed = packIds(ids)
  parentPort?.postMessage(packed, [packed])
})
