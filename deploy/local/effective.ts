import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Document, isAlias, isMap, isScalar, parseDocument, visit } from 'yaml'
import type { Plan } from './plan.ts'

/**
 * The user's file as the children get it: addresses filled in, and secrets' files made absolute
 * because the copy lies in another directory. Everything else stays as it is written.
 */
export function effectiveText(text: string, directory: string, plan: Plan): string {
  const document = withoutAliases(parseDocument(text.replace(/^\uFEFF/, ''), { merge: true }))
  for (const { name, address, replicas } of plan.providers) {
    document.setIn(['providers', name, 'address'], address)
    if (replicas !== undefined) {
      const node = document.createNode([...replicas])
      document.setIn(['providers', name, 'replicas', 'addresses'], node)
    }
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
