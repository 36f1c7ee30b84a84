import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Document, isAlias, isMap, isScalar, parseDocument, visit } from 'yaml'
import type { PlannedDouble } from './demo/doubles.ts'
import type { Plan } from './plan.ts'

/**
 * The user's file as the children get it: addresses filled in, and secrets' files made absolute
 * because the copy lies in another directory. Everything else stays as it is written.
 */
export function effectiveText(text: string, directory: string, plan: Plan): string {
  const document = withoutAliases(parseDocument(text.replace(/^\uFEFF/, ''), { merge: true }))
  for (const { name, address, replicas, double } of plan.providers) {
    document.setIn(['providers', name, 'address'], address)
    if (replicas !== undefined) {
      const node = document.createNode([...replicas])
      document.setIn(['providers', name, 'replicas', 'addresses'], node)
    }
    if (double !== undefined) pointAt(document, double)
  }
  visit(document, {
    Pair(_key, { key, value }) {
      if (!isScalar(key) || key.value !== 'secret' || !isMap(value)) return
      const file = value.get('file')
      if (typeof file === 'string') value.set('file', resolve(directory, file))
    },
  })
  return document.toString()
}

/** The double's address, and its made-up keys in place of the file's: no real one reaches it. */
function pointAt(document: Document, { provider, baseUrl, keys }: PlannedDouble): void {
  document.setIn(['providers', provider, 'baseUrl'], baseUrl)
  for (const [at, { variable }] of keys.entries()) {
    const path = ['providers', provider, 'credentials', at]
    document.setIn([...path, 'secret'], variable)
    for (const key of ['baseUrl', 'entra']) document.deleteIn([...path, key])
  }
}

/** Whoever edits one use of a shared block would edit them all: where there are any, none stay. */
function withoutAliases(document: Document): Document {
  let hasAlias = false
  visit(document, {
    Node(_key, node) {
      if (!isAlias(node)) return
      hasAlias = true
      return visit.BREAK
    },
  })
  return hasAlias ? new Document(document.toJS()) : document
}

/** Replaces `file` in one step, readable by its owner only. */
export function writeEffective(file: string, text: string): void {
  const next = `${file}.next`
  writeFileSync(next, text, { mode: 0o600 })
  chmodSync(next, 0o600)
  renameSync(next, file)
}
